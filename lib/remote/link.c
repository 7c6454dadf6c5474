/* link.c - the memory of the client: state that is saved, link that is not */
#include "lib/remote/attrs.h"
#include "lib/remote/wire.h"

#include <string.h>
#include <sys/mman.h>

struct ckpt_state *ckpt_state;
struct ckpt_link *ckpt_link;

static size_t page_up(size_t len)
{
    return (len + 4095) & ~(size_t)4095;
}

static size_t link_len(void)
{
    return page_up(sizeof *ckpt_link) + page_up(ckpt_channel_size()) +
           (CKPT_SLOTS + 1) * page_up(CKPT_RECORD_LEN) +
           page_up(ckpt_attrs_size()) + page_up(SHADOW_DATA_MAX) +
           CKPT_POOL * (size_t)CKPT_POOL_LEN + CKPT_CALL_STACK;
}

int ckpt_state_map(struct ckpt_err *err)
{
    long at = ckpt_sys(SYS_mmap, NULL, page_up(sizeof *ckpt_state),
                       PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (ckpt_sys_errno(at) == -1)
        return ckpt_err_sys(err, "no memory for the table of remote files");
    ckpt_state = (void *)at;
    ckpt_link = ckpt_unsaved_memory(link_len());
    if (!ckpt_link)
        return ckpt_err_sys(err, "no memory for the connection to the shadow");
    return 0;
}

static void *carve(uint8_t **at, size_t len)
{
    void *piece = *at;
    *at += page_up(len);
    return piece;
}

int ckpt_link_init(int boot_fd, struct ckpt_err *err)
{
    uint8_t *at = (uint8_t *)ckpt_link + page_up(sizeof *ckpt_link);

    ckpt_link->sock = -1;
    ckpt_link->message = -1;
    ckpt_link->self = (int)ckpt_sys(SYS_getpid);
    ckpt_link->channel_memory = carve(&at, ckpt_channel_size());
    for (size_t i = 0; i < CKPT_SLOTS; i++) {
        ckpt_link->slots[i].record = carve(&at, CKPT_RECORD_LEN);
        ckpt_link->slots[i].node = -1;
    }
    ckpt_link->reply = carve(&at, CKPT_RECORD_LEN);
    ckpt_link->image = carve(&at, SHADOW_DATA_MAX);
    ckpt_link->attrs = carve(&at, ckpt_attrs_size());
    ckpt_link->pool = carve(&at, CKPT_POOL * (size_t)CKPT_POOL_LEN);
    ckpt_link->call_stack_top = at + CKPT_CALL_STACK;

    int rc = ckpt_boot_read(boot_fd, &ckpt_link->boot, err);
    ckpt_sys(SYS_close, boot_fd);
    return rc;
}
