/* owner_clock.c - how long a job goes on after its station's owner has come
 * back
 *
 *     owner_clock ROUNDS LIMIT_MS
 *
 * Opens a real pseudo-terminal with a reader, as a shell is, and prints the
 * path of its slave.  Then reads the job's process id from standard input, and
 * ROUNDS times: waits until the job runs, presses a key, and takes
 *
 *     the time until the kernel says that the process is stopped (it does when
 *     the process would have run next: one that is kept from the processor
 *     stops late)
 *     the time until the job used a processor last, for more than USE_NS: what
 *     an owner could notice is over then
 *     how long it used processors since the key was pressed
 *
 * Prints the distributions in microseconds; exits 1 when it took longer than
 * LIMIT_MS until a process was stopped, or never happened.
 */
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    LOOK_US = 100,
    PATIENCE_US = 20000000,
    ROUNDS_MAX = 10000,
    USE_NS = 100000, /* to stop takes some processor time as well */
};

struct times {
    int64_t stopped[ROUNDS_MAX];
    int64_t last_use[ROUNDS_MAX];
    int64_t used[ROUNDS_MAX];
};

_Noreturn static void die(const char *what)
{
    perror(what);
    exit(2);
}

static uint64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* The program at the terminal: reads line after line, as a shell. */
static void sit_at(const char *slave)
{
    char line[256];
    int fd;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setsid();
    fd = open(slave, O_RDONLY);
    while (fd >= 0 && read(fd, line, sizeof line) > 0)
        ;
    _exit(0);
}

static char state_of(int pid)
{
    char path[64], text[512];

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    const char *after = strrchr(text, ')');
    return after ? after[2] : 0;
}

/* Of all its threads so far; 0: it is gone. */
static int64_t used_ns(int pid)
{
    struct timespec used;
    clockid_t clock;

    if (clock_getcpuclockid(pid, &clock) != 0 ||
        clock_gettime(clock, &used) < 0)
        return 0;
    return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

/* Microseconds until the process is stopped, or is not; -1: never.  In between
 * the job's last use of a processor is put into *last_us, unless that is NULL.
 */
static int64_t until(int pid, int stopped, int64_t *last_us)
{
    struct timespec pause = {0, LOOK_US * 1000};
    int64_t counted = last_us ? used_ns(pid) : 0, used;
    uint64_t start = now_us();
    char state;

    while (now_us() - start < PATIENCE_US) {
        state = state_of(pid);
        if (state == 0)
            return -1;
        if (last_us && (used = used_ns(pid)) - counted > USE_NS) {
            counted = used;
            *last_us = (int64_t)(now_us() - start);
        }
        if ((state == 'T') == (stopped != 0))
            return (int64_t)(now_us() - start);
        nanosleep(&pause, NULL);
    }
    return -1;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static void report(const char *what, int64_t *took, int n)
{
    qsort(took, (size_t)n, sizeof *took, compare);
    printf("%s_min_us %lld %s_median_us %lld %s_p90_us %lld %s_p99_us %lld "
           "%s_max_us %lld ",
           what, (long long)took[0], what, (long long)took[n / 2], what,
           (long long)took[n * 9 / 10], what, (long long)took[n * 99 / 100],
           what, (long long)took[n - 1]);
}

static int go_round(int master, int pid, int i, struct times *t)
{
    struct timespec moment = {0, 0};
    char echo[256];

    /* the terminal's times are looked at, too, and may stop it again */
    do {
        if (until(pid, 0, NULL) < 0)
            return -1;
        moment.tv_nsec = 10000000L * (1 + i % 17);
        nanosleep(&moment, NULL);
    } while (state_of(pid) == 'T');
    int64_t before = used_ns(pid);
    if (write(master, "\n", 1) != 1)
        die("typing");
    t->last_use[i] = 0;
    t->stopped[i] = until(pid, 1, &t->last_use[i]);
    t->used[i] = (used_ns(pid) - before) / 1000;
    while (read(master, echo, sizeof echo) > 0)
        ;
    return t->stopped[i] < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
    static struct times times;
    int rounds = argc == 3 ? atoi(argv[1]) : 0, master, keep, pid;
    char slave[128], line[64];

    if (rounds < 1 || rounds > ROUNDS_MAX) {
        fprintf(stderr, "usage: owner_clock ROUNDS LIMIT_MS\n");
        return 2;
    }
    /* where we may: the station is measured, and not we ourselves */
    (void)setpriority(PRIO_PROCESS, 0, -15);
    if (openpty(&master, &keep, slave, NULL, NULL))
        die("openpty");
    fcntl(master, F_SETFL, O_NONBLOCK);
    if (fork() == 0) {
        close(master);
        sit_at(slave);
    }
    printf("%s\n", slave);
    fflush(stdout);
    if (!fgets(line, sizeof line, stdin) || (pid = atoi(line)) <= 0)
        return 2;
    for (int i = 0; i < rounds; i++)
        if (go_round(master, pid, i, &times) < 0) {
            fprintf(stderr, "owner_clock: the job is gone, or does not %s\n",
                    state_of(pid) == 'T' ? "go on" : "stop");
            return 1;
        }
    printf("rounds %d ", rounds);
    report("stopped", times.stopped, rounds);
    report("last_use", times.last_use, rounds);
    report("used", times.used, rounds);
    putchar('\n');
    return times.stopped[rounds - 1] > (int64_t)atoi(argv[2]) * 1000;
}
