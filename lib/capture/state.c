/* state.c - see state.h and unsaved.h */
#include "lib/capture/state.h"

#include "lib/capture/unsaved.h"
#include "lib/common/sys.h"

#include <sys/mman.h>

struct ckpt_capture_state ckpt_capture_state;

/* A child has no business with our keys; but the child that writes an image
 * runs on our stack. */
static void advise(const struct ckpt_range *r)
{
    bool is_stack = r->start == (uint64_t)(uintptr_t)ckpt_capture_state.stack;

    ckpt_sys(SYS_madvise, r->start, r->end - r->start, MADV_DONTDUMP);
    ckpt_sys(SYS_madvise, r->start, r->end - r->start,
             is_stack ? MADV_KEEPONFORK : MADV_WIPEONFORK);
}

void *ckpt_unsaved_memory(size_t len)
{
    struct ckpt_capture_state *s = &ckpt_capture_state;

    if (s->nunsaved == CKPT_UNSAVED_MAX) {
        errno = ENOMEM;
        return NULL;
    }
    len = (len + CKPT_PAGE_SIZE - 1) & ~(size_t)(CKPT_PAGE_SIZE - 1);
    /* a guard page on both sides keeps the mapping from merging with others */
    long p = ckpt_sys(SYS_mmap, 0, len + 2 * CKPT_PAGE_SIZE, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (ckpt_sys_errno(p) == -1)
        return NULL;
    p += CKPT_PAGE_SIZE;
    long rc = ckpt_sys(SYS_mprotect, p, len, PROT_READ | PROT_WRITE);
    if (ckpt_sys_errno(rc) == -1)
        return NULL;
    s->unsaved[s->nunsaved++] =
        (struct ckpt_range){(uint64_t)p, (uint64_t)p + len};
    advise(&s->unsaved[s->nunsaved - 1]);
    return (void *)p;
}

void ckpt_unsaved_advise(void)
{
    for (size_t i = 0; i < ckpt_capture_state.nunsaved; i++)
        advise(&ckpt_capture_state.unsaved[i]);
}
