/* quota.c - see quota.h */
#include "shadow/quota.h"

#include "lib/undo/map.h"

#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>

/* nftw(3) knows no argument; this runs once, at the start. */
static struct {
    struct quota *quota;
    struct map *linked; /* files with several names, by device and number */
} measuring;

static int measure_one(const char *path, const struct stat *st, int type,
                       struct FTW *ftw)
{
    (void)path, (void)ftw;
    if (type != FTW_F || !S_ISREG(st->st_mode))
        return 0;
    if (st->st_nlink > 1) {
        uint64_t key[2] = {st->st_dev, st->st_ino};
        if (map_get(measuring.linked, key, sizeof key))
            return 0;
        if (map_put(measuring.linked, key, sizeof key, measuring.quota) < 0)
            return -1;
    }
    measuring.quota->used += (uint64_t)st->st_size;
    return 0;
}

struct quota *quota_create(const char *path, uint64_t limit)
{
    struct quota *quota = calloc(1, sizeof *quota);
    struct map *linked = map_create();

    if (quota && linked) {
        quota->limit = limit;
        measuring.quota = quota;
        measuring.linked = linked;
        if (nftw(path, measure_one, 32, FTW_PHYS) != 0) {
            free(quota);
            quota = NULL;
        }
    } else {
        free(quota);
        quota = NULL;
        errno = ENOMEM;
    }
    int saved = errno;
    map_destroy(linked, NULL);
    errno = saved;
    return quota;
}

int quota_check(const struct quota *quota, off_t size, off_t next)
{
    if (!quota || next <= size)
        return 0;
    uint64_t more = (uint64_t)(next - size);
    if (more <= quota->limit && quota->used <= quota->limit - more)
        return 0;
    errno = EDQUOT;
    return -1;
}

void quota_count(struct quota *quota, off_t size, off_t now)
{
    if (!quota)
        return;
    if (now >= size)
        quota->used += (uint64_t)(now - size);
    else if (quota->used >= (uint64_t)(size - now))
        quota->used -= (uint64_t)(size - now);
    else
        quota->used = 0;
}
