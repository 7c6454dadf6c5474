/* merger.c - see merger.h */
#include "lib/capture/merger.h"

#include "lib/capture/capture.h"
#include "lib/capture/state.h"
#include "lib/common/sys.h"
#include "lib/image/stale.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/ioprio.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_AGAIN_NS = 20000000, LOWEST_NICE = 19 };

static struct ckpt_capture_state *const s = &ckpt_capture_state;

/* --- the command ---------------------------------------------------------- */

/* It is SCHED_BATCH already.  SCHED_IDLE would get nothing done beside a
 * program that wants all processors. */
static void be_last(void)
{
    ckpt_sys(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
             IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
    ckpt_sys(SYS_setpriority, PRIO_PROCESS, 0, LOWEST_NICE);
}

/* Its complaints go to the log. */
static void set_descriptors(void)
{
    ckpt_sys(SYS_close_range, 0, ~0u, 0);
    ckpt_sys(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR);
    ckpt_sys(SYS_fcntl, 0, F_DUPFD, 1);
    if (s->settings.log[0] == '\0' ||
        ckpt_sys(SYS_openat, AT_FDCWD, s->settings.log, O_WRONLY | O_APPEND) <
            0)
        ckpt_sys(SYS_fcntl, 0, F_DUPFD, 2);
}

static void execute(long writer, const char *image)
{
    const char *words[] = {s->settings.merger, "image", "merge", image, NULL};
    const char *environment[] = {NULL};
    uint64_t none = 0;

    ckpt_sys(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
    if (ckpt_sys(SYS_getppid) == writer) {
        set_descriptors();
        be_last();
        ckpt_sys(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof none);
        ckpt_sys(SYS_execve, words[0], words, environment);
        ckpt_capture_log("cannot execute %s to merge the chain", words[0]);
    }
    ckpt_sys(SYS_exit_group, 127);
}

/* --- the writer, which waits for it --------------------------------------- */

/* No handler of the program's hears of the command's end. */
static void be_deaf(void)
{
    struct {
        uint64_t handler, flags, restorer, mask;
    } standard = {0};
    uint64_t all = ~0ull;

    ckpt_sys(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof all);
    ckpt_sys(SYS_rt_sigaction, SIGCHLD, &standard, NULL, sizeof all);
}

static bool is_unwanted(const struct ckpt_child_page *page)
{
    return __atomic_load_n(&page->give_up, __ATOMIC_ACQUIRE) ||
           (int32_t)ckpt_sys(SYS_getppid) != s->pid;
}

/* True when it succeeded. */
static bool await(struct ckpt_child_page *page, long pid)
{
    const struct timespec look_again = {0, LOOK_AGAIN_NS};
    struct rusage usage = {0};
    int status = -1;
    bool ended = false;

    while (ckpt_sys(SYS_wait4, pid, &status, ended ? __WALL : __WALL | WNOHANG,
                    &usage) == 0) {
        ended = is_unwanted(page);
        if (ended)
            ckpt_sys(SYS_kill, pid, SIGKILL);
        else
            ckpt_sys(SYS_futex, &page->give_up, FUTEX_WAIT, 0, &look_again);
    }
    page->merging_ns = ckpt_child_cpu_ns(&usage);
    if (ended && status != 0)
        ckpt_capture_log("merging was given up");
    else if (status != 0)
        ckpt_capture_log("merging failed, status %#x", (unsigned)status);
    return status == 0;
}

void ckpt_merger_run(struct ckpt_child_page *page,
                     const struct ckpt_increment *inc, const char *image)
{
    long writer = ckpt_sys(SYS_getpid);

    /* what it held open of older images is freed now */
    ckpt_sys(SYS_close_range, 0, ~0u, 0);
    ckpt_sys(SYS_prctl, PR_SET_NAME, CKPT_MERGER_NAME);
    be_deaf();
    if (is_unwanted(page))
        return;
    ckpt_capture_log("merging the chain of %s", image);
    long pid = ckpt_sys(SYS_clone, 0, NULL, NULL, NULL, 0);
    if (pid == 0)
        execute(writer, image);
    bool whole = pid > 0 && await(page, pid);
    if (!whole)
        ckpt_image_remove_stale(image);
    if (whole && ckpt_increment_rename_merged(inc, image)) {
        __atomic_store_n(&page->merged, 1, __ATOMIC_RELEASE);
        ckpt_capture_log("merged: %s stands by itself", image);
    }
}
