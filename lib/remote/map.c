/* map.c - shared mappings of remote files: copied in, written back
 *
 * The mapping is ordinary memory; beside it lies a copy of what the file holds
 * at home.  What differs is written when the program asks (msync), when the
 * mapping goes, at a checkpoint and at the end; never beyond the file's end.
 * Changes that others make to the file are not seen.
 */
#include "lib/remote/state.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096 };

struct ckpt_map *ckpt_map_new(struct ckpt_file *file, uint64_t at, uint64_t len,
                              uint64_t offset)
{
    struct ckpt_map *map = ckpt_state->maps;

    while (map < ckpt_state->maps + CKPT_MAPS && map->len > 0)
        map++;
    if (map == ckpt_state->maps + CKPT_MAPS)
        return NULL;
    len = (len + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    long home = ckpt_sys(SYS_mmap, NULL, len, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (home < 0 && home > -4096)
        return NULL;
    memcpy((void *)home, (const void *)(uintptr_t)at, len);
    *map = (struct ckpt_map){at, len, offset, (void *)home, file};
    file->refs++;
    ckpt_state->maps_used++;
    return map;
}

/* --- writing back ------------------------------------------------------------
 */

/* One page, up to `end` bytes of it.  A page that the program cannot read
 * itself has not changed since it could. */
static long write_page(struct ckpt_map *map, uint64_t skip, size_t end)
{
    uint8_t now[PAGE], *home = map->home + skip;
    size_t from = 0;

    if (ckpt_user_read(now, map->at + skip, end) != 0)
        return 0;
    while (from < end && now[from] == home[from])
        from++;
    while (end > from && now[end - 1] == home[end - 1])
        end--;
    if (from == end)
        return 0;
    long n = ckpt_cache_write(map->file, now + from, end - from,
                              map->offset + skip + from, false);
    if (n < 0)
        return n;
    memcpy(home + from, now + from, end - from);
    return 0;
}

static long write_back(struct ckpt_map *map, uint64_t from, uint64_t to)
{
    struct shadow_attr attr;
    int append = map->file->flags & O_APPEND;
    long rc = ckpt_file_attr(map->file, &attr), error = 0;

    if (rc != 0)
        return rc;
    uint64_t there = attr.size > map->offset ? attr.size - map->offset : 0;
    if (to > there)
        to = there;
    map->file->flags &= ~O_APPEND;
    for (uint64_t at = from; at < to; at += PAGE) {
        rc = write_page(map, at, to - at < PAGE ? (size_t)(to - at) : PAGE);
        error = error ? error : rc;
    }
    map->file->flags |= append;
    return error;
}

/* The part of a mapping that lies in a range: offsets into it. */
static bool overlap(const struct ckpt_map *map, uint64_t at, uint64_t len,
                    uint64_t *from, uint64_t *to)
{
    uint64_t end = map->at + map->len;

    if (map->len == 0 || at >= end || at + len <= map->at)
        return false;
    *from = at > map->at ? at - map->at : 0;
    *to = (at + len < end ? at + len : end) - map->at;
    return true;
}

long ckpt_maps_write_back(void)
{
    long error = 0;

    for (size_t i = 0; ckpt_state->maps_used > 0 && i < CKPT_MAPS; i++) {
        struct ckpt_map *map = &ckpt_state->maps[i];
        if (map->len == 0)
            continue;
        long rc = write_back(map, 0, map->len);
        error = error ? error : rc;
    }
    return error;
}

/* --- the calls
 * ----------------------------------------------------------------
 */

static uint64_t page_up(uint64_t len)
{
    return (len + PAGE - 1) & ~(uint64_t)(PAGE - 1);
}

static bool is_mapped(const struct ckpt_call *call)
{
    uint64_t from, to;

    for (size_t i = 0; ckpt_state->maps_used > 0 && i < CKPT_MAPS; i++)
        if (overlap(&ckpt_state->maps[i], call->arg[0], page_up(call->arg[1]),
                    &from, &to))
            return true;
    return false;
}

static void drop(struct ckpt_map *map)
{
    ckpt_sys(SYS_munmap, map->home, map->len);
    map->len = 0;
    ckpt_state->maps_used--;
    ckpt_file_put(map->file);
}

/* What is left before and after a hole: the second part is a mapping of its
 * own. */
static long cut(struct ckpt_map *map, uint64_t from, uint64_t to)
{
    struct ckpt_map rest = {map->at + to, map->len - to, map->offset + to,
                            map->home + to, map->file};

    if (from == 0 && to == map->len) {
        drop(map);
        return 0;
    }
    if (from > 0 && to < map->len) {
        struct ckpt_map *free = ckpt_state->maps;
        while (free < ckpt_state->maps + CKPT_MAPS && free->len > 0)
            free++;
        if (free == ckpt_state->maps + CKPT_MAPS)
            return -ENOMEM;
        *free = rest;
        map->file->refs++;
        ckpt_state->maps_used++;
    }
    ckpt_sys(SYS_munmap, map->home + from, to - from);
    if (from > 0)
        map->len = from;
    else
        *map = rest;
    return 0;
}

static long do_munmap(struct ckpt_call *call)
{
    uint64_t from, to;

    if (call->arg[0] % PAGE != 0)
        return CKPT_LOCAL; /* EINVAL */
    for (size_t i = 0; i < CKPT_MAPS; i++) {
        struct ckpt_map *map = &ckpt_state->maps[i];
        if (!overlap(map, call->arg[0], page_up(call->arg[1]), &from, &to))
            continue;
        write_back(map, from, to); /* an error is told by the next close */
        long rc = cut(map, from, to);
        if (rc < 0)
            return rc;
    }
    return ckpt_sys(SYS_munmap, call->arg[0], call->arg[1]);
}

/* Something else is mapped over it. */
static long do_cover(struct ckpt_call *call)
{
    long rc = do_munmap(call);
    return rc < 0 && rc != CKPT_LOCAL ? rc : 0;
}

long ckpt_maps_cover(struct ckpt_call *call)
{
    return is_mapped(call) ? ckpt_locked(do_cover, call) : 0;
}

long ckpt_on_munmap(struct ckpt_call *call)
{
    return is_mapped(call) ? ckpt_locked(do_munmap, call) : CKPT_LOCAL;
}

static long do_msync(struct ckpt_call *call)
{
    uint64_t from, to;
    long error = 0;

    for (size_t i = 0; i < CKPT_MAPS; i++) {
        struct ckpt_map *map = &ckpt_state->maps[i];
        if (!overlap(map, call->arg[0], page_up(call->arg[1]), &from, &to))
            continue;
        long rc = write_back(map, from, to);
        if (rc == 0)
            rc = ckpt_cache_settle(&ckpt_state->nodes[map->file->node]);
        error = error ? error : rc;
    }
    return error ? error : CKPT_LOCAL;
}

long ckpt_on_msync(struct ckpt_call *call)
{
    return is_mapped(call) ? ckpt_locked(do_msync, call) : CKPT_LOCAL;
}

static long do_mremap(struct ckpt_call *call)
{
    ckpt_refusal_log(call->nr, "shared mapping of a remote file");
    return -ENOMEM;
}

long ckpt_on_mremap(struct ckpt_call *call)
{
    return is_mapped(call) ? ckpt_locked(do_mremap, call) : CKPT_LOCAL;
}
