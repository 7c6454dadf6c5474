/* timers.c - timer_create() with SIGEV_THREAD
 *
 * libc's own has a helper thread that blocks every signal for ever, so it
 * cannot be stopped for a checkpoint.  This one does the same with a helper
 * that can: the kernel signals each expiration to the helper, which starts the
 * program's function in a thread of its own.  All else goes to the kernel as
 * libc has it since 2.34: a timer's id is the kernel's.  With an older one
 * these calls stay libc's.
 */
#include <features.h>
#if __GLIBC_PREREQ(2, 34)

#include "lib/arch/x86_64.h"
#include "lib/common/futex.h"
#include "lib/common/sys.h"
#include "lib/wrap/wrap.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PUBLIC __attribute__((visibility("default")))

PUBLIC int timer_create(clockid_t clock, struct sigevent *event, timer_t *id);
PUBLIC int timer_delete(timer_t id);

enum {
    WATCH_MAX = 256, /* as many as a checkpoint takes */
    SIGNAL = 32,     /* libc's own for this, which programs do not see */
    TRIES = 1000,
};

/* A timer whose expirations start threads. */
struct watch {
    _Atomic int used; /* 0 free, 1 being made, 2 in use */
    int id;
    void (*function)(union sigval);
    union sigval value;
    size_t stack, guard; /* of the threads; stack 0: as usual */
};

static struct watch watches[WATCH_MAX];

static struct {
    pthread_mutex_t lock;
    _Atomic int pid; /* of the process it is in: a forked child has none */
    _Atomic int tid; /* by the kernel's count, which a restart may change */
} helper = {PTHREAD_MUTEX_INITIALIZER, 0, 0};

static void set_mask(int how, uint64_t mask)
{
    ckpt_sys(SYS_rt_sigprocmask, how, &mask, NULL, sizeof mask);
}

/* --- an expiration -------------------------------------------------------- */

static void *call_function(void *arg)
{
    struct watch w = *(struct watch *)arg;

    set_mask(SIG_SETMASK, 0);
    w.function(w.value);
    return NULL;
}

static void start_thread(struct watch *w)
{
    pthread_attr_t attr;
    pthread_t thread;

    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    if (w->stack) {
        pthread_attr_setstacksize(&attr, w->stack);
        pthread_attr_setguardsize(&attr, w->guard);
    }
    pthread_create(&thread, &attr, call_function, w);
    pthread_attr_destroy(&attr);
}

static void *help(void *unused)
{
    uint64_t set = 1ull << (SIGNAL - 1);

    set_mask(SIG_BLOCK, set);
    for (;;) {
        siginfo_t info;
        atomic_store(&helper.tid, (int)ckpt_sys(SYS_gettid));
        ckpt_futex_wake_all((uint32_t *)&helper.tid);
        long sig = ckpt_program_call(SYS_rt_sigtimedwait, (long)&set,
                                     (long)&info, 0, sizeof set, 0, 0);
        if (sig != SIGNAL || info.si_code != SI_TIMER)
            continue; /* a checkpoint */
        struct watch *w = info.si_value.sival_ptr;
        if (atomic_load(&w->used) == 2 && w->id == info.si_timerid)
            start_thread(w);
    }
    return unused;
}

/* --- the helper ----------------------------------------------------------- */

/* All signals blocked but libckpt's. */
static int start_helper(void)
{
    pthread_attr_t attr;
    pthread_t thread;
    sigset_t all, old;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    atomic_store(&helper.tid, 0);
    int rc = pthread_create(&thread, &attr, help, NULL);
    pthread_attr_destroy(&attr);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    while (rc == 0 && atomic_load(&helper.tid) == 0)
        ckpt_futex_wait((uint32_t *)&helper.tid, 0, 100);
    return rc;
}

static int have_helper(void)
{
    int pid = (int)ckpt_sys(SYS_getpid), rc = 0;

    pthread_mutex_lock(&helper.lock);
    if (atomic_load(&helper.tid) == 0 || atomic_load(&helper.pid) != pid)
        rc = start_helper();
    if (rc == 0)
        atomic_store(&helper.pid, pid);
    pthread_mutex_unlock(&helper.lock);
    return rc;
}

/* --- the calls ------------------------------------------------------------ */

static struct watch *new_watch(const struct sigevent *event)
{
    for (int i = 0; i < WATCH_MAX; i++) {
        struct watch *w = &watches[i];
        int none = 0;
        if (!atomic_compare_exchange_strong(&w->used, &none, 1))
            continue;
        w->function = event->sigev_notify_function;
        w->value = event->sigev_value;
        w->stack = 0;
        if (event->sigev_notify_attributes) {
            pthread_attr_getstacksize(event->sigev_notify_attributes,
                                      &w->stack);
            pthread_attr_getguardsize(event->sigev_notify_attributes,
                                      &w->guard);
        }
        return w;
    }
    return NULL;
}

/* A restart may have given the helper another id, which it is about to tell. */
static long create(clockid_t clock, struct sigevent *event, int *id)
{
    long rc = -EINVAL;

    for (int i = 0; i < TRIES && rc == -EINVAL; i++) {
        if (i > 0)
            ckpt_sys(SYS_sched_yield);
        event->_sigev_un._tid = atomic_load(&helper.tid);
        rc = ckpt_program_call(SYS_timer_create, clock, (long)event, (long)id,
                               0, 0, 0);
    }
    return rc;
}

static long create_watched(clockid_t clock, const struct sigevent *wanted,
                           int *id)
{
    struct sigevent event;
    struct watch *w = new_watch(wanted);

    if (!w)
        return -EAGAIN;
    memset(&event, 0, sizeof event);
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = SIGNAL;
    event.sigev_value.sival_ptr = w;
    long rc = have_helper() == 0 ? create(clock, &event, id) : -EAGAIN;
    if (rc == 0)
        w->id = *id;
    atomic_store(&w->used, rc == 0 ? 2 : 0);
    return rc;
}

PUBLIC int timer_create(clockid_t clock, struct sigevent *event, timer_t *id)
{
    struct sigevent plain;
    int made = 0;
    long rc;

    if (!event) {
        memset(&plain, 0, sizeof plain);
        plain.sigev_notify = SIGEV_SIGNAL;
        plain.sigev_signo = SIGALRM;
        event = &plain;
    }
    if (event->sigev_notify == SIGEV_THREAD)
        rc = create_watched(clock, event, &made);
    else
        rc = ckpt_program_call(SYS_timer_create, clock, (long)event,
                               (long)&made, 0, 0, 0);
    if (rc == 0)
        *id = (timer_t)(intptr_t)made;
    return (int)ckpt_sys_errno(rc);
}

PUBLIC int timer_delete(timer_t id)
{
    for (int i = 0; i < WATCH_MAX; i++) {
        int in_use = 2;
        if (watches[i].id == (int)(intptr_t)id &&
            atomic_compare_exchange_strong(&watches[i].used, &in_use, 0))
            break;
    }
    return (int)ckpt_sys_errno(
        ckpt_program_call(SYS_timer_delete, (int)(intptr_t)id, 0, 0, 0, 0, 0));
}

#endif
