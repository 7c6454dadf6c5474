/* cache.h - between cache.c, cache_read.c, cache_write.c (internal to
 * lib/remote) */
#ifndef CKPT_REMOTE_CACHE_H
#define CKPT_REMOTE_CACHE_H

#include "lib/remote/state.h"

enum { CKPT_DIRECT_LEN = CKPT_POOL_LEN / 2 }; /* longer ones pass the cache */

/* Who reads on so soon after the last bytes of a file is told its end: some
 * tens of milliseconds. */
enum { CKPT_END_TSC = 100 * 1000 * 1000 };

/* `file` has just written the last dirty bytes at its own offset: it follows
 * them from now on. */
void ckpt_node_follow(struct ckpt_node *node, struct ckpt_file *file);

/* Buffers of CKPT_POOL_LEN bytes, named by numbers from 1; 0 is none. */
uint8_t *ckpt_buffer(uint16_t id);
void ckpt_buffer_free(uint16_t *id);
/* A free one for the node; false when there is none. */
bool ckpt_buffer_try(struct ckpt_node *node, uint16_t *id);
/* One for *id, if it has none: when all are taken, another node loses its own
 * (what is dirty is sent). */
void ckpt_buffer_take(struct ckpt_node *node, uint16_t *id);

/* Is any of these bytes dirty?  Appended ones might be. */
bool ckpt_cache_overlaps(const struct ckpt_node *node, uint64_t offset,
                         size_t len);

/* Forget the windows that were asked for ahead. */
void ckpt_ahead_forget(struct ckpt_node *node);

#endif
