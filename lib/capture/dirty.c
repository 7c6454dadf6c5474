/* dirty.c - see dirty.h */
#include "lib/capture/dirty.h"

#include "lib/capture/pagemap.h"
#include "lib/capture/softdirty.h"
#include "lib/capture/written.h"
#include "lib/common/sys.h"

#include <fcntl.h>
#include <linux/ioctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* From the kernel's documentation (userfaultfd(2), ioctl_userfaultfd(2)); not
 * in the headers of older systems. */
struct uffd_api {
    uint64_t api, features, ioctls;
};
struct uffd_register {
    uint64_t start, len, mode, ioctls;
};
struct uffd_protect {
    uint64_t start, len, mode;
};
#define UFFD_API_CALL _IOWR(0xAA, 0x3F, struct uffd_api)
#define UFFD_REGISTER_CALL _IOWR(0xAA, 0x00, struct uffd_register)
#define UFFD_PROTECT_CALL _IOWR(0xAA, 0x06, struct uffd_protect)
enum {
    UFFD_MAGIC = 0xAA,
    UFFD_USER_ONLY = 1,
    UFFD_WP_HUGETLBFS_SHMEM = 1 << 12,
    UFFD_WP_UNPOPULATED = 1 << 13, /* PAGEMAP_SCAN asks for it */
    UFFD_WP_ASYNC = 1 << 15,
    UFFD_MODE_WP = 2,
};

enum {
    REGIONS = 512,
    PAGE = 4096,
};

/* --- the userfaultfd ------------------------------------------------------ */

