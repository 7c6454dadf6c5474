/* hints.c - memory under madvise() that forks like any other
 *
 *     hints               is checkpointed by others
 *     hints GENERATIONS   checkpoints itself, with other advice each time
 *
 * What is known of earlier advice is used again as long as nothing has changed.
 */
#include "tests/progs/prog.h"

#include "lib/ckpt.h"

#include "tests/progs/vmflags.h"

#include <string.h>
#include <sys/mman.h>

enum { LEN = 64 * 1024 };

/* Not there when libckpt is preloaded. */
#pragma weak ckpt_checkpoint

static const struct {
    int advice;
    const char *word;
} kinds[] = {
    {MADV_DONTDUMP, " dd"},   {MADV_MERGEABLE, " mg"}, {MADV_HUGEPAGE, " hg"},
    {MADV_NOHUGEPAGE, " nh"}, {MADV_RANDOM, " rr"},    {MADV_SEQUENTIAL, " sr"},
};
enum { KINDS = sizeof kinds / sizeof kinds[0], NONE = -1 };

static unsigned char *pieces[KINDS];
static int given[KINDS]; /* index of kinds, or NONE */

/* A new mapping in the same place, with this advice. */
static void give(int i, int kind)
{
    pieces[i] = mmap(pieces[i], LEN, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    memset(pieces[i], i + 1, LEN);
    given[i] = kind;
    if (kind != NONE && madvise(pieces[i], LEN, kinds[kind].advice) != 0)
        given[i] = NONE; /* not every kernel knows all */
}

static void check(void)
{
    for (int i = 0; i < KINDS; i++) {
        for (int k = 0; k < KINDS; k++)
            prog_check(flags_have(pieces[i], kinds[k].word) == (k == given[i]));
        prog_check(pieces[i][0] == i + 1 && pieces[i][LEN - 1] == i + 1);
    }
}

/* After a restart each goes on to the end: the last one says OK. */
static int go_through(int generations)
{
    for (int g = 0; g < generations; g++) {
        if (g % 2)
            for (int i = 0; i < KINDS; i++)
                give(i, (i + g) % (KINDS + 1) - 1);
        prog_check(ckpt_checkpoint(NULL) >= 0);
        check();
    }
    return prog_end();
}

int main(int argc, char **argv)
{
    for (int i = 0; i < KINDS; i++) {
        pieces[i] = (unsigned char *)mmap(NULL, 3 * LEN, PROT_NONE,
                                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) +
                    LEN;
        give(i, i);
    }
    prog_check(given[2] == 2);
    check();
    if (argc > 1)
        return go_through(atoi(argv[1]));
    prog_ready();
    prog_wait();
    check();
    return prog_end();
}
