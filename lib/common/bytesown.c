/* bytesown.c - libckpt's own memcpy, memmove, memset, memcmp
 *
 * Only what is linked into programs has them, under local names: a program's
 * own ones, or those that a sanitizer puts in front of libc's, must not see how
 * libckpt reads the program's memory.  AddressSanitizer ends a program in which
 * a memcpy reads its shadow, and a raw thread of libckpt has no state that
 * ThreadSanitizer could look at.
 *
 * Compiled without built-ins: a loop here must not become a call of itself.
 */
#include <emmintrin.h>
#include <stddef.h>
#include <stdint.h>

/* From here on the string instructions are faster than a loop. */
enum { LONG_BYTES = 2048 };

void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);
int memcmp(const void *a, const void *b, size_t n);

static __m128i load(const unsigned char *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

static void store(unsigned char *p, __m128i v)
{
    _mm_storeu_si128((__m128i *)(void *)p, v);
}

/* Unaligned words that may be of any type. */
typedef uint64_t word8 __attribute__((aligned(1), may_alias));
typedef uint32_t word4 __attribute__((aligned(1), may_alias));
typedef uint16_t word2 __attribute__((aligned(1), may_alias));

/* At most 16 bytes: both ends, read before either is written. */
static void move_few(unsigned char *to, const unsigned char *from, size_t n)
{
    if (n >= 8) {
        uint64_t first = *(const word8 *)(const void *)from;
        uint64_t last = *(const word8 *)(const void *)(from + n - 8);
        *(word8 *)(void *)to = first;
        *(word8 *)(void *)(to + n - 8) = last;
    } else if (n >= 4) {
        uint32_t first = *(const word4 *)(const void *)from;
        uint32_t last = *(const word4 *)(const void *)(from + n - 4);
        *(word4 *)(void *)to = first;
        *(word4 *)(void *)(to + n - 4) = last;
    } else if (n >= 2) {
        uint16_t first = *(const word2 *)(const void *)from;
        uint16_t last = *(const word2 *)(const void *)(from + n - 2);
        *(word2 *)(void *)to = first;
        *(word2 *)(void *)(to + n - 2) = last;
    } else if (n == 1) {
        *to = *from;
    }
}

/* Upwards, more than 16 bytes; the last 16 are read before they can be
 * overwritten. */
static void move_up(unsigned char *to, const unsigned char *from, size_t n)
{
    __m128i last = load(from + n - 16);
    size_t i = 0;

    for (; i + 16 < n; i += 16)
        store(to + i, load(from + i));
    store(to + n - 16, last);
}

static void move_down(unsigned char *to, const unsigned char *from, size_t n)
{
    __m128i first = load(from);

    for (; n > 16; n -= 16)
        store(to + n - 16, load(from + n - 16));
    store(to, first);
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    void *at = to;

    if (n <= 16)
        move_few(to, from, n);
    else if (n < LONG_BYTES)
        move_up(to, from, n);
    else
        __asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(n)::"memory");
    return to;
}

void *memmove(void *to, const void *from, size_t n)
{
    uintptr_t ahead = (uintptr_t)to - (uintptr_t)from;

    if (n <= 16)
        move_few(to, from, n);
    else if (ahead >= n && (uintptr_t)from - (uintptr_t)to >= n)
        memcpy(to, from, n);
    else if (ahead >= n) /* `to` lies below */
        move_up(to, from, n);
    else
        move_down(to, from, n);
    return to;
}

void *memset(void *to, int value, size_t n)
{
    void *at = to;

    __asm__ volatile("rep stosb" : "+D"(at), "+c"(n) : "a"(value) : "memory");
    return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *p = a, *q = b;

    for (; n >= 16; n -= 16, p += 16, q += 16)
        if (_mm_movemask_epi8(_mm_cmpeq_epi8(load(p), load(q))) != 0xffff)
            break;
    for (; n > 0; n--, p++, q++)
        if (*p != *q)
            return *p < *q ? -1 : 1;
    return 0;
}
