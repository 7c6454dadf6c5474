/* handler.c - the handler of the checkpoint signal: who asked, and may it be
 *
 * A request is carried out at once, or remembered when another is being carried
 * out, when the program is in a critical section, or when this thread is
 * inside the kernel's vdso.  The last one remembered counts.
 */
#include "lib/capture/capture.h"
#include "lib/capture/lazy.h"
#include "lib/capture/revive.h"
#include "lib/capture/state.h"
#include "lib/capture/stop.h"
#include "lib/common/futex.h"
#include "lib/common/sys.h"
#include "lib/wrap/wrap.h"

#include <string.h>
#include <time.h>

enum { PUT_OFF_MAX = 200, VDSO_PAUSE_NS = 300000, LOCK_PAUSE_NS = 20000000 };

static struct ckpt_capture_state *const s = &ckpt_capture_state;

static long revive_run(void *unused)
{
    (void)unused;
    ckpt_revive_finish();
    return 0;
}

static void on_own_stack(long (*fn)(void *), long *result)
{
    *result = ckpt_call_on_stack(fn, NULL, s->stack + CKPT_STACK_SIZE);
}

/* Capture, and go on here either in this process or in a restarted one. */
static void capture_here(void *ucontext)
{
    struct ckpt_thread self;
    long rc;

    ckpt_thread_describe(&self, ucontext);
    s->captor = &self;
    if (ckpt_context_save(&self.context) == 0) {
        on_own_stack(ckpt_capture_run, &rc);
        s->result = rc < 0 ? -1 : 0;
        if (s->writer > 0)
            ckpt_request_drop(&s->request); /* the child answers */
        else if (!s->waits_for_lock)
            ckpt_request_answer(&s->request, ckpt_capture_image_path(),
                                rc < 0 ? s->err.text : NULL);
    } else {
        ckpt_thread_revive(&self);
        ckpt_stop_wait_revived();
        while (__atomic_load_n(&s->leader_on_stack, __ATOMIC_ACQUIRE))
            ckpt_futex_wait(&s->leader_on_stack, 1, 1);
        on_own_stack(revive_run, &rc);
        s->request.reply_fd = -1; /* the asker was in another process */
        s->result = 1;
        ckpt_stop_release();
        ckpt_lazy_pass();
    }
}

/* Another request came while one was being carried out, or in a critical
 * section: remember it (the last one counts). */
static void postpone(const siginfo_t *info)
{
    s->postponed_info = *info;
    atomic_store(&s->postponed, 1);
}

void ckpt_capture_requeue_postponed(void)
{
    if (atomic_load(&s->disabled) == 0 && atomic_exchange(&s->postponed, 0))
        ckpt_capture_requeue(&s->postponed_info, 0);
}

/* Not from an asker, nor from the timer of ckpt_capture_arm(). */
static bool is_plain(const siginfo_t *info)
{
    return info->si_code != SI_TIMER &&
           !(info->si_code == SI_QUEUE &&
             (uint64_t)(uintptr_t)info->si_value.sival_ptr >> 32 ==
                 CKPT_REQUEST_MAGIC);
}

/* Let the thread go on, and come back by a timer. */
static bool come_back(const siginfo_t *info, long pause_ns)
{
    struct sigevent event;
    struct itimerspec soon = {{0, 0}, {0, pause_ns}};
    int timer;

    memset(&event, 0, sizeof event);
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = s->settings.signal;
    event.sigev_value.sival_ptr = &s->put_off;
    if (ckpt_sys(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer) < 0)
        return false;
    postpone(info);
    ckpt_sys(SYS_timer_settime, timer, 0, &soon, NULL);
    return true;
}

/* The thread that would be the captor is itself in the vdso.  True when the
 * request was put off. */
static bool put_off(const siginfo_t *info, const void *ucontext)
{
    if (!ckpt_capture_in_vdso(ucontext) || s->put_off >= PUT_OFF_MAX) {
        s->put_off = 0;
        return false;
    }
    if (!come_back(info, VDSO_PAUSE_NS))
        return false;
    s->put_off++;
    return true;
}

