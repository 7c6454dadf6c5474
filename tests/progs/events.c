/* events.c - eventfd, timerfd and signalfd with what is in them */
#include "tests/progs/prog.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

static uint64_t take(int fd)
{
    uint64_t n = 0;

    return read(fd, &n, sizeof n) == sizeof n ? n : 0;
}

static int set(int fd, int flags, long value_ms, long every_ms)
{
    struct itimerspec it = {{every_ms / 1000, every_ms % 1000 * 1000000},
                            {value_ms / 1000, value_ms % 1000 * 1000000}};

    return timerfd_settime(fd, flags, &it, NULL);
}

int main(void)
{
    struct itimerspec left;
    struct signalfd_siginfo info;
    struct timespec now;
    sigset_t usr1;

    int count = eventfd(5, EFD_NONBLOCK);
    int semaphore = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC);
    int ticking = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    int unread = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    int once = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    int over = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK);
    int far = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
    int off = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    prog_check(set(ticking, 0, 10, 10) == 0 && set(unread, 0, 1, 30) == 0);
    prog_check(set(once, 0, 3600000, 0) == 0 && set(over, 0, 1, 0) == 0);
    clock_gettime(CLOCK_REALTIME, &now);
    prog_check(set(far, TFD_TIMER_ABSTIME, (now.tv_sec + 1000) * 1000, 0) == 0);
    usleep(100000);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    sigprocmask(SIG_BLOCK, &usr1, NULL);
    int signals = signalfd(-1, &usr1, SFD_NONBLOCK);
    raise(SIGUSR1);
    prog_ready();
    prog_wait();
    prog_check(take(count) == 5 && take(count) == 0 && errno == EAGAIN);
    prog_check(take(semaphore) == 1 && take(semaphore) == 1);
    prog_check(take(semaphore) == 0);
    prog_check(fcntl(semaphore, F_GETFD) & FD_CLOEXEC);
    prog_check(take(unread) >= 3);
    for (int i = 0; i < 3; i++) { /* they go on, all the same */
        fcntl(unread, F_SETFL, 0);
        fcntl(ticking, F_SETFL, 0);
        prog_check(take(unread) >= 1 && take(ticking) >= 1);
    }
    prog_check(timerfd_gettime(unread, &left) == 0);
    prog_check(left.it_interval.tv_nsec == 30000000);
    prog_check(timerfd_gettime(once, &left) == 0);
    prog_check(left.it_value.tv_sec > 3000 && left.it_value.tv_sec <= 3600);
    prog_check(take(once) == 0 && take(over) == 1 && take(over) == 0);
    prog_check(timerfd_gettime(far, &left) == 0);
    struct timespec later;
    clock_gettime(CLOCK_REALTIME, &later);
    long off_by = left.it_value.tv_sec + later.tv_sec - now.tv_sec - 1000;
    prog_check(off_by >= -2 && off_by <= 2);
    prog_check(take(off) == 0);
    prog_check(read(signals, &info, sizeof info) == sizeof info);
    prog_check(info.ssi_signo == SIGUSR1);
    prog_check(read(signals, &info, sizeof info) == -1 && errno == EAGAIN);
    return prog_end();
}
