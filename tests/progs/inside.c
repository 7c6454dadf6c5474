/* inside.c - threads stopped inside libm, memcpy, malloc, printf, qsort, a read
 * that blocks, a signal handler on its own stack; and siglongjmp out of one */
#include "tests/progs/prog.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

enum { KINDS = 9, BYTES = 1 << 20 };

static volatile sig_atomic_t stop, in_handler, left_handler;
static int ends[2], sockets[2];
static long rounds[KINDS], wrong[KINDS];

static void in_libm(long *bad)
{
    double s = 0;

    for (int i = 1; i < 2000; i++)
        s += pow(sin(i), 2) + pow(cos(i), 2) + log(exp(1.0)) - 1;
    *bad += fabs(s - 1999) > 1e-9;
}

static void in_memcpy(long *bad)
{
    static _Thread_local unsigned char a[BYTES], b[BYTES];
    static _Thread_local unsigned char value;

    memset(a, ++value, BYTES);
    memcpy(b, a, BYTES);
    memmove(b + 1, b, BYTES - 1);
    *bad += memcmp(a, b, BYTES) != 0;
}

static void in_malloc(long *bad)
{
    void *p[64];

    for (unsigned i = 0; i < 64; i++) {
        p[i] = malloc(i * i * 37 + 1);
        memset(p[i], (int)i, i * i * 37 + 1);
    }
    for (unsigned i = 0; i < 64; i++) {
        p[i] = realloc(p[i], i * i * 53 + 1);
        *bad += *((unsigned char *)p[i] + i * i * 37) != i;
        free(p[i]);
    }
}

static void in_printf(long *bad)
{
    char text[256];
    double d;
    long n;

    for (int i = 0; i < 500; i++) {
        snprintf(text, sizeof text, "%.17g %ld %s", i * 1.1, i * 77777l, "x");
        *bad += sscanf(text, "%lf %ld", &d, &n) != 2 || d != i * 1.1 ||
                n != i * 77777l;
    }
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static void in_qsort(long *bad)
{
    static _Thread_local uint32_t v[3000];

    for (uint32_t i = 0; i < 3000; i++)
        v[i] = i * 2654435761u;
    qsort(v, 3000, sizeof *v, compare);
    for (int i = 1; i < 3000; i++)
        *bad += v[i - 1] > v[i];
}

static void in_read(long *bad)
{
    char c = 0;

    *bad += read(ends[0], &c, 1) != 1 || c != 'x';
}

static void in_recv(long *bad)
{
    char c = 0;

    *bad += recv(sockets[0], &c, 1, MSG_WAITALL) != 1 || c != 'y';
}

/* Handlers stay in here until the end. */
static void on_usr1(int sig)
{
    double s = 0;

    (void)sig;
    in_handler = 1;
    while (!stop)
        s += sin(s + 1);
    left_handler = s != 12345;
}

static void in_signal(long *bad)
{
    char stack[64 * 1024];
    stack_t ss = {.ss_sp = stack, .ss_size = sizeof stack}, old;

    sigaltstack(&ss, &old);
    raise(SIGUSR1);
    sigaltstack(&old, NULL);
    *bad += !left_handler;
}

static sigjmp_buf env;

static void on_hup(int sig)
{
    siglongjmp(env, sig);
}

static void out_of_handler(long *bad)
{
    volatile int before = (int)rounds[8];

    if (sigsetjmp(env, 1) == 0)
        raise(SIGHUP);
    *bad += before != (int)rounds[8];
}

static void (*const kinds[KINDS])(long *bad) = {
    in_libm, in_memcpy, in_malloc, in_printf,     in_qsort,
    in_read, in_recv,   in_signal, out_of_handler};

static void *run(void *arg)
{
    long which = (long)(intptr_t)arg;

    do {
        kinds[which](&wrong[which]);
        rounds[which]++;
    } while (!stop);
    return NULL;
}

int main(void)
{
    struct sigaction sa = {.sa_handler = on_usr1, .sa_flags = SA_ONSTACK};
    pthread_t thread[KINDS];
    pthread_attr_t attr;

    prog_check(pipe(ends) == 0);
    prog_check(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
    sigaction(SIGUSR1, &sa, NULL);
    sa.sa_handler = on_hup;
    sigaction(SIGHUP, &sa, NULL);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 8 << 20);
    for (long i = 0; i < KINDS; i++)
        pthread_create(&thread[i], &attr, run, (void *)(intptr_t)i);
    while (!in_handler)
        usleep(1000);
    usleep(20000);
    prog_ready();
    prog_wait();
    usleep(20000);
    prog_check(rounds[5] == 0 && rounds[6] == 0); /* they wait still */
    stop = 1;
    prog_check(write(ends[1], "x", 1) == 1 && write(sockets[1], "y", 1) == 1);
    for (int i = 0; i < KINDS; i++) {
        pthread_join(thread[i], NULL);
        if (wrong[i])
            fprintf(stderr, "kind %d: %ld wrong of %ld\n", i, wrong[i],
                    rounds[i]);
        prog_check(wrong[i] == 0 && rounds[i] > 0);
    }
    return prog_end();
}
