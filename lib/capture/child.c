/* child.c - see child.h */
#include "lib/capture/child.h"

#include "lib/capture/capture.h"
#include "lib/capture/increment.h"
#include "lib/capture/state.h"
#include "lib/common/sys.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

static struct ckpt_capture_state *const s = &ckpt_capture_state;

struct ckpt_child_page *ckpt_child_page(void)
{
    long p = ckpt_sys(SYS_mmap, 0, CKPT_PAGE_SIZE, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return p < 0 && p > -4096 ? NULL : (struct ckpt_child_page *)p;
}

static void drop(struct ckpt_child_page *page)
{
    if (page)
        ckpt_sys(SYS_munmap, page, CKPT_PAGE_SIZE);
}

void ckpt_child_made(long pid, struct ckpt_child_page *page)
{
    if (pid < 0) {
        drop(page);
        return;
    }
    s->writer = (int32_t)pid;
    s->told = page;
    if (page) /* the program's own children have nothing to do with it */
        ckpt_sys(SYS_madvise, page, CKPT_PAGE_SIZE, MADV_DONTFORK);
}

void ckpt_child_tell(struct ckpt_child_page *page)
{
    if (!page)
        return;
    __atomic_store_n(&page->durable, 1, __ATOMIC_RELEASE);
    ckpt_sys(SYS_futex, &page->durable, FUTEX_WAKE, INT_MAX);
}

static bool was_told(void)
{
    return s->told && __atomic_load_n(&s->told->durable, __ATOMIC_ACQUIRE);
}

static bool has_ended(void)
{
    siginfo_t info = {.si_pid = 0};
    long rc = ckpt_sys(SYS_waitid, P_PID, s->writer, &info,
                       WEXITED | WNOHANG | WNOWAIT | __WALL, NULL);

    return rc < 0 || info.si_pid != 0;
}

bool ckpt_child_durable(void)
{
    const struct timespec look_again = {0, 20000000};

    if (s->writer > 0 && s->told)
        while (!was_told() && !has_ended())
            ckpt_sys(SYS_futex, &s->told->durable, FUTEX_WAIT, 0, &look_again);
    return was_told() || ckpt_child_end();
}

uint64_t ckpt_child_cpu_ns(const struct rusage *u)
{
    return (uint64_t)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1000000000u +
           (uint64_t)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) * 1000u;
}

static void stop_merging(struct ckpt_child_page *page)
{
    if (!page)
        return;
    __atomic_store_n(&page->give_up, 1, __ATOMIC_RELEASE);
    ckpt_sys(SYS_futex, &page->give_up, FUTEX_WAKE, 1);
}

/* The child has no exit signal: the program's wait() does not see it. */
bool ckpt_child_end(void)
{
    struct rusage usage = {0};
    int status = -1;
    long pid;

    if (s->writer <= 0)
        return true;
    stop_merging(s->told);
    while ((pid = ckpt_sys(SYS_wait4, s->writer, &status, __WALL, &usage)) ==
           -EINTR)
        ;
    ckpt_rhythm_written(ckpt_child_cpu_ns(&usage) -
                        (s->told ? s->told->merging_ns : 0));
    bool durable = was_told() || (pid == s->writer && status == 0);
    if (!durable && pid == s->writer && WIFSIGNALED(status))
        ckpt_capture_log("checkpoint failed: its writer was killed by signal "
                         "%d",
                         WTERMSIG(status));
    bool merged =
        s->told && __atomic_load_n(&s->told->merged, __ATOMIC_ACQUIRE);
    s->writer = 0;
    drop(s->told);
    s->told = NULL;
    if (merged)
        ckpt_increment_take_merged();
    ckpt_increment_done(durable);
    return durable;
}
