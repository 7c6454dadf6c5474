/* core_work.c - a program that computes over its memory, checkpoints itself,
 * and tells what that cost
 *
 *     core_work MIB THREADS KIND ROUNDS IMAGE
 *
 * KIND: random, sim (fields of a simulation), calc (the same, and some
 * computing for each number, as simulations do), huge (random in huge pages),
 * zero (resident zeros), few (random; the workers change one page of a hundred;
 * a whole checkpoint and an incremental one in each round: to be started with
 * CKPT_INCREMENTAL=on and CKPT_IMAGE=IMAGE), schedule (the same memory; each
 * round is 30 s that begin with a checkpoint, and 30 s without).  Workers sweep
 * over the memory all the time and watch the clock; the main thread goes
 * through rounds of
 *
 *     undisturbed | bare fork() | O_DIRECT write + fsync | checkpoint
 *
 * (and the command in WORK_TOOL, if there is one, before the checkpoint)
 * so that each measurement has its limit beside it.  Before all that, what a
 * page costs that is written to after a fork.  Prints lines "name value".
 * A restarted one prints when it went on (CLOCK_REALTIME) and ends.
 */
#include "lib/ckpt.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

enum {
    PAGE = 4096,
    WORDS = PAGE / 8,
    MAX_THREADS = 16,
    PIECE = 8 << 20,
    PERIOD = 30
};

struct worker {
    pthread_t thread;
    uint64_t *from, *to;
    _Alignas(64) _Atomic uint64_t pages; /* work done */
    _Atomic uint64_t gap;                /* longest pause, in clock ticks */
};

static struct worker worker[MAX_THREADS];
static size_t nworkers, memory_len, stride = WORDS;
static uint64_t *memory;
static double ticks_per_ms;
static _Atomic int stop;
static bool floats;
static int effort; /* divisions for each number */

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* What this thread, which takes the checkpoints, has spent: what the pause
 * would be if nobody else wanted the processor. */
static double spent(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void report(const char *name, double value)
{
    printf("%s %.9g\n", name, value);
    fflush(stdout);
}

static void sweep_page(uint64_t *p)
{
    double *x = (double *)p;

    if (floats)
        for (int i = 0; i < WORDS; i++) {
            double y = x[i];
            for (int k = 0; k < effort; k++)
                y = 1.5 / (y + 1.0);
            x[i] = x[i] * 0.9999999 + y * 1e-9;
        }
    else
        for (int i = 0; i < WORDS; i++)
            p[i] = p[i] * 0x9e3779b97f4a7c15 + 1;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    uint64_t last = __rdtsc();

    while (!atomic_load_explicit(&stop, memory_order_relaxed))
        for (uint64_t *p = w->from; p < w->to; p += stride) {
            sweep_page(p);
            uint64_t t = __rdtsc();
            if (t - last > atomic_load_explicit(&w->gap, memory_order_relaxed))
                atomic_store(&w->gap, t - last);
            last = t;
            atomic_fetch_add_explicit(&w->pages, 1, memory_order_relaxed);
        }
    return NULL;
}

static void fill(const char *kind)
{
    size_t n = memory_len / 8;
    double *x = (double *)memory;
    uint64_t r = 88172645463325252ull;
    bool zero = strcmp(kind, "zero") == 0;

    floats = strcmp(kind, "sim") == 0 || strcmp(kind, "calc") == 0;
    effort = strcmp(kind, "calc") == 0 ? 4 : 0;
    for (size_t i = 0; i < n; i++) {
        r ^= r << 13, r ^= r >> 7, r ^= r << 17;
        if (floats) /* a smooth field with 20 bits of noise below it */
            x[i] = (double)(i % 4096) * 1e-3 + (double)(r >> 44) * 0x1p-40;
        else
            memory[i] = zero ? 0 : r;
    }
}

/* Write to a part of the memory; nanoseconds a page. */
static double touch(void)
{
    size_t words =
        (64u << 20) / 8 < memory_len / 8 ? (64u << 20) / 8 : memory_len / 8;
    double began = now();

    for (size_t i = 0; i < words; i += WORDS)
        ((volatile uint64_t *)memory)[i]++;
    return (now() - began) * 1e9 / (double)(words / WORDS);
}

/* What the first write to a page costs after any fork: the fault alone, once
 * the child has gone, and with a copy, while it is there. */
static void faults(void)
{
    int line[2];
    char c;

    if (pipe(line) < 0)
        return;
    pid_t pid = fork();
    if (pid == 0) {
        close(line[1]);
        _exit(read(line[0], &c, 1) != 0);
    }
    close(line[0]);
    report("copy_ns", touch());
    close(line[1]);
    waitpid(pid, NULL, 0);
    pid = fork();
    if (pid == 0)
        _exit(0);
    waitpid(pid, NULL, 0);
    report("fault_ns", touch());
}

static void start(size_t mib, size_t threads, const char *kind)
{
    int advice = strcmp(kind, "huge") == 0 ? MADV_HUGEPAGE : MADV_NOHUGEPAGE;

    memory_len = mib << 20;
    memory = mmap(NULL, memory_len, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        exit(77);
    madvise(memory, memory_len, advice);
    fill(kind);
    if (strcmp(kind, "few") == 0 || strcmp(kind, "schedule") == 0)
        stride = 100 * WORDS;
    if (strcmp(kind, "random") == 0)
        faults();
    nworkers = strcmp(kind, "zero") == 0 ? 0 : threads;
    for (size_t i = 0; i < nworkers; i++) {
        size_t words = memory_len / 8 / nworkers;
        worker[i].from = memory + i * words;
        worker[i].to = worker[i].from + words;
        pthread_create(&worker[i].thread, NULL, work, &worker[i]);
    }
}

/* --- one measurement ----------------------------------------------------- */

static uint64_t pages_done(void)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < nworkers; i++)
        sum += atomic_load(&worker[i].pages);
    return sum;
}

