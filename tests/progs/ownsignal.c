/* ownsignal.c - a program with a use of its own for SIGUSR2: it blocks it,
 * handles it, and waits for signals; libckpt keeps out of its way */
#include "lib/capture/request.h"
#include "tests/progs/prog.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

static volatile sig_atomic_t handled, from_blocked;

static void on_usr2(int sig)
{
    (void)sig;
    handled++;
}

static void on_usr1(int sig)
{
    int before = handled;

    (void)sig;
    raise(SIGUSR2);
    prog_check(handled == before);
}

/* A request by somebody who does not know yet that the signal is ours. */
static void ask_late(void)
{
    union sigval value = {
        .sival_ptr = (void *)((unsigned long)CKPT_REQUEST_MAGIC << 32 | 999)};

    prog_check(sigqueue(getpid(), SIGUSR2, value) == 0);
}

/* Waits for every signal, as a daemon's signal thread does. */
static void *wait_for_all(void *arg)
{
    sigset_t all;
    int sig = 0, *seen = arg;

    sigfillset(&all);
    while (sigwait(&all, &sig) == 0 && sig != SIGTERM)
        ++*seen;
    return NULL;
}

int main(void)
{
    struct sigaction sa, old;
    sigset_t all, set, was;
    pthread_t waiter;
    int seen = 0;

    sigfillset(&all);
    memset(&sa, 0, sizeof sa);
    sa.sa_handler = on_usr1;
    sigaddset(&sa.sa_mask, SIGUSR2); /* before it has a handler */
    prog_check(sigaction(SIGUSR1, &sa, NULL) == 0);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    pthread_create(&waiter, NULL, wait_for_all, &seen);
    memset(&sa, 0, sizeof sa);
    sa.sa_handler = on_usr2;
    prog_check(sigaction(SIGUSR2, &sa, &old) == 0);
    prog_check(old.sa_handler == SIG_DFL);
    raise(SIGUSR2); /* blocked before it had a handler */
    prog_check(handled == 0);
    sigemptyset(&set);
    pthread_sigmask(SIG_SETMASK, &set, NULL);
    prog_check(handled == 1);
    handled = 0;
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_SETMASK, &set, &was);
    prog_check(sigismember(&was, SIGUSR1));
    raise(SIGUSR2);
    from_blocked = handled;
    prog_ready();
    prog_wait();
    prog_check(from_blocked == 0 && handled == 0);
    pthread_sigmask(SIG_SETMASK, NULL, &was);
    prog_check(sigismember(&was, SIGUSR2)); /* it is blocked, and seems so */
    sigemptyset(&set);
    pthread_sigmask(SIG_SETMASK, &set, NULL);
    prog_check(handled == 1);
    ask_late();
    prog_check(handled == 1);
    prog_check(sigaction(SIGUSR2, NULL, &old) == 0 &&
               old.sa_handler == on_usr2);
    raise(SIGUSR1);
    prog_check(handled == 2);
    pthread_kill(waiter, SIGTERM);
    pthread_join(waiter, NULL);
    prog_check(seen == 0);
    return prog_end();
}
