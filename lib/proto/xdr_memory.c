/* xdr_memory.c - see xdr_memory.h */
#include "lib/proto/xdr_memory.h"

#include "lib/common/sys.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum { ARENA_SIZE = 4 << 20, ALIGN = 16 };

static _Atomic(uint8_t *) arena;

/* How many pieces are in use (upper half) and how far the arena is taken
 * (lower half), changed together. */
static _Atomic uint64_t usage;

static uint8_t *get_arena(void)
{
    uint8_t *have = atomic_load(&arena);

    if (have)
        return have;
    long got = ckpt_sys(SYS_mmap, 0, ARENA_SIZE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (got < 0 && got > -4096)
        return NULL;
    if (atomic_compare_exchange_strong(&arena, &have, (uint8_t *)got))
        return (uint8_t *)got;
    ckpt_sys(SYS_munmap, got, ARENA_SIZE);
    return have;
}

void *ckpt_xdr_calloc(size_t count, size_t size)
{
    uint8_t *base = get_arena();
    uint64_t before = atomic_load(&usage);
    uint64_t after, at, bytes;

    if (!base || (size > 0 && count > ARENA_SIZE / size))
        return NULL;
    bytes = (count * size + ALIGN - 1) & ~(uint64_t)(ALIGN - 1);
    do {
        at = before & UINT32_MAX;
        if (bytes > ARENA_SIZE - at)
            return NULL;
        after = before + (UINT64_C(1) << 32) + bytes;
    } while (!atomic_compare_exchange_weak(&usage, &before, after));
    return memset(base + at, 0, bytes);
}

void ckpt_xdr_free(void *memory)
{
    uint64_t before = atomic_load(&usage);
    uint64_t after;

    if (!memory)
        return;
    do
        after = before >> 32 == 1 ? 0 : before - (UINT64_C(1) << 32);
    while (!atomic_compare_exchange_weak(&usage, &before, after));
}

void ckpt_xdr_warnx(const char *fmt, ...)
{
    (void)fmt;
}