static uint64_t inode_of(int fd)
{
    struct stat st;
    char link[64], path[64];

    snprintf(link, sizeof link, "/proc/thread-self/fd/%d", fd);
    long n = ckpt_sys(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    if (strcmp(path, "anon_inode:[userfaultfd]") != 0 ||
        ckpt_sys(SYS_fstat, fd, &st) < 0)
        return 0;
    return (uint64_t)st.st_ino;
}

bool ckpt_tracker_owns(const struct ckpt_tracker *t, int fd)
{
    return t->ino != 0 && fd == t->fd && inode_of(fd) == t->ino;
}

/* Out of the way: at the top of what the program may use. */
static int move_high(int fd)
{
    struct rlimit limit = {1024, 1024};

    ckpt_sys(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit);
    long top = limit.rlim_cur < 4096 ? (long)limit.rlim_cur : 4096;
    for (long from = top - 1; from > fd && from > top - 64; from--) {
        long high = ckpt_sys(SYS_fcntl, fd, F_DUPFD_CLOEXEC, from);
        if (high < 0)
            continue;
        ckpt_sys(SYS_close, fd);
        return (int)high;
    }
    return fd;
}

static bool open_uffd(struct ckpt_tracker *t)
{
    struct uffd_api api = {.api = UFFD_MAGIC,
                           .features = UFFD_WP_ASYNC | UFFD_WP_UNPOPULATED |
                                       UFFD_WP_HUGETLBFS_SHMEM};
    long fd =
        ckpt_sys(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_ONLY);

    if (fd < 0)
        return false;
    if (ckpt_sys(SYS_ioctl, fd, UFFD_API_CALL, &api) < 0) {
        ckpt_sys(SYS_close, fd);
        return false;
    }
    t->fd = move_high((int)fd);
    t->ino = inode_of(t->fd);
    return t->ino != 0;
}

static void close_uffd(struct ckpt_tracker *t)
{
    if (ckpt_tracker_owns(t, t->fd))
        ckpt_sys(SYS_close, t->fd);
    t->ino = 0;
}

/* --- scanning ------------------------------------------------------------- */

static int open_pagemap(void)
{
    return (int)ckpt_sys(SYS_openat, AT_FDCWD, "/proc/thread-self/pagemap",
                         O_RDONLY | O_CLOEXEC);
}

/* The mapping is under a userfaultfd that can do this: ours, because a
 * program with one of its own is refused. */
static bool is_followed(int pagemap, uint64_t start, uint64_t end)
{
    struct ckpt_scan_region region;
    struct ckpt_scan_arg arg = {
        .size = sizeof arg,
        .flags = CKPT_SCAN_CHECK_WPASYNC,
        .start = start,
        .end = end,
        .vec = (uint64_t)(uintptr_t)&region,
        .vec_len = 1,
        .max_pages = 1,
        .category_anyof_mask = CKPT_PAGE_IS_PRESENT | CKPT_PAGE_IS_SWAPPED,
        .return_mask = CKPT_PAGE_IS_PRESENT,
    };
    return ckpt_sys(SYS_ioctl, pagemap, CKPT_SCAN_CALL, &arg) >= 0;
}

/* Protection may be left from an earlier life of the pages, under another
 * address (mremap before Linux 6.13). */
static bool register_range(const struct ckpt_tracker *t, uint64_t start,
                           uint64_t end)
{
    struct uffd_register r = {start, end - start, UFFD_MODE_WP, 0};
    struct uffd_protect none = {start, end - start, 0};

    return ckpt_sys(SYS_ioctl, t->fd, UFFD_REGISTER_CALL, &r) == 0 &&
           ckpt_sys(SYS_ioctl, t->fd, UFFD_PROTECT_CALL, &none) == 0;
}

bool ckpt_tracker_follow(struct ckpt_tracker *t, uint64_t start, uint64_t end)
{
    if (t->method == CKPT_DIRTY_SOFTDIRTY)
        return true;
    if (t->method != CKPT_DIRTY_UFFD ||
        (!ckpt_tracker_owns(t, t->fd) && !open_uffd(t)))
        return false;
    int pagemap = open_pagemap();
    if (pagemap < 0)
        return false;
    bool ok = is_followed(pagemap, start, end) || register_range(t, start, end);
    ckpt_sys(SYS_close, pagemap);
    return ok;
}

void ckpt_runs_add(struct ckpt_runs *runs, uint64_t start, uint64_t end,
                   bool changed)
{
    struct ckpt_run *last = runs->count ? &runs->list[runs->count - 1] : NULL;

    runs->bytes += end - start;
    if (changed)
        runs->changed_bytes += end - start;
    if (last && last->end == start && last->changed == changed &&
        last->start >= runs->from)
        last->end = end;
    else if (runs->count < runs->room)
        runs->list[runs->count++] =
            (struct ckpt_run){.start = start, .end = end, .changed = changed};
    else
        runs->overflow = true;
}

static int scan(int pagemap, uint64_t start, uint64_t end,
                struct ckpt_runs *runs)
{
    struct ckpt_scan_region region[REGIONS];
    struct ckpt_scan_arg arg = {
        .size = sizeof arg,
        .flags = CKPT_SCAN_PROTECT | CKPT_SCAN_CHECK_WPASYNC,
        .start = start,
        .end = end,
        .vec = (uint64_t)(uintptr_t)region,
        .vec_len = REGIONS,
        .category_inverted = CKPT_PAGE_IS_PFNZERO,
        .category_mask = CKPT_PAGE_IS_PFNZERO,
        .category_anyof_mask = CKPT_PAGE_IS_PRESENT | CKPT_PAGE_IS_SWAPPED,
        .return_mask = CKPT_PAGE_IS_WRITTEN,
    };

    while (arg.start < end) {
        long n = ckpt_sys(SYS_ioctl, pagemap, CKPT_SCAN_CALL, &arg);
        if (n < 0)
            return (int)ckpt_sys_errno(n);
        for (long i = 0; i < n; i++)
            ckpt_runs_add(runs, region[i].start, region[i].end,
                          region[i].categories & CKPT_PAGE_IS_WRITTEN);
        if (arg.walk_end <= arg.start)
            break;
        arg.start = arg.walk_end;
    }
    return 0;
}

int ckpt_tracker_scan(struct ckpt_tracker *t, uint64_t start, uint64_t end,
                      struct ckpt_runs *runs, struct ckpt_err *err)
{
    int pagemap = open_pagemap();

    if (ckpt_sys_errno(pagemap) < 0)
        return ckpt_err_sys(err, "/proc/self/pagemap");
    runs->from = start;
    int rc = t->method == CKPT_DIRTY_SOFTDIRTY
                 ? ckpt_softdirty_scan(pagemap, start, end, runs)
             : t->quick ? ckpt_written_scan(pagemap, start, end, runs)
                        : scan(pagemap, start, end, runs);
    if (rc < 0)
        ckpt_err_sys(err, "cannot find the changed pages at %llx",
                     (unsigned long long)start);
    ckpt_sys(SYS_close, pagemap);
    return rc;
}

int ckpt_tracker_restart(struct ckpt_tracker *t, struct ckpt_err *err)
{
    if (t->method == CKPT_DIRTY_SOFTDIRTY && ckpt_softdirty_clear() < 0)
        return ckpt_err_sys(err, "/proc/self/clear_refs");
    return 0;
}

/* --- probing -------------------------------------------------------------- */

/* Two scans of one page that is written to before each, and one without. */
static bool tells_changes(struct ckpt_tracker *t, volatile uint8_t *page)
{
    static const bool expected[] = {true, false, true};
    uint64_t at = (uint64_t)(uintptr_t)page;

    for (int i = 0; i < 3; i++) {
        struct ckpt_run run;
        struct ckpt_runs runs = {.list = &run, .room = 1};
        if (expected[i])
            (*page)++;
        if (!ckpt_tracker_follow(t, at, at + PAGE) ||
            ckpt_tracker_scan(t, at, at + PAGE, &runs, NULL) < 0 ||
            ckpt_tracker_restart(t, NULL) < 0 || runs.count != 1 ||
            run.changed != expected[i])
            return false;
    }
    return true;
}

/* The kernel's quick way tells the same. */
static void try_quick(struct ckpt_tracker *t, volatile uint8_t *page)
{
    int pagemap = open_pagemap();

    t->quick = true;
    t->quick = pagemap >= 0 && tells_changes(t, page) &&
               ckpt_written_offered(pagemap, (uint64_t)(uintptr_t)page);
    if (pagemap >= 0)
        ckpt_sys(SYS_close, pagemap);
}

static bool works(struct ckpt_tracker *t, uint32_t method)
{
    t->method = method;
    t->quick = false;
    if (method == CKPT_DIRTY_HASH)
        return true;
    if (method == CKPT_DIRTY_SOFTDIRTY && !ckpt_softdirty_offered())
        return false;
    long p = ckpt_sys(SYS_mmap, 0, PAGE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (ckpt_sys_errno(p) == -1)
        return false;
    bool ok = tells_changes(t, (volatile uint8_t *)p);
    if (ok && method == CKPT_DIRTY_UFFD)
        try_quick(t, (volatile uint8_t *)p);
    ckpt_sys(SYS_munmap, p, PAGE);
    if (!ok)
        close_uffd(t);
    return ok;
}

int ckpt_tracker_probe(struct ckpt_tracker *t, uint32_t wanted,
                       struct ckpt_err *err)
{
    for (uint32_t m = CKPT_DIRTY_UFFD; m <= CKPT_DIRTY_HASH; m++)
        if ((wanted == CKPT_DIRTY_OFF || wanted == m) && works(t, m))
            return 0;
    t->method = CKPT_DIRTY_OFF;
    return ckpt_err_set(err, ENOTSUP,
                        "this kernel does not offer the way to find changed "
                        "pages that CKPT_DIRTY asks for");
}
