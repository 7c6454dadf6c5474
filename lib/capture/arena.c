/* arena.c - see arena.h */
#include "lib/capture/arena.h"

#include "lib/common/sys.h"

#include <string.h>
#include <sys/mman.h>

int ckpt_arena_map(struct ckpt_arena *arena, size_t len, struct ckpt_err *err)
{
    long p = ckpt_sys(SYS_mmap, 0, len, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (p < 0 && p > -4096) {
        errno = (int)-p;
        return ckpt_err_sys(err, "cannot map %zu bytes to work in", len);
    }
    arena->base = arena->at = (uint8_t *)p;
    arena->end = arena->base + len;
    return 0;
}

void ckpt_arena_unmap(struct ckpt_arena *arena)
{
    ckpt_sys(SYS_munmap, arena->base, arena->end - arena->base);
    arena->base = arena->at = arena->end = NULL;
}

void *ckpt_arena_rest(struct ckpt_arena *arena, size_t *len)
{
    *len = (size_t)(arena->end - arena->at);
    return arena->at;
}

void ckpt_arena_keep(struct ckpt_arena *arena, size_t len)
{
    len = (len + 15) & ~(size_t)15;
    size_t left = (size_t)(arena->end - arena->at);
    arena->at += len < left ? len : left;
}

void *ckpt_arena_reserve(struct ckpt_arena *arena, size_t len)
{
    if (len > (size_t)(arena->end - arena->at) - 15) {
        errno = ENOMEM;
        return NULL;
    }
    void *p = arena->at;
    ckpt_arena_keep(arena, len);
    return p;
}

void *ckpt_arena_alloc(struct ckpt_arena *arena, size_t len)
{
    void *p = ckpt_arena_reserve(arena, len);

    if (p)
        memset(p, 0, len);
    return p;
}
