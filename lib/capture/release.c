/* release.c - see release.h */
#include "lib/capture/release.h"

#include "lib/capture/pages.h"
#include "lib/capture/state.h"
#include "lib/common/futex.h"
#include "lib/common/io.h"

#include <fcntl.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum {
    BLOCK = 2 << 20,
    BLOCK_PAGES = BLOCK / CKPT_PAGE,
    LOWEST_LEVEL = 7,
    NICE = 5 /* more than the program */
};

/* The writable data of the program or library that libckpt is part of; the
 * linker defines them. */
extern const char _GLOBAL_OFFSET_TABLE_[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));

static struct ckpt_span around(const void *at, size_t below, size_t len)
{
    return (struct ckpt_span){(uintptr_t)at - below, (uintptr_t)at + len};
}

void ckpt_release_begin(struct ckpt_release *r,
                        const struct ckpt_memory *memory,
                        const struct ckpt_thread *captor)
{
    memset(r, 0, sizeof *r);
    r->memory = memory;
    r->kept[0] = around(_GLOBAL_OFFSET_TABLE_, CKPT_PAGE,
                        (size_t)(_end - _GLOBAL_OFFSET_TABLE_) + CKPT_PAGE);
    r->kept[1] = around(&errno, CKPT_PAGE, CKPT_PAGE);
    r->kept[2] =
        around((void *)(uintptr_t)captor->fs_base, CKPT_PAGE, 2 * CKPT_PAGE);
    r->kept[3] = around(captor, CKPT_PAGE, sizeof *captor);
    r->pagemap = (int)ckpt_sys(SYS_openat, AT_FDCWD, "/proc/self/pagemap",
                               O_RDONLY | O_CLOEXEC);
}

void ckpt_release_end(struct ckpt_release *r)
{
    if (r->pagemap >= 0)
        ckpt_sys(SYS_close, r->pagemap);
}

/* Pages that nobody else maps any more: the program has its own copy. */
static unsigned count_copied(const struct ckpt_release *r, uintptr_t block)
{
    uint64_t entry[BLOCK_PAGES];
    unsigned count = 0;

    if (r->pagemap < 0 ||
        ckpt_pread_full(r->pagemap, entry, sizeof entry,
                        (off_t)(block / CKPT_PAGE * 8)) != sizeof entry)
        return 0;
    for (unsigned i = 0; i < BLOCK_PAGES; i++)
        count += (entry[i] >> 63 & 1) && (entry[i] >> 56 & 1);
    return count;
}

static bool is_kept(const struct ckpt_release *r, uintptr_t block)
{
    for (unsigned i = 0; i < CKPT_RELEASE_KEPT; i++)
        if (block < r->kept[i].end && block + BLOCK > r->kept[i].start)
            return true;
    return false;
}

/* The block lies in one mapping of the kind that may go. */
static bool may_go(const struct ckpt_release *r, uintptr_t block)
{
    const struct ckpt_map *maps = r->memory->maps;
    size_t low = 0, high = r->memory->nmaps;

    while (low < high) { /* the first mapping that ends behind it */
        size_t middle = (low + high) / 2;
        if (maps[middle].end <= block)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == r->memory->nmaps)
        return false;
    const struct ckpt_map *m = &maps[low];
    return m->start <= block && m->end >= block + BLOCK &&
           m->kind == CKPT_MAP_ANON && m->ino == 0 &&
           !(m->flags & (CKPT_MAPF_SHARED | CKPT_MAPF_STACK)) &&
           !is_kept(r, block);
}

/* Count the bytes of a block that are written; true when it is complete.  A
 * block that loses its place to another is never complete: it stays. */
static bool complete(struct ckpt_release *r, uintptr_t block, size_t len)
{
    size_t i = block / BLOCK % CKPT_RELEASE_PENDING;
    bool whole;

    ckpt_futex_lock(&r->lock);
    if (r->pending[i].block != block) {
        r->pending[i].block = block;
        r->pending[i].written = 0;
    }
    r->pending[i].written += len;
    whole = r->pending[i].written == BLOCK;
    ckpt_futex_unlock(&r->lock);
    return whole;
}

void ckpt_release_written(void *arg, const void *data, size_t len)
{
    struct ckpt_release *r = arg;
    uintptr_t at = (uintptr_t)data, end = at + len;

    while (at < end) {
        uintptr_t block = at & ~(uintptr_t)(BLOCK - 1);
        uintptr_t to = block + BLOCK < end ? block + BLOCK : end;
        if (complete(r, block, to - at) && may_go(r, block)) {
            __atomic_fetch_add(&r->copied, count_copied(r, block),
                               __ATOMIC_RELAXED);
            ckpt_sys(SYS_madvise, block, BLOCK, MADV_DONTNEED);
        }
        at = to;
    }
}

/* --- memory that is short ------------------------------------------------- */

static size_t read_text(const char *path, char *text, size_t size)
{
    long fd = ckpt_sys(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : ckpt_read_full((int)fd, text, size - 1);

    if (fd >= 0)
        ckpt_sys(SYS_close, fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

bool ckpt_release_hopeless(void)
{
    char text[2048];

    if (!read_text("/proc/meminfo", text, sizeof text))
        return false;
    const char *line = strstr(text, "MemAvailable:");
    uint64_t available_kb = line ? strtoull(line + 13, NULL, 10) : UINT64_MAX;
    if (!read_text("/proc/self/statm", text, sizeof text))
        return false;
    char *at = text;
    strtoull(at, &at, 10);
    uint64_t resident = strtoull(at, &at, 10), shared = strtoull(at, &at, 10);
    return available_kb / (CKPT_PAGE / 1024) < (resident - shared) / 4;
}

void ckpt_release_be_humble(void)
{
    struct sched_param batch = {0};
    long fd = ckpt_sys(SYS_openat, AT_FDCWD, "/proc/self/oom_score_adj",
                       O_WRONLY | O_CLOEXEC);

    if (fd >= 0) {
        ckpt_write_full((int)fd, "1000", 4);
        ckpt_sys(SYS_close, fd);
    }
    ckpt_sys(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
             IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, LOWEST_LEVEL));
    if (ckpt_sys(SYS_sched_getscheduler, 0) != SCHED_IDLE)
        ckpt_sys(SYS_sched_setscheduler, 0, SCHED_BATCH, &batch);
    long nice = 20 - ckpt_sys(SYS_getpriority, PRIO_PROCESS, 0);
    ckpt_sys(SYS_setpriority, PRIO_PROCESS, 0, nice + NICE);
}
