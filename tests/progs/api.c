/* api.c - ckpt.h: a checkpoint from inside, critical sections, exclusion,
 * hooks
 *
 * ways: dynamic static (it calls libckpt by name)
 * Checkpoints itself; the driver's checkpoint comes later and is another.
 */
#include "lib/ckpt.h"
#include "tests/progs/prog.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

static int before, after;

static void on_before(void *arg)
{
    before += *(int *)arg;
}

static void on_after(void *arg)
{
    after += *(int *)arg;
}

int main(void)
{
    static int one = 1;
    size_t len = 1 << 20;
    char *scratch = mmap(NULL, len, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    memset(scratch, 's', len);
    prog_check(ckpt_exclude(scratch, len / 2) == 0);
    prog_check(ckpt_include(scratch, len) == -1);
    prog_check(ckpt_on_checkpoint(on_before, &one) == 0);
    prog_check(ckpt_on_restart(on_after, &one) == 0);
    ckpt_disable();
    ckpt_disable();
    prog_check(ckpt_checkpoint("api-inside.ckpt") == -1);
    raise(SIGUSR2); /* postponed */
    ckpt_enable();
    prog_check(before == 0);
    ckpt_enable(); /* carried out here */
    prog_check(before == 1);
    prog_ready();
    prog_wait();
    int rc = ckpt_checkpoint("api-inside.ckpt");
    prog_check(rc == 0);
    prog_check(access("api-inside.ckpt", R_OK) == 0);
    unlink("api-inside.ckpt");
    prog_check(scratch[len / 2] == 's');
    prog_check(scratch[0] == (after ? 0 : 's'));
    return prog_end();
}
