/* map.h - from short keys to pointers
 *
 * A hash table with chains that doubles as it fills.  Keys are bytes and are
 * copied; values are the caller's.
 */
#ifndef CKPT_UNDO_MAP_H
#define CKPT_UNDO_MAP_H

#include <stddef.h>

struct map;

struct map *map_create(void); /* NULL: ENOMEM */

/* `free_value` (may be NULL) is called for every value left. */
void map_destroy(struct map *map, void (*free_value)(void *));

/* NULL when there is none. */
void *map_get(const struct map *map, const void *key, size_t len);

/* Insert or replace; `value` is not NULL.  0, or -1 with ENOMEM. */
int map_put(struct map *map, const void *key, size_t len, void *value);

/* Remove and return the value, NULL when there is none. */
void *map_take(struct map *map, const void *key, size_t len);

/* Call fn for every entry, in no order. */
void map_each(const struct map *map,
              void (*fn)(void *arg, const void *key, size_t len, void *value),
              void *arg);

#endif
