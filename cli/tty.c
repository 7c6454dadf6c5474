/* tty.c - see tty.h
 *
 * The terminal stays home: the job's shadow, on this machine, reads and writes
 * it; the kernel's line discipline echoes and edits here.  This process is the
 * terminal's foreground and gets its signals; it sends them to the job
 * through the home station.  When it is stopped, the shell gets the terminal
 * back as it was, and the job is stopped; when it is continued the job's
 * attributes come back.
 */
#include "cli/tty.h"

#include "cli/cli.h"
#include "cli/home.h"
#include "scheduler/core/job.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 100, STOP_MS = 100, PATIENCE_MS = 60000, REMOVED = 1 };

struct attended {
    uint64_t job;
    struct home home;
    struct termios shells, jobs;
    int signals;
    bool found, finished;
    int state, wait_status;
};

const char *tty_name(void)
{
    return isatty(0) ? ttyname(0) : NULL;
}

static void nap(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* 0, or -1 with errno: ESRCH or ESTALE when it runs nowhere now. */
static int send_signal(struct attended *a, int sig)
{
    home_act_args what = {.action = HOME_SIGNAL, .prio = sig};
    struct ckpt_err err;

    return home_act_one(&a->home, &what, a->job, &err);
}

static int look(const home_job *job, void *arg)
{
    struct attended *a = arg;

    if (job->id != a->job)
        return 0;
    a->found = true;
    a->state = job->state;
    a->wait_status = job->wait_status;
    a->finished = job_state_is_final((enum job_state)job->state);
    return 0;
}

/* ^Z: stop it, then us; after `fg` both go on. */
static void stop_both(struct attended *a)
{
    send_signal(a, SIGTSTP);
    nap(STOP_MS); /* for a handler that puts the screen in order */
    send_signal(a, SIGSTOP);
    tcgetattr(0, &a->jobs);
    tcsetattr(0, TCSADRAIN, &a->shells);
    kill(getpid(), SIGSTOP);
    tcsetattr(0, TCSADRAIN, &a->jobs);
    send_signal(a, SIGCONT);
    send_signal(a, SIGWINCH);
}

/* One that does not run yet, and is interrupted, is not wanted. */
static void interrupt(struct attended *a, int sig)
{
    home_act_args what = {.action = HOME_RM, .reason = "interrupted"};
    struct ckpt_err err;

    if (send_signal(a, sig) != 0 && (errno == ESRCH || errno == ESTALE))
        home_act_one(&a->home, &what, a->job, &err);
}

static void pass_on(struct attended *a, int sig)
{
    switch (sig) {
    case SIGTSTP:
        stop_both(a);
        break;
    case SIGINT:
    case SIGQUIT:
    case SIGTERM:
    case SIGHUP:
        interrupt(a, sig);
        break;
    default:
        send_signal(a, sig);
    }
}

static int open_signals(void)
{
    static const int caught[] = {SIGINT,  SIGQUIT,  SIGTSTP,
                                 SIGTERM, SIGWINCH, SIGHUP};
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof caught / sizeof caught[0]; i++)
        sigaddset(&set, caught[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The home station may be down for a while: it is started again. */
static int attend(struct attended *a, struct ckpt_err *err)
{
    struct pollfd p = {.fd = a->signals, .events = POLLIN};
    struct signalfd_siginfo info;
    int64_t heard = now_ms();

    while (!a->finished) {
        poll(&p, 1, LOOK_MS);
        while (read(a->signals, &info, sizeof info) == sizeof info)
            pass_on(a, (int)info.ssi_signo);
        if (home_each(&a->home, &a->job, 1, false, look, a, err) == 0)
            heard = now_ms();
        else if (now_ms() - heard > PATIENCE_MS)
            return -1;
        if (!a->found)
            return ckpt_err_set(err, ENOENT, "job %llu is gone",
                                (unsigned long long)a->job);
    }
    return 0;
}

static int exit_code(const struct attended *a)
{
    if (a->state != JOB_COMPLETED)
        return REMOVED;
    return WIFSIGNALED(a->wait_status) ? 128 + WTERMSIG(a->wait_status)
                                       : WEXITSTATUS(a->wait_status);
}

int tty_attend(uint64_t job)
{
    struct attended a = {.job = job};
    struct ckpt_err err = {""};

    if (tcgetattr(0, &a.shells) < 0 || home_open(&a.home, &err))
        return cli_fail(&err);
    a.signals = open_signals();
    int result = attend(&a, &err);
    tcsetattr(0, TCSADRAIN, &a.shells);
    home_close(&a.home);
    close(a.signals);
    return result ? cli_fail(&err) : exit_code(&a);
}
