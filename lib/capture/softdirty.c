/* softdirty.c - see softdirty.h */
#include "lib/capture/softdirty.h"

#include "lib/common/io.h"
#include "lib/common/sys.h"

#include <fcntl.h>
#include <sys/mman.h>

enum { PAGE = 4096, ENTRIES = 1024 };

static bool is_there(uint64_t entry)
{
    return entry >> 62 & 3; /* present or swapped */
}

static bool is_changed(uint64_t entry)
{
    return entry >> 55 & 1;
}

int ckpt_softdirty_scan(int pagemap, uint64_t start, uint64_t end,
                        struct ckpt_runs *runs)
{
    uint64_t entry[ENTRIES];

    for (uint64_t at = start; at < end;) {
        uint64_t n = (end - at) / PAGE < ENTRIES ? (end - at) / PAGE : ENTRIES;
        ssize_t got =
            ckpt_pread_full(pagemap, entry, n * 8, (off_t)(at / PAGE * 8));
        if (got != (ssize_t)(n * 8)) {
            errno = got < 0 ? errno : EIO;
            return -1;
        }
        for (uint64_t i = 0; i < n; i++, at += PAGE)
            if (is_there(entry[i]))
                ckpt_runs_add(runs, at, at + PAGE, is_changed(entry[i]));
    }
    return 0;
}

int ckpt_softdirty_clear(void)
{
    long fd = ckpt_sys(SYS_openat, AT_FDCWD, "/proc/thread-self/clear_refs",
                       O_WRONLY | O_CLOEXEC);
    if (fd == -ENOENT)
        fd = ckpt_sys(SYS_openat, AT_FDCWD, "/proc/self/clear_refs",
                      O_WRONLY | O_CLOEXEC);
    if (ckpt_sys_errno(fd) < 0)
        return -1;
    int rc = ckpt_write_full((int)fd, "4", 1);
    ckpt_sys(SYS_close, fd);
    return rc;
}

bool ckpt_softdirty_offered(void)
{
    struct ckpt_run run = {.changed = false};
    struct ckpt_runs runs = {.list = &run, .room = 1};
    long fd = ckpt_sys(SYS_openat, AT_FDCWD, "/proc/thread-self/pagemap",
                       O_RDONLY | O_CLOEXEC);
    long p = ckpt_sys(SYS_mmap, 0, PAGE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (fd >= 0 && ckpt_sys_errno(p) != -1) {
        *(volatile uint8_t *)p = 1;
        ckpt_softdirty_scan((int)fd, (uint64_t)p, (uint64_t)p + PAGE, &runs);
    }
    if (ckpt_sys_errno(p) != -1)
        ckpt_sys(SYS_munmap, p, PAGE);
    if (fd >= 0)
        ckpt_sys(SYS_close, fd);
    return run.changed;
}
