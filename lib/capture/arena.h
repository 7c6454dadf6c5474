/* arena.h - memory for the time of one capture
 *
 * A bump allocator over one mapping that is in no image and is given back at
 * the end.  Only touched pages cost anything.  Async-signal-safe.
 */
#ifndef CKPT_CAPTURE_ARENA_H
#define CKPT_CAPTURE_ARENA_H

#include "lib/common/err.h"

#include <stddef.h>
#include <stdint.h>

/* What a capture maps, of which it touches little; and the most that writing an
 * image takes besides.  A limit on a program's data has to leave as much. */
enum { CKPT_ARENA_BYTES = 128 << 20, CKPT_ARENA_WRITING = 64 << 20 };

struct ckpt_arena {
    uint8_t *base, *at, *end;
};

int ckpt_arena_map(struct ckpt_arena *arena, size_t len, struct ckpt_err *err);
void ckpt_arena_unmap(struct ckpt_arena *arena);

/* 16-byte aligned, zeroed; NULL with ENOMEM when it is full. */
void *ckpt_arena_alloc(struct ckpt_arena *arena, size_t len);

/* The same for long lists that are filled from the front and seldom to their
 * end: not zeroed, what is not used is not touched. */
void *ckpt_arena_reserve(struct ckpt_arena *arena, size_t len);

/* All that is left, to fill from the front; then keep `len` bytes of it.  It is
 * not zeroed: others may have worked there. */
void *ckpt_arena_rest(struct ckpt_arena *arena, size_t *len);
void ckpt_arena_keep(struct ckpt_arena *arena, size_t len);

#endif
