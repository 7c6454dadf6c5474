/* modules.c - libraries opened at run time: functions of one that was open go
 * on, it can be closed, and another opened after the restart; constructors
 * have run once; C++ without being linked with it
 *
 * ways: dynamic preload
 */
#include "tests/progs/prog.h"

#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

static int constructed;
static volatile int stop;
static void *libm;
static unsigned long opened;

__attribute__((constructor)) static void construct(void)
{
    constructed++;
}

static double call(void *module, const char *name, double x)
{
    double (*fn)(double);
    void *symbol = dlsym(module, name);

    if (!symbol)
        return -1;
    memcpy(&fn, &symbol, sizeof fn);
    return fn(x);
}

/* Opens and closes one again and again: the loader's lock is often held. */
static void *open_close(void *arg)
{
    while (!stop) {
        void *m = dlopen("libgcc_s.so.1", RTLD_NOW);
        if (m && dlsym(m, "_Unwind_Backtrace"))
            opened++;
        if (m)
            dlclose(m);
    }
    return arg;
}

int main(void)
{
    pthread_t thread;

    libm = dlopen("libm.so.6", RTLD_NOW);
    prog_check(libm && call(libm, "floor", 3.5) == 3);
    pthread_create(&thread, NULL, open_close, NULL);
    usleep(10000);
    prog_ready();
    prog_wait();
    usleep(10000);
    stop = 1;
    pthread_join(thread, NULL);
    prog_check(opened > 0);
    prog_check(call(libm, "sqrt", 16) == 4);
    prog_check(call(libm, "exp2", 10) == 1024);
    prog_check(dlclose(libm) == 0);
    void *other = dlopen("libstdc++.so.6", RTLD_NOW);
    if (other) /* where there is a C++ */
        prog_check(dlsym(other, "__cxa_throw") != NULL);
    prog_check(constructed == 1);
    return prog_end();
}
