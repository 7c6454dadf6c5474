/* signals.c - handlers, masks, pending signals, the alternate stack, timers */
#include "tests/progs/prog.h"

#include <signal.h>
#include <string.h>
#include <sys/time.h>

static volatile sig_atomic_t usr1, alarms, on_alternate;
static char alternate[65536];

static void on_usr1(int sig)
{
    (void)sig;
    usr1++;
}

static void on_alarm(int sig)
{
    (void)sig;
    alarms++;
}

static void on_segv(int sig)
{
    char here;

    (void)sig;
    on_alternate = &here >= alternate && &here < alternate + sizeof alternate;
}

int main(void)
{
    struct sigaction sa;
    sigset_t set, was;
    stack_t ss = {.ss_sp = alternate, .ss_size = sizeof alternate};
    struct itimerval it = {{0, 20000}, {0, 20000}};

    memset(&sa, 0, sizeof sa);
    sa.sa_handler = on_usr1;
    sigaction(SIGUSR1, &sa, NULL);
    sa.sa_handler = on_alarm;
    sa.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &sa, NULL);
    sa.sa_handler = on_segv;
    sa.sa_flags = SA_ONSTACK;
    sigaction(SIGPROF, &sa, NULL);
    sigaltstack(&ss, NULL);
    signal(SIGPIPE, SIG_IGN);
    sigfillset(&set);
    sigprocmask(SIG_SETMASK, &set, NULL); /* the checkpoint signal, too */
    raise(SIGUSR1);
    setitimer(ITIMER_REAL, &it, NULL);
    usleep(50000); /* it has expired, and its signal is blocked */
    prog_ready();
    prog_wait();
    prog_check(usr1 == 0);
    sigpending(&set);
    prog_check(sigismember(&set, SIGUSR1));
    sigprocmask(SIG_SETMASK, NULL, &was);
    prog_check(sigismember(&was, SIGTERM));
    sigemptyset(&set);
    sigprocmask(SIG_SETMASK, &set, NULL);
    prog_check(usr1 == 1);
    int before = alarms;
    for (int i = 0; i < 200 && alarms < before + 3; i++)
        usleep(10000);
    prog_check(alarms >= before + 3);
    raise(SIGPROF);
    prog_check(on_alternate);
    sigaction(SIGPIPE, NULL, &sa);
    prog_check(sa.sa_handler == SIG_IGN);
    return prog_end();
}
