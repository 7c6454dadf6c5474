/* dirty.c - memory that changes in every way between checkpoints
 *
 *     dirty GENERATIONS [shared]
 *
 * Each generation goes through all the ways, remembers a digest of all memory,
 * and checkpoints; right after each restart, and at the end, the digest must be
 * what it was.  Every way builds on what the one before left, so that a wrong
 * page is not forgotten.  Prints OK.
 *
 * tests/system/core_increments.sh restarts from every generation.
 */
#include "lib/ckpt.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, SMALL = 96 * PAGE, LARGE = 12 << 20, HUGE = 8 << 20 };

static uint64_t seed = 88172645463325252ull;
static unsigned generation;

static uint64_t rnd(void)
{
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    return seed;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static uint8_t *map(size_t len, int flags, int fd)
{
    uint8_t *p = mmap(NULL, len, PROT_READ | PROT_WRITE, flags, fd, 0);

    if (p == MAP_FAILED)
        die("mmap");
    return p;
}

static uint8_t *map_anon(size_t len)
{
    return map(len, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

/* Change some pages: a few bytes each, built on what is there. */
static void scribble(uint8_t *p, size_t len, unsigned pages)
{
    for (unsigned i = 0; i < pages; i++) {
        uint8_t *page = p + rnd() % (len / PAGE) * PAGE;
        for (int k = 0; k < 8; k++) {
            size_t at = rnd() % PAGE;
            page[at] = (uint8_t)(page[at] * 31 + rnd());
        }
    }
}

/* --- the ways ------------------------------------------------------------- */

static uint8_t *plain, *kernel, *moved, *again, *dropped, *guarded, *forked;
static uint8_t *heap, *huge, *small_file, *large_file, *first, *second;
static uint8_t *excluded, *shared, *fresh[64];
static size_t moved_len = SMALL, heap_len;

static void written_by_the_kernel(void)
{
    uint8_t bytes[PAGE];
    int ends[2];

    for (int i = 0; i < 5; i++) {
        if (pipe(ends) < 0)
            die("pipe");
        for (size_t k = 0; k < sizeof bytes; k++)
            bytes[k] = (uint8_t)rnd();
        size_t at = rnd() % (SMALL - PAGE);
        if (write(ends[1], bytes, PAGE) != PAGE ||
            read(ends[0], kernel + at, PAGE) != PAGE)
            die("through the pipe");
        close(ends[0]);
        close(ends[1]);
    }
}

static void moved_about(void)
{
    static const size_t lens[] = {SMALL, 3 * SMALL, SMALL / 2};
    size_t len = lens[generation % 3];

    scribble(moved, moved_len, 5);
    moved = mremap(moved, moved_len, len, MREMAP_MAYMOVE);
    if (moved == MAP_FAILED)
        die("mremap");
    moved_len = len;
    scribble(moved, moved_len, 5);
}

/* What was at one address is at the other, and nothing was written. */
static void change_places(void)
{
    uint8_t *tmp = map_anon(SMALL);

    if (mremap(first, SMALL, SMALL, MREMAP_MAYMOVE | MREMAP_FIXED, tmp) !=
            tmp ||
        mremap(second, SMALL, SMALL, MREMAP_MAYMOVE | MREMAP_FIXED, first) !=
            first ||
        mremap(tmp, SMALL, SMALL, MREMAP_MAYMOVE | MREMAP_FIXED, second) !=
            second)
        die("change places");
}

static void mapped_again(void)
{
    munmap(again, SMALL);
    if (mmap(again, SMALL, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != again)
        die("map again");
    scribble(again, SMALL, generation % 2 ? 3 : 40);
}

static void dropped_in_part(void)
{
    volatile uint8_t *look = dropped;

    scribble(dropped, SMALL, 20);
    madvise(dropped + rnd() % 90 * PAGE, 5 * PAGE, MADV_DONTNEED);
    madvise(dropped + rnd() % 90 * PAGE, 2 * PAGE, MADV_DONTNEED);
    (void)look[rnd() % SMALL]; /* may bring in a page of zeros */
}

static int guard = PROT_READ | PROT_WRITE;

static void guarded_now_and_then(void)
{
    static const int prots[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE};

    mprotect(guarded, SMALL, PROT_READ | PROT_WRITE);
    scribble(guarded, SMALL, 3);
    guard = prots[generation % 3];
    mprotect(guarded, SMALL, guard);
}

static void shared_with_children(void)
{
    for (int i = 0; i < 2; i++) {
        uint64_t keep = seed;
        pid_t pid = fork();
        if (pid == 0) {
            scribble(forked, SMALL, 30);
            _exit(0);
        }
        if (pid < 0)
            die("fork");
        scribble(forked, SMALL, 4);
        waitpid(pid, NULL, 0);
        seed = keep + 1;
        scribble(forked, SMALL, 4);
    }
}

static void grown_and_shrunk(void)
{
    if (generation % 3 == 2 && heap_len > 4 * PAGE) {
        if (sbrk(-2 * PAGE) == (void *)-1)
            die("sbrk");
        heap_len -= 2 * PAGE;
    } else {
        if (sbrk(10 * PAGE) == (void *)-1)
            die("sbrk");
        heap_len += 10 * PAGE;
    }
    scribble(heap, heap_len, 6);
}

static void in_huge_pages(void)
{
    scribble(huge, HUGE, generation == 0 ? 2000 : 5);
    if (generation % 2 == 1)
        madvise(huge + (2 << 20), 2 << 20, MADV_DONTNEED);
    if (generation % 4 == 3)
        memset(huge, (int)generation, 2 << 20);
}

static void of_files(void)
{
    scribble(small_file, 16 * PAGE, 3);
    scribble(large_file, LARGE, 3);
    if (generation % 2 == 1) { /* back to what the file has */
        madvise(large_file, LARGE / 2, MADV_DONTNEED);
    }
}

static void freshly_mapped(void)
{
    fresh[generation] = map_anon(SMALL);
    scribble(fresh[generation], SMALL, 10);
    if (generation >= 3) {
        munmap(fresh[generation - 3], SMALL);
        fresh[generation - 3] = NULL;
    }
}

/* Memory that is given back, in parts and with its page tables, and that nobody
 * reads before it has been restarted: what it must be is in `model`. */
enum { TABLE = 2 << 20, LOOSE = 8 * TABLE };

static uint8_t *loose, model[LOOSE / PAGE];

static void set_loose(size_t page)
{
    model[page] = (uint8_t)(rnd() | 1);
    loose[page * PAGE + 8] = model[page];
}

static void give_back(size_t page, size_t pages)
{
    madvise(loose + page * PAGE, pages * PAGE, MADV_DONTNEED);
    memset(model + page, 0, pages);
}

static void given_back(void)
{
    const size_t table = TABLE / PAGE, all = LOOSE / PAGE;

    for (int i = 0; i < (generation ? 20 : 2000); i++)
        set_loose(rnd() % all);
    give_back(rnd() % 8 * table, table);
    give_back(rnd() % (all - 40), 40);
    give_back(rnd() % (all - 2 * table), 2 * table);
    if (generation % 3 == 2)
        give_back(0, all);
    set_loose(rnd() % all);
}

static void check_loose(void)
{
    for (size_t i = 0; i < LOOSE / PAGE; i++)
        if (loose[i * PAGE + 8] != model[i]) {
            printf("generation %u: page %zu given back: %d, not %d\n",
                   generation, i, loose[i * PAGE + 8], model[i]);
            exit(1);
        }
}

/* Left out of the first images, and made again after a restart from one; then
 * wanted, without having changed. */
static void make_excluded(void)
{
    for (int i = 0; i < SMALL; i++)
        excluded[i] = (uint8_t)(i * i >> 4);
}

static void excluded_at_first(void)
{
    if (generation == 0) {
        make_excluded();
        ckpt_exclude(excluded, SMALL);
    }
    if (generation == 2)
        ckpt_include(excluded, SMALL);
}

/* --- a thread's stack ------------------------------------------------------
 */

static _Atomic unsigned wanted, done;
static _Atomic uint64_t stack_digest;

static uint64_t digest(const uint8_t *p, size_t len, uint64_t h)
{
    for (size_t i = 0; i + 8 <= len; i += 8) {
        uint64_t word;
        memcpy(&word, p + i, 8);
        h = (h ^ word) * 0x9e3779b97f4a7c15u;
        h ^= h >> 29;
    }
    return h;
}

static void *deep(void *unused)
{
    uint8_t local[40 * PAGE];

    memset(local, 7, sizeof local);
    for (;;) {
        while (atomic_load(&wanted) == atomic_load(&done))
            usleep(200);
        unsigned g = atomic_load(&done) + 1;
        for (size_t i = 0; i < 5; i++)
            local[(g * 7919 + i * 104729) % sizeof local] += (uint8_t)g;
        atomic_store(&stack_digest, digest(local, sizeof local, 1));
        atomic_store(&done, g);
    }
    return unused;
}

static void on_a_stack(void)
{
    unsigned g = atomic_fetch_add(&wanted, 1) + 1;

    while (atomic_load(&done) != g)
        usleep(200);
}

/* --- all ------------------------------------------------------------------ */

static uint8_t *map_aligned(size_t len)
{
    uintptr_t p = (uintptr_t)map_anon(len + TABLE);

    return (uint8_t *)((p + TABLE - 1) & ~(uintptr_t)(TABLE - 1));
}

static void prepare(int with_shared)
{
    pthread_t thread;
    char bytes[PAGE];

    uint8_t **maps[] = {&plain,   &kernel, &moved, &again,  &dropped,
                        &guarded, &forked, &first, &second, &excluded};
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++)
        *maps[i] = map_anon(SMALL);
    huge = map_aligned(HUGE);
    madvise(huge, HUGE, MADV_HUGEPAGE);
    loose = map_aligned(LOOSE);
    madvise(loose, LOOSE, MADV_NOHUGEPAGE);
    madvise(loose, 3 * TABLE, MADV_HUGEPAGE);
    int fd = open("data", O_RDWR | O_CREAT | O_TRUNC, 0600);
    for (size_t i = 0; i < LARGE / PAGE; i++) {
        memset(bytes, (int)i * 3 + 1, sizeof bytes);
        if (write(fd, bytes, PAGE) != PAGE)
            die("data");
    }
    large_file = map(LARGE, MAP_PRIVATE, fd);
    close(fd);
    fd = open("small", O_RDWR | O_CREAT | O_TRUNC, 0600);
    for (int i = 0; i < 16; i++)
        if (write(fd, bytes, PAGE) != PAGE)
            die("small");
    small_file = map(16 * PAGE, MAP_PRIVATE, fd);
    close(fd);
    heap = sbrk(0);
    if (with_shared)
        shared = map(SMALL, MAP_SHARED | MAP_ANONYMOUS, -1);
    scribble(first, SMALL, 60);
    scribble(second, SMALL, 60);
    if (pthread_create(&thread, NULL, deep, NULL) != 0)
        die("thread");
}

static void go_through(void)
{
    scribble(plain, SMALL, 10);
    written_by_the_kernel();
    moved_about();
    change_places();
    if (generation % 2)
        scribble(first, SMALL, 2);
    mapped_again();
    dropped_in_part();
    guarded_now_and_then();
    shared_with_children();
    grown_and_shrunk();
    in_huge_pages();
    given_back();
    of_files();
    freshly_mapped();
    excluded_at_first();
    on_a_stack();
    if (shared)
        scribble(shared, SMALL, 4);
    if (generation == 4) /* and so libckpt's own descriptors */
        close_range(3, ~0u, 0);
}

static uint64_t digest_all(void)
{
    const uint8_t *maps[] = {plain,  kernel, again, dropped,
                             forked, first,  second};
    uint64_t h = atomic_load(&stack_digest);

    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++)
        h = digest(maps[i], SMALL, h);
    h = digest(moved, moved_len, h);
    h = digest(heap, heap_len, h);
    h = digest(huge, HUGE, h);
    h = digest(small_file, 16 * PAGE, h);
    h = digest(large_file, LARGE, h);
    mprotect(guarded, SMALL, PROT_READ);
    h = digest(guarded, SMALL, h);
    mprotect(guarded, SMALL, guard);
    if (generation >= 2)
        h = digest(excluded, SMALL, h);
    if (shared)
        h = digest(shared, SMALL, h);
    for (size_t i = 0; i < sizeof fresh / sizeof fresh[0]; i++)
        if (fresh[i])
            h = digest(fresh[i], SMALL, h);
    return h;
}

int main(int argc, char **argv)
{
    unsigned last = argc > 1 ? (unsigned)atoi(argv[1]) : 6;

    prepare(argc > 2 && strcmp(argv[2], "shared") == 0);
    for (; generation < last; generation++) {
        go_through();
        uint64_t before = digest_all();
        int rc = ckpt_checkpoint(NULL);
        if (rc < 0)
            die("checkpoint");
        if (rc == 1 && generation < 2)
            make_excluded();
        if (rc == 1)
            check_loose();
        uint64_t after = digest_all();
        if (before != after) {
            printf("generation %u, %s: %#llx became %#llx\n", generation,
                   rc == 1 ? "restarted" : "going on",
                   (unsigned long long)before, (unsigned long long)after);
            return 1;
        }
    }
    printf("OK %#llx\n", (unsigned long long)digest_all());
    fflush(stdout);
    _exit(0);
}
