/* core_loops.c - what a program does all day, each in a loop of its own
 *
 *     core_loops         prints "name nanoseconds" of CPU time per turn
 *     core_loops rss     prints its resident memory in kB
 *     core_loops nothing ends at once
 *
 * Built plain and with ckpt-cc, and run under ckpt run, it tells what libckpt
 * costs while nobody asks for a checkpoint.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int file;

static void floating(long n)
{
    volatile double result;
    double x = 1.0, y = 0.5;

    for (long i = 0; i < n; i++) {
        x = x * 0.9999999 + y;
        y = y * 0.9999998 + 1e-9 * x;
    }
    result = x + y;
    (void)result;
}

static void write_read(long n)
{
    char buf[64] = "x";

    for (long i = 0; i < n; i++) {
        lseek(file, 0, SEEK_SET);
        if (write(file, buf, 64) != 64)
            abort();
        lseek(file, 0, SEEK_SET);
        if (read(file, buf, 64) != 64)
            abort();
    }
}

static void pread_4k(long n)
{
    static char buf[4096];

    for (long i = 0; i < n; i++)
        if (pread(file, buf, 4096, 4096) != 4096)
            abort();
}

static void malloc_free(long n)
{
    void *volatile p[16];

    for (long i = 0; i < n; i++) {
        for (size_t k = 0; k < 16; k++)
            p[k] = malloc(24 + k * 40);
        for (size_t k = 0; k < 16; k++)
            free(p[k]);
    }
}

static void open_close(long n)
{
    for (long i = 0; i < n; i++)
        close(open("/dev/null", O_RDONLY));
}

static void *nothing(void *arg)
{
    return arg;
}

static void create_join(long n)
{
    pthread_t thread;

    for (long i = 0; i < n; i++)
        if (pthread_create(&thread, NULL, nothing, NULL) == 0)
            pthread_join(thread, NULL);
}

static void get_pid(long n)
{
    for (long i = 0; i < n; i++)
        getpid();
}

static const struct {
    const char *name;
    void (*run)(long n);
    long turns;
} loops[] = {
    {"fp", floating, 8000000},         {"write_read", write_read, 20000},
    {"pread", pread_4k, 40000},        {"malloc_free", malloc_free, 60000},
    {"open_close", open_close, 15000}, {"create_join", create_join, 1200},
    {"getpid", get_pid, 150000},
};

static double cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void make_file(void)
{
    char block[8192] = "", name[] = "/tmp/core_loops.XXXXXX";

    file = mkstemp(name);
    unlink(name);
    if (file < 0 || write(file, block, sizeof block) != (long)sizeof block)
        exit(77);
}

static void print_rss(void)
{
    char line[256];
    FILE *f = fopen("/proc/self/status", "r");

    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "VmRSS:", 6) == 0)
            printf("%ld\n", atol(line + 6));
    if (f)
        fclose(f);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        if (strcmp(argv[1], "rss") == 0)
            print_rss();
        return 0;
    }
    make_file();
    for (size_t i = 0; i < sizeof loops / sizeof loops[0]; i++) {
        loops[i].run(loops[i].turns / 10);
        double began = cpu_ns();
        loops[i].run(loops[i].turns);
        printf("%s %.2f\n", loops[i].name,
               (cpu_ns() - began) / (double)loops[i].turns);
    }
    return 0;
}
