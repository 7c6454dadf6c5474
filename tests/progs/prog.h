/* prog.h - what the programs in this directory share
 *
 * Each shows one behaviour.  It builds up some state, says prog_ready() at the
 * point where it is to be checkpointed, waits in prog_wait() until it may go
 * on, checks itself, and returns prog_end().  The driver
 * (tests/system/core_progs.sh) does the same with and without a restart in
 * between; the program must not be able to tell.
 *
 * Files named by the environment: PROG_READY is made by the program, PROG_GO by
 * the driver.  Without them a program runs straight through.
 */
#ifndef CKPT_TESTS_PROGS_PROG_H
#define CKPT_TESTS_PROGS_PROG_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int prog_failures;

static inline void prog_ready(void)
{
    const char *ready = getenv("PROG_READY");

    if (ready)
        close(open(ready, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static inline int prog_may_go(void)
{
    const char *go = getenv("PROG_GO");

    return !go || access(go, F_OK) == 0;
}

static inline void prog_wait(void)
{
    while (!prog_may_go()) {
        struct timespec ms = {0, 1000000};
        nanosleep(&ms, NULL);
    }
}

#define prog_check(what)                                                       \
    do {                                                                       \
        if (!(what)) {                                                         \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what); \
            prog_failures++;                                                   \
        }                                                                      \
    } while (0)

static inline int prog_end(void)
{
    if (prog_failures == 0)
        puts("OK");
    return prog_failures != 0;
}

#endif
