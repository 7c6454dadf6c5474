/* pace.c - see pace.h */
#include "shadow/pace.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* The monotonic clock begins anew with the machine: a moment further away than
 * this is one of before. */
static const int64_t STALE_USEC = 3600 * 1000000LL;

int pace_open(struct pace *pace, uint64_t job_rate, uint64_t home_rate,
              int dirfd, const char *file, struct ckpt_err *err)
{
    *pace = (struct pace){.job_rate = job_rate, .home_rate = home_rate};
    if (home_rate == 0)
        return 0;
    int fd =
        openat(dirfd, file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return ckpt_err_sys(err, "%s", file);
    void *at = MAP_FAILED;
    if (posix_fallocate(fd, 0, sizeof *pace->home_free_usec) == 0)
        at = mmap(NULL, sizeof *pace->home_free_usec, PROT_READ | PROT_WRITE,
                  MAP_SHARED, fd, 0);
    if (at == MAP_FAILED)
        ckpt_err_sys(err, "%s", file);
    close(fd);
    if (at == MAP_FAILED)
        return -1;
    pace->home_free_usec = at;
    return 0;
}

static int64_t now_usec(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t passes_usec(size_t len, uint64_t rate)
{
    return (int64_t)((double)len * 1e6 / (double)rate);
}

/* When the stretch that we take begins. */
static int64_t take_stretch(struct pace *pace, size_t len, int64_t now)
{
    int64_t begins,
        free = __atomic_load_n(pace->home_free_usec, __ATOMIC_SEQ_CST);

    do
        begins = free > now && free - now < STALE_USEC ? free : now;
    while (!__atomic_compare_exchange_n(
        pace->home_free_usec, &free, begins + passes_usec(len, pace->home_rate),
        false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    return begins;
}

void pace_wait(struct pace *pace, size_t len)
{
    int64_t now = now_usec(), begins = now;

    if (pace->job_rate > 0 && pace->job_free_usec > begins)
        begins = pace->job_free_usec;
    if (pace->home_rate > 0) {
        int64_t home = take_stretch(pace, len, now);
        if (home > begins)
            begins = home;
    }
    if (begins - now > PACE_MOST_MS * 1000LL)
        begins = now + PACE_MOST_MS * 1000LL;
    if (pace->job_rate > 0)
        pace->job_free_usec = begins + passes_usec(len, pace->job_rate);
    struct timespec nap = {(begins - now) / 1000000,
                           (begins - now) % 1000000 * 1000};
    if (begins > now)
        nanosleep(&nap, NULL);
}
