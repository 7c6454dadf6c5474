/* remote_signals.c - file calls while signals are blocked, in handlers, and
 * calls that wait and are interrupted */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int fd;
static sigjmp_buf jump;

static void on_signal(int sig)
{
    char line[] = "handler 00\n";
    line[8] = (char)('0' + sig / 10);
    line[9] = (char)('0' + sig % 10);
    write(fd, line, sizeof line - 1);
}

static void on_jump(int sig)
{
    on_signal(sig);
    siglongjmp(jump, 1);
}

static void *idle(void *arg)
{
    char byte;
    read(*(int *)arg, &byte, 1);
    write(fd, "thread\n", 7);
    return NULL;
}

static void blocked(void)
{
    sigset_t all, old, now;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &old);
    write(fd, "blocked\n", 8);
    raise(SIGUSR1);
    write(fd, "still blocked\n", 14);
    sigprocmask(SIG_SETMASK, NULL, &now);
    printf("USR1 is blocked %d\n", sigismember(&now, SIGUSR1));
    sigprocmask(SIG_SETMASK, &old, NULL);
    write(fd, "unblocked\n", 10);
}

static void result(const char *what, long rc)
{
    printf("%s %ld EINTR %d\n", what, rc, errno == EINTR);
}

static void interrupted(void)
{
    struct itimerval timer = {.it_value = {.tv_usec = 50000}};
    int ends[2];
    char byte;

    pipe(ends);
    setitimer(ITIMER_REAL, &timer, NULL);
    result("read", read(ends[0], &byte, 1));
    setitimer(ITIMER_REAL, &timer, NULL);
    result("poll", poll(NULL, 0, 5000));
    sigset_t none;
    sigemptyset(&none);
    setitimer(ITIMER_REAL, &timer, NULL);
    result("sigsuspend", sigsuspend(&none));
    sigfillset(&none);
    sigdelset(&none, SIGALRM);
    setitimer(ITIMER_REAL, &timer, NULL);
    struct timespec limit = {5, 0};
    result("ppoll", ppoll(NULL, 0, &limit, &none));
    close(ends[0]), close(ends[1]);
}

int main(void)
{
    struct sigaction act = {.sa_handler = on_signal}, old;
    pthread_t thread;
    int ends[2];

    setvbuf(stdout, NULL, _IONBF, 0);
    fd = open("signals.txt", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
    sigaction(SIGTERM, NULL, &old);
    printf("TERM at default %d\n", old.sa_handler == SIG_DFL);
    sigfillset(&act.sa_mask);
    sigaction(SIGUSR1, &act, &old);
    printf("USR1 was at default %d\n", old.sa_handler == SIG_DFL);
    sigaction(SIGALRM, &act, NULL);
    blocked();
    interrupted();
    act.sa_handler = on_jump;
    sigaction(SIGUSR1, &act, NULL);
    if (sigsetjmp(jump, 1) == 0)
        kill(getpid(), SIGUSR1);
    printf("jumped\n");
    pipe(ends);
    pthread_create(&thread, NULL, idle, &ends[0]);
    act.sa_handler = on_signal;
    sigaction(SIGUSR1, &act, NULL);
    act.sa_flags = SA_RESTART;
    sigaction(SIGUSR2, &act, NULL);
    pthread_kill(thread, SIGUSR2);
    usleep(50000);
    write(ends[1], "x", 1);
    pthread_join(thread, NULL);
    char buf[4096];
    close(fd);
    fd = open("signals.txt", O_RDONLY);
    ssize_t n = read(fd, buf, sizeof buf);
    printf("%.*s", (int)n, buf);
    return 0;
}
