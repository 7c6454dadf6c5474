/* stop.c - see stop.h
 *
 * A thread can be created or end while the others are being stopped, so the
 * list of threads is read again until a whole pass finds every thread in it
 * parked already.  Only running threads create threads; so nothing new can
 * come after such a pass.
 */
#include "lib/capture/stop.h"

#include "lib/capture/lazy.h"
#include "lib/common/dirent.h"
#include "lib/common/futex.h"
#include "lib/common/io.h"
#include "lib/common/sys.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    STOP_LIMIT_MS = 10000,
    STOP_POLL_MS = 5,
    STOP_LOOK_MS = 500,
    /* a signal value of ours: magic in the upper half, generation below */
    STOP_MAGIC = 0x434b5053,
};

static struct {
    _Atomic(struct ckpt_thread *) threads; /* parked ones and the captor */
    _Atomic uint32_t nparked;
    uint32_t generation;       /* of the stop in progress, or the last */
    _Atomic uint32_t stopping; /* its generation while a stop is in progress */
    _Atomic uint32_t nrevived;
    _Atomic(struct ckpt_thread *) asked; /* has to call `errand` */
    void (*errand)(struct ckpt_thread *thread);
} stop;

bool ckpt_stop_in_progress(void)
{
    return atomic_load(&stop.stopping) != 0;
}

bool ckpt_stop_is_call(const void *value)
{
    return (uint64_t)(uintptr_t)value >> 32 == STOP_MAGIC;
}

static void push(struct ckpt_thread *t)
{
    t->next = atomic_load(&stop.threads);
    while (!atomic_compare_exchange_weak(&stop.threads, &t->next, t))
        ;
}

/* The word holds the generation of the stop, so that a thread which is slow to
 * wake is not held by the next stop without being in its list. */
static void sleep_until_released(struct ckpt_thread *t, uint32_t generation)
{
    while (atomic_load(&stop.stopping) == generation) {
        if (atomic_load(&stop.asked) == t) {
            stop.errand(t);
            atomic_store(&stop.asked, NULL);
            ckpt_futex_wake_all((uint32_t *)&stop.asked);
        }
        ckpt_futex_wait((uint32_t *)&stop.stopping, generation, -1);
    }
}

void ckpt_stop_ask(struct ckpt_thread *t,
                   void (*errand)(struct ckpt_thread *thread))
{
    stop.errand = errand;
    atomic_store(&stop.asked, t);
    while (atomic_load(&stop.asked) == t) {
        /* again and again: it may have been just about to sleep */
        ckpt_futex_wake_all((uint32_t *)&stop.stopping);
        ckpt_futex_wait((uint32_t *)&stop.asked, (uint32_t)(uintptr_t)t, 1);
    }
}

void ckpt_stop_park(void *ucontext)
{
    struct ckpt_thread t;
    uint32_t generation = atomic_load(&stop.stopping);

    if (generation == 0)
        return; /* a call that was overtaken by the release */
    ckpt_thread_describe(&t, ucontext);
    t.parked = 1;
    if (ckpt_context_save(&t.context) == 0) {
        atomic_fetch_add(&stop.nparked, 1);
        push(&t);
        ckpt_futex_wake_all((uint32_t *)&stop.nparked);
    } else {
        ckpt_thread_revive(&t);
        atomic_fetch_add(&stop.nrevived, 1);
        ckpt_futex_wake_all((uint32_t *)&stop.nrevived);
    }
    sleep_until_released(&t, generation);
    ckpt_lazy_pass();
}

static bool is_parked(int tid)
{
    for (struct ckpt_thread *t = atomic_load(&stop.threads); t; t = t->next)
        if (t->tid == tid)
            return true;
    return false;
}

/* The first thread may have ended (pthread_exit in main): it is listed until
 * the last one ends. */