static bool is_put_off(const siginfo_t *info)
{
    return info->si_code == SI_TIMER && info->si_value.sival_ptr == &s->put_off;
}

/* A signal of that timer stands for the request that was put off: false when
 * that has been carried out meanwhile. */
static bool resolve_put_off(siginfo_t *info)
{
    if (!is_put_off(info))
        return true;
    ckpt_sys(SYS_timer_delete, info->si_timerid);
    if (atomic_load(&s->capturing) || !atomic_exchange(&s->postponed, 0))
        return false;
    *info = s->postponed_info;
    return true;
}

/* The loader's: put memory that it has read in its place.  Another thread may
 * be at it; the loader repeats. */
static void obey(void *ucontext)
{
    struct ckpt_thread self;
    long rc;

    if (atomic_exchange(&s->capturing, 1)) {
        ckpt_stop_park(ucontext);
        return;
    }
    ckpt_thread_describe(&self, ucontext);
    s->captor = &self;
    on_own_stack(ckpt_lazy_obey, &rc);
    atomic_store(&s->capturing, 0);
    if (rc > 0) /* else it was no stop, or none that all came to */
        ckpt_lazy_pass();
}

/* Make s->request of the signal, unless it is there already, waiting for a lock
 * to be released.  False: the same was asked before. */
static bool take(const siginfo_t *info, bool again)
{
    if (s->waits_for_lock && again)
        return true;
    if (s->waits_for_lock) { /* somebody else was quicker */
        atomic_store(&s->postponed, 0);
        ckpt_request_answer(&s->request, ckpt_capture_image_path(),
                            s->err.text);
        s->waits_for_lock = false;
    }
    if (!ckpt_request_take(info, s->last_reply_id, &s->request))
        return false;
    s->last_reply_id = s->request.reply_id;
    if (s->request.mode == CKPT_REQUEST_SELF)
        strcpy(s->request.path, s->self_path);
    if (info->si_signo == s->settings.exit_on && info->si_signo > 0)
        s->request.mode = CKPT_REQUEST_EXIT;
    return true;
}

static void handle_request(siginfo_t *info, void *ucontext)
{
    bool again = is_put_off(info);

    if (!resolve_put_off(info))
        return;
    if (is_plain(info) && ckpt_wrap_deliver(info->si_signo, info, ucontext))
        return;
    if ((int32_t)ckpt_sys(SYS_getpid) != s->pid)
        return; /* a forked child: its image would replace its parent's */
    if (ckpt_lazy_active() || atomic_load(&s->disabled) > 0) {
        postpone(info);
        return;
    }
    if (put_off(info, ucontext))
        return;
    if (atomic_exchange(&s->capturing, 1)) {
        postpone(info);
        ckpt_stop_park(ucontext);
        return;
    }
    if (take(info, again))
        capture_here(ucontext);
    atomic_store(&s->capturing, 0);
    if (!s->waits_for_lock || !come_back(info, LOCK_PAUSE_NS))
        ckpt_capture_requeue_postponed();
}

void ckpt_capture_signal(int sig, siginfo_t *info, void *ucontext)
{
    int saved = errno;

    (void)sig;
    if (info->si_code == SI_QUEUE &&
        ckpt_stop_is_call(info->si_value.sival_ptr))
        ckpt_stop_park(ucontext);
    else if (info->si_code == SI_QUEUE &&
             ckpt_lazy_is_order(info->si_value.sival_ptr))
        obey(ucontext);
    else
        handle_request(info, ucontext);
    ckpt_wrap_interrupted(ucontext);
    errno = saved;
}

void ckpt_capture_requeue(const siginfo_t *info, int tid)
{
    int pid = (int)ckpt_sys(SYS_getpid);

    if (tid > 0)
        ckpt_sys(SYS_rt_tgsigqueueinfo, pid, tid, s->settings.signal, info);
    else
        ckpt_sys(SYS_rt_sigqueueinfo, pid, s->settings.signal, info);
}
