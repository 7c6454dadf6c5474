/* pages.c - pages that know what must be in them
 *
 *     pages MIB [CHANGES in 10 ms]
 *
 * Every page is filled with a function of its number and its version; the
 * versions are elsewhere.  The program changes pages and checks others until
 * there is a file "stop", then checks all and says OK.  A page of another time
 * does not go unnoticed.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, WORDS = PAGE / 8 };

static uint64_t (*page)[WORDS];
static uint64_t *version, count;

static uint64_t word(uint64_t number, uint64_t at)
{
    uint64_t x = number * 0x9e3779b97f4a7c15u + version[number];

    x = (x + at) * 0xbf58476d1ce4e5b9u;
    return x ^ x >> 31;
}

static void change(uint64_t number)
{
    version[number]++;
    for (uint64_t i = 0; i < WORDS; i++)
        page[number][i] = word(number, i);
}

static void check(uint64_t number)
{
    for (uint64_t i = 0; i < WORDS; i++)
        if (page[number][i] != word(number, i)) {
            printf("page %llu is not of version %llu\n",
                   (unsigned long long)number,
                   (unsigned long long)version[number]);
            exit(1);
        }
}

static void *map(size_t len)
{
    void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        exit(2);
    return p;
}

int main(int argc, char **argv)
{
    uint64_t x = 88172645463325252u;
    int changes = argc > 2 ? atoi(argv[2]) : 3;

    count = (argc > 1 ? strtoul(argv[1], NULL, 10) : 1) * 256;
    page = map(count * PAGE);
    version = map(count * 8);
    for (uint64_t i = 0; i < count; i++)
        change(i);
    puts("ready");
    fflush(stdout);
    while (access("stop", F_OK) < 0) {
        for (int i = 0; i < changes; i++) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            change(x % count);
            check(x / count % count);
        }
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    }
    for (uint64_t i = 0; i < count; i++)
        check(i);
    puts("OK");
    return 0;
}