static bool has_ended(int tid)
{
    char path[64], stat[256];

    snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
    long fd = ckpt_sys(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return true;
    ssize_t n = ckpt_read_full((int)fd, stat, sizeof stat - 1);
    ckpt_sys(SYS_close, fd);
    stat[n > 0 ? n : 0] = '\0';
    const char *paren = strrchr(stat, ')');
    return paren && (paren[2] == 'Z' || paren[2] == 'X');
}

static void send_call(int pid, int tid, int sig)
{
    siginfo_t info;
    uint64_t value = (uint64_t)STOP_MAGIC << 32 | stop.generation;

    memset(&info, 0, sizeof info);
    info.si_signo = sig;
    info.si_code = SI_QUEUE;
    info.si_pid = pid;
    info.si_uid = (uid_t)ckpt_sys(SYS_getuid);
    info.si_value.sival_ptr = (void *)(uintptr_t)value;
    ckpt_sys(SYS_rt_tgsigqueueinfo, pid, tid, sig, &info);
}

/* One pass over the threads: how many are not parked, one of them in *tid.
 * They are called (again: a signal that is pending already stays one). */
static long call_running(int dirfd, int pid, int sig, int *running_tid)
{
    _Alignas(struct ckpt_dirent) char buf[4096];
    long running = 0, n;

    ckpt_sys(SYS_lseek, dirfd, 0, SEEK_SET);
    while ((n = ckpt_sys(SYS_getdents64, dirfd, buf, sizeof buf)) > 0) {
        for (long at = 0; at < n;) {
            struct ckpt_dirent *d = (void *)(buf + at);
            int tid = atoi(d->name);
            at += d->reclen;
            if (tid <= 0 || is_parked(tid) || (tid == pid && has_ended(tid)))
                continue;
            running++;
            *running_tid = tid;
            send_call(pid, tid, sig);
        }
    }
    return n < 0 ? n : running;
}

struct status {
    char comm[CKPT_COMM_MAX + 1];
    char state;
    uint64_t blocked;
};

static void look_status(int tid, struct status *st)
{
    char path[64], text[4096];

    *st = (struct status){.comm = "?", .state = '?'};
    snprintf(path, sizeof path, "/proc/self/task/%d/status", tid);
    long fd = ckpt_sys(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t n = ckpt_read_full((int)fd, text, sizeof text - 1);
    ckpt_sys(SYS_close, fd);
    text[n > 0 ? n : 0] = '\0';
    if (n > 6)
        snprintf(st->comm, sizeof st->comm, "%.*s",
                 (int)strcspn(text + 6, "\n"), text + 6);
    const char *at = strstr(text, "State:\t");
    if (at)
        st->state = at[7];
    at = strstr(text, "SigBlk:\t");
    if (at)
        st->blocked = strtoull(at + 8, NULL, 16);
}

/* Helper threads of libc block all signals for ever; others do so for
 * moments. */
static int refuse_blocker(int tid, int sig, struct ckpt_err *err)
{
    struct status st;

    look_status(tid, &st);
    if (st.state != 'S' || !(st.blocked >> (sig - 1) & 1))
        return 0;
    return ckpt_err_set(err, EBUSY,
                        "thread %d (%s) blocks the checkpoint signal, as "
                        "libc's own do for aio_read and getaddrinfo_a",
                        tid, st.comm);
}

static int refuse(int tid, struct ckpt_err *err)
{
    struct status st;

    look_status(tid, &st);
    return ckpt_err_set(err, EBUSY,
                        "thread %d (%s) did not stop within %d s: it is in "
                        "state %c or blocks the checkpoint signal",
                        tid, st.comm, STOP_LIMIT_MS / 1000, st.state);
}

static long now_ms(void)
{
    struct timespec ts;

    ckpt_sys(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Repeat passes until all are parked. */
static int stop_others(int dirfd, int sig, struct ckpt_err *err)
{
    int pid = (int)ckpt_sys(SYS_getpid), tid = 0;
    long start = now_ms(), looked = start;

    for (;;) {
        uint32_t parked = atomic_load(&stop.nparked);
        long running = call_running(dirfd, pid, sig, &tid);
        if (running < 0) {
            errno = (int)-running;
            return ckpt_err_sys(err, "/proc/self/task");
        }
        if (running == 0)
            return 0;
        long now = now_ms();
        if (now > start + STOP_LIMIT_MS)
            return refuse(tid, err);
        if (now > looked + STOP_LOOK_MS) {
            looked = now;
            if (refuse_blocker(tid, sig, err) < 0)
                return -1;
        }
        ckpt_futex_wait((uint32_t *)&stop.nparked, parked, STOP_POLL_MS);
    }
}

int ckpt_stop_all(int sig, struct ckpt_thread *self, struct ckpt_err *err)
{
    if (++stop.generation == 0)
        stop.generation = 1;
    self->parked = 0;
    atomic_store(&stop.threads, NULL);
    atomic_store(&stop.nparked, 0);
    atomic_store(&stop.nrevived, 0);
    push(self);
    atomic_store(&stop.stopping, stop.generation);
    long fd = ckpt_sys(SYS_openat, AT_FDCWD, "/proc/self/task",
                       O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc;
    if (fd < 0) {
        errno = (int)-fd;
        rc = ckpt_err_sys(err, "/proc/self/task");
    } else {
        rc = stop_others((int)fd, sig, err);
        ckpt_sys(SYS_close, fd);
    }
    if (rc < 0)
        ckpt_stop_release();
    return rc;
}

void ckpt_stop_release(void)
{
    atomic_store(&stop.stopping, 0);
    ckpt_futex_wake_all((uint32_t *)&stop.stopping);
}

struct ckpt_thread *ckpt_stop_threads(size_t *count)
{
    *count = atomic_load(&stop.nparked) + 1u;
    return atomic_load(&stop.threads);
}

void ckpt_stop_wait_revived(void)
{
    uint32_t all = atomic_load(&stop.nparked), now;

    while ((now = atomic_load(&stop.nrevived)) < all)
        ckpt_futex_wait((uint32_t *)&stop.nrevived, now, -1);
}
