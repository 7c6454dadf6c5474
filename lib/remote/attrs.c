/* attrs.c - attributes by path, for a moment
 *
 * A program that lists a directory asks for the attributes of each entry next;
 * they came with the listing.  As with NFS, a change that somebody else makes
 * at home is seen with a short delay; one of the job's own at once.  What does
 * not exist is always asked for.
 */
#include "lib/remote/state.h"

#include <string.h>
#include <sys/stat.h>

enum {
    ENTRIES = 2048,
    NAME_LEN = 184,
    GOOD_TSC = 1000 * 1000 * 1000, /* some tenths of a second */
    AS_LINK = 1,
    AS_TARGET = 2,
};

struct ckpt_attr_entry {
    uint64_t tsc;     /* 0: free */
    uint64_t changes; /* of the link, then */
    uint32_t as;
    char path[NAME_LEN];
    struct shadow_attr attr;
};

size_t ckpt_attrs_size(void)
{
    return ENTRIES * sizeof(struct ckpt_attr_entry);
}

static struct ckpt_attr_entry *entry_of(const char *path)
{
    uint64_t hash = 14695981039346656037ull;
    size_t len = 0;

    for (; path[len]; len++)
        hash = (hash ^ (uint8_t)path[len]) * 1099511628211ull;
    return len < NAME_LEN ? &ckpt_link->attrs[(hash ^ hash >> 32) % ENTRIES]
                          : NULL;
}

bool ckpt_attrs_find(const char *path, bool follow, struct shadow_attr *attr)
{
    const struct ckpt_attr_entry *e = entry_of(path);

    if (!e || e->tsc == 0 || e->changes != ckpt_link->changes ||
        !(e->as & (follow ? AS_TARGET : AS_LINK)) ||
        __builtin_ia32_rdtsc() - e->tsc > GOOD_TSC ||
        strcmp(e->path, path) != 0)
        return false;
    *attr = e->attr;
    return true;
}

void ckpt_attrs_note(const char *path, bool follow,
                     const struct shadow_attr *attr)
{
    struct ckpt_attr_entry *e = entry_of(path);

    if (!e || path[0] != '/')
        return;
    e->tsc = __builtin_ia32_rdtsc();
    e->changes = ckpt_link->changes;
    e->as = follow ? AS_TARGET : AS_LINK;
    if (!follow && !S_ISLNK(attr->mode))
        e->as |= AS_TARGET;
    strcpy(e->path, path);
    e->attr = *attr;
}

void ckpt_attrs_call(uint32_t proc)
{
    switch (proc) {
    case SHADOW_OPEN_READ:
    case SHADOW_CLOSE:
    case SHADOW_READ:
    case SHADOW_STAT:
    case SHADOW_FSTAT:
    case SHADOW_STATFS:
    case SHADOW_FSTATFS:
    case SHADOW_ACCESS:
    case SHADOW_READLINK:
    case SHADOW_READDIR:
    case SHADOW_CHDIR:
    case SHADOW_FCHDIR:
    case SHADOW_LOG:
    case SHADOW_EVENT:
        return;
    default: /* a lock, too: who takes one wants to see what is new */
        ckpt_link->changes++;
    }
}