static void clear_gaps(void)
{
    for (size_t i = 0; i < nworkers; i++)
        atomic_store(&worker[i].gap, 0);
}

static double longest_gap_ms(void)
{
    uint64_t most = 0;

    for (size_t i = 0; i < nworkers; i++)
        if (atomic_load(&worker[i].gap) > most)
            most = atomic_load(&worker[i].gap);
    return (double)most / ticks_per_ms;
}

/* Pages per second; the clock is calibrated on the way. */
static double undisturbed(void)
{
    struct timespec rest = {0, 400000000};
    uint64_t pages = pages_done(), ticks = __rdtsc();
    double began = now();

    clear_gaps();
    nanosleep(&rest, NULL);
    double s = now() - began;
    ticks_per_ms = (double)(__rdtsc() - ticks) / s / 1e3;
    report("gap_undisturbed_ms", longest_gap_ms());
    return (double)(pages_done() - pages) / s;
}

static void bare_fork(void)
{
    double began = now();
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    report("fork_ms", (now() - began) * 1e3);
    waitpid(pid, NULL, 0);
}

/* Processor time of the children that have ended. */
static double spent_by_children(void)
{
    struct rusage u;

    getrusage(RUSAGE_CHILDREN, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

/* A peer, under the same conditions. */
static void run_tool(void)
{
    const char *tool = getenv("WORK_TOOL");
    double began = now();

    if (tool && system(tool) == 0)
        report("tool_s", now() - began);
}

static void direct_write(const char *image)
{
    char name[4200];

    snprintf(name, sizeof name, "%s.direct", image);
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_DIRECT, 0600);
    if (fd < 0)
        return;
    double began = now(), cpu = spent();
    size_t at = 0;
    while (at < memory_len) {
        size_t left = memory_len - at;
        ssize_t n = write(fd, (char *)memory + at, left < PIECE ? left : PIECE);
        if (n <= 0)
            break;
        at += (size_t)n;
    }
    if (fsync(fd) == 0 && at == memory_len) {
        report("direct_s", now() - began);
        report("direct_cpu_s", spent() - cpu);
    }
    close(fd);
    unlink(name);
}

static void went_on(void)
{
    struct timespec t;

    sweep_page(memory);
    clock_gettime(CLOCK_REALTIME, &t);
    printf("went_on %lld.%09ld\n", (long long)t.tv_sec, t.tv_nsec);
    fflush(stdout);
    _exit(0);
}

static void checkpoint(const char *image, double rate)
{
    static bool again;
    struct stat st;

    clear_gaps();
    uint64_t pages = pages_done();
    double began = now(), cpu = spent(), writer = spent_by_children();
    int rc = ckpt_checkpoint(image);
    if (rc == 1)
        went_on();
    double s = now() - began;
    if (rc < 0 || stat(image, &st) < 0) {
        perror("checkpoint");
        exit(1);
    }
    report("total_s", s);
    report("pause_ms", longest_gap_ms());
    report(again ? "pause_later_ms" : "pause_first_ms", longest_gap_ms());
    report("pause_cpu_ms", (spent() - cpu) * 1e3);
    if (again) /* the writer before: this one may not have ended yet */
        report("writer_cpu_s", spent_by_children() - writer);
    again = true;
    if (rate > 0) {
        double speed = (double)(pages_done() - pages) / s / rate;
        report("speed", speed);
        report("lost_s", speed < 1 ? s * (1 - speed) : 0);
    }
    report("image_mb", (double)st.st_size / 1e6);
}

/* The same memory, whole under another name, and what changed of it. */
static void whole_and_increment(const char *image, double rate)
{
    char other[4200];
    struct timespec rest = {0, 300000000};

    snprintf(other, sizeof other, "%s.whole", image);
    double began = now();
    if (ckpt_checkpoint(other) != 0) {
        perror("whole checkpoint");
        exit(1);
    }
    report("whole_s", now() - began);
    unlink(other);
    nanosleep(&rest, NULL);
    checkpoint(image, rate);
}

static double seconds_of(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec * 1e-6;
}

/* Processor time of the program, and of the writing children that ended. */
static double spent_by_all(void)
{
    struct rusage self, children;

    getrusage(RUSAGE_SELF, &self);
    getrusage(RUSAGE_CHILDREN, &children);
    return seconds_of(self.ru_utime) + seconds_of(self.ru_stime) +
           seconds_of(children.ru_utime) + seconds_of(children.ru_stime);
}

/* Pages in the seconds of one period, and the processor time of each. */
static void period(const char *image, const char *pages_name,
                   const char *cpu_name)
{
    double end = now() + PERIOD, cpu = spent_by_all();
    uint64_t pages = pages_done();

    if (image && ckpt_checkpoint(image) != 0) {
        perror("checkpoint");
        exit(1);
    }
    while (now() < end) {
        double left = end - now();
        struct timespec rest = {(time_t)left,
                                (long)((left - (double)(time_t)left) * 1e9)};
        nanosleep(&rest, NULL);
    }
    pages = pages_done() - pages;
    report(pages_name, (double)pages);
    report(cpu_name, (spent_by_all() - cpu) / (double)pages * 1e9);
}

/* What a checkpoint costs the program all in all, the faults that follow it
 * included.  By turns first and second, for a machine that gets busier. */
static void schedule(const char *image, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        if (i % 2)
            period(image, "with", "with_cpu_ns");
        period(NULL, "without", "without_cpu_ns");
        if (i % 2 == 0)
            period(image, "with", "with_cpu_ns");
    }
}

int main(int argc, char **argv)
{
    const struct timespec rest = {0, 500000000};

    if (argc != 6)
        return 2;
    start(strtoul(argv[1], NULL, 10), strtoul(argv[2], NULL, 10), argv[3]);
    report("memory_mb", (double)memory_len / 1e6);
    bool few = strcmp(argv[3], "few") == 0;
    if (few && ckpt_checkpoint(argv[5]) == 1)
        went_on();
    while (strcmp(argv[4], "0") == 0) /* until it is killed */
        pause();
    bool scheduled = strcmp(argv[3], "schedule") == 0;
    if (scheduled && ckpt_checkpoint(argv[5]) == 0)
        schedule(argv[5], atoi(argv[4]));
    for (int i = scheduled ? 0 : atoi(argv[4]); i > 0; i--) {
        double rate = undisturbed();
        bare_fork();
        if (few) {
            whole_and_increment(argv[5], rate);
            continue;
        }
        direct_write(argv[5]);
        run_tool();
        checkpoint(argv[5], rate);
        nanosleep(&rest, NULL); /* the image before it is being freed */
    }
    atomic_store(&stop, 1);
    for (size_t i = 0; i < nworkers; i++)
        pthread_join(worker[i].thread, NULL);
    return 0;
}
