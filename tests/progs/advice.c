/* advice.c - locked memory and memory under madvise() */
#include "tests/progs/prog.h"

#include "tests/progs/vmflags.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum { LEN = 64 * 1024 };

static const struct {
    int advice;
    const char *word;
} kinds[] = {
    {MADV_DONTFORK, " dc"},
    {MADV_WIPEONFORK, " wf"},
    {MADV_DONTDUMP, " dd"},
    {MADV_MERGEABLE, " mg"},
    {MADV_HUGEPAGE, " hg"},
    {MADV_NOHUGEPAGE, " nh"},
    {MADV_SEQUENTIAL, " sr"},
    {MADV_RANDOM, " rr"},
    {-1, " lo"},
    {-2, " lf"},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static unsigned char *pieces[KINDS];
static int given[KINDS];

static int give(int i)
{
    if (kinds[i].advice == -1)
        return mlock(pieces[i], LEN);
    if (kinds[i].advice == -2)
        return mlock2(pieces[i], LEN, MLOCK_ONFAULT);
    return madvise(pieces[i], LEN, kinds[i].advice);
}

int main(void)
{
    unsigned char *plain;

    for (int i = 0; i < KINDS; i++) {
        pieces[i] =
            mmap(NULL, 3 * LEN, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        pieces[i] += LEN;
        prog_check(mprotect(pieces[i], LEN, PROT_READ | PROT_WRITE) == 0);
        memset(pieces[i], i + 1, LEN);
        given[i] = give(i) == 0; /* not every kernel knows all */
        prog_check(!given[i] || flags_have(pieces[i], kinds[i].word));
    }
    prog_check(given[0] && given[1] && given[2] && given[8]);
    plain = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                 -1, 0);
    memset(plain, 77, LEN);
    prog_ready();
    prog_wait();
    for (int i = 0; i < KINDS; i++) {
        prog_check(!given[i] || flags_have(pieces[i], kinds[i].word));
        for (int k = 0; k < LEN; k++)
            if (pieces[i][k] != i + 1) {
                prog_check(!"contents");
                break;
            }
        if (given[i])
            prog_check(!flags_have(plain, kinds[i].word));
    }
    return prog_end();
}
