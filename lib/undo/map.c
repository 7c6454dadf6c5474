/* map.c - see map.h */
#include "lib/undo/map.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    struct entry *next;
    void *value;
    uint64_t hash;
    size_t len;
    unsigned char key[];
};

struct map {
    struct entry **buckets;
    size_t bucket_count; /* a power of two */
    size_t count;
};

static uint64_t hash_of(const void *key, size_t len)
{
    const unsigned char *at = key;
    uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ at[i]) * 0x100000001b3;
    return hash ^ hash >> 29;
}

struct map *map_create(void)
{
    struct map *map = calloc(1, sizeof *map);

    if (!map)
        return NULL;
    map->bucket_count = 64;
    map->buckets = calloc(map->bucket_count, sizeof(struct entry *));
    if (!map->buckets) {
        free(map);
        return NULL;
    }
    return map;
}

void map_destroy(struct map *map, void (*free_value)(void *))
{
    if (!map)
        return;
    for (size_t i = 0; i < map->bucket_count; i++) {
        for (struct entry *e = map->buckets[i], *next; e; e = next) {
            next = e->next;
            if (free_value)
                free_value(e->value);
            free(e);
        }
    }
    free(map->buckets);
    free(map);
}

/* Where the pointer to the entry is, or would be appended. */
static struct entry **place(const struct map *map, const void *key, size_t len,
                            uint64_t hash)
{
    struct entry **at = &map->buckets[hash & (map->bucket_count - 1)];

    while (*at && ((*at)->hash != hash || (*at)->len != len ||
                   memcmp((*at)->key, key, len) != 0))
        at = &(*at)->next;
    return at;
}

void *map_get(const struct map *map, const void *key, size_t len)
{
    struct entry *e = *place(map, key, len, hash_of(key, len));

    return e ? e->value : NULL;
}

static void grow(struct map *map)
{
    size_t count = 2 * map->bucket_count;
    struct entry **buckets = calloc(count, sizeof(struct entry *));

    if (!buckets)
        return; /* longer chains, no harm */
    for (size_t i = 0; i < map->bucket_count; i++) {
        for (struct entry *e = map->buckets[i], *next; e; e = next) {
            next = e->next;
            e->next = buckets[e->hash & (count - 1)];
            buckets[e->hash & (count - 1)] = e;
        }
    }
    free(map->buckets);
    map->buckets = buckets;
    map->bucket_count = count;
}

int map_put(struct map *map, const void *key, size_t len, void *value)
{
    uint64_t hash = hash_of(key, len);
    struct entry **at = place(map, key, len, hash);

    if (*at) {
        (*at)->value = value;
        return 0;
    }
    struct entry *e = malloc(sizeof *e + len);
    if (!e)
        return -1;
    e->next = NULL;
    e->value = value;
    e->hash = hash;
    e->len = len;
    memcpy(e->key, key, len);
    *at = e;
    if (++map->count > map->bucket_count)
        grow(map);
    return 0;
}

void *map_take(struct map *map, const void *key, size_t len)
{
    struct entry **at = place(map, key, len, hash_of(key, len));
    struct entry *e = *at;

    if (!e)
        return NULL;
    void *value = e->value;
    *at = e->next;
    free(e);
    map->count--;
    return value;
}

void map_each(const struct map *map,
              void (*fn)(void *arg, const void *key, size_t len, void *value),
              void *arg)
{
    for (size_t i = 0; i < map->bucket_count; i++)
        for (struct entry *e = map->buckets[i]; e; e = e->next)
            fn(arg, e->key, e->len, e->value);
}
