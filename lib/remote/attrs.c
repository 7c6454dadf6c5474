/* attrs.c - attributes by path, for a moment
 *
 * A program that lists a directory asks for the attributes of each entry next;
 * they came with the listing.  As with NFS, a change that somebody else makes
 * at home is seen with a short delay; one of the job's own at once.  What does
 * not exist is always asked for.
 */
#include "lib/remote/attrs.h"

#include <string.h>
#include <sys/stat.h>

enum {
    ENTRIES = 2048,
    NAME_LEN = 184,
    GOOD_TSC = 1000 * 1000 * 1000, /* some tenths of a second */
    AS_LINK = 1,
    AS_TARGET = 2,
    WORDS = 256,
    WORDS_LEN = 120,
};

struct ckpt_attr_entry {
    uint64_t tsc;     /* 0: free */
    uint64_t changes; /* of the link, then */
    uint32_t as;
    char path[NAME_LEN];
    struct shadow_attr attr;
};

/* What the program asked, word by word, and was told.  As good as the entry, as
 * long as that is the one of then. */
struct words {
    const struct ckpt_attr_entry *entry;
    uint64_t tsc;
    bool follow;
    char text[WORDS_LEN];
    struct stat answer;
};

struct ckpt_attrs {
    struct ckpt_attr_entry entries[ENTRIES];
    struct words words[WORDS];
};

size_t ckpt_attrs_size(void)
{
    return sizeof(struct ckpt_attrs);
}

/* Of at most `max` bytes; -1 for a longer one. */
static int64_t hash_of(const char *text, size_t max)
{
    uint64_t hash = 14695981039346656037ull;
    size_t len = 0;

    for (; len < max && text[len]; len++)
        hash = (hash ^ (uint8_t)text[len]) * 1099511628211ull;
    return len < max ? (int64_t)((hash ^ hash >> 32) & INT32_MAX) : -1;
}

static struct ckpt_attr_entry *entry_of(const char *path)
{
    int64_t hash = hash_of(path, NAME_LEN);

    return hash < 0 ? NULL : &ckpt_link->attrs->entries[hash % ENTRIES];
}

static bool is_good(const struct ckpt_attr_entry *e)
{
    return e->tsc != 0 && e->changes == ckpt_link->changes &&
           __builtin_ia32_rdtsc() - e->tsc < GOOD_TSC;
}

bool ckpt_attrs_find(const char *path, bool follow, struct shadow_attr *attr)
{
    const struct ckpt_attr_entry *e = entry_of(path);

    if (!e || !is_good(e) || !(e->as & (follow ? AS_TARGET : AS_LINK)) ||
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

/* --- by the program's words -------------------------------------------------
 */

static struct words *words_of(const char *text)
{
    int64_t hash = hash_of(text, WORDS_LEN);

    return hash < 0 ? NULL : &ckpt_link->attrs->words[hash % WORDS];
}

void ckpt_words_note(uint64_t text, const char *path, bool follow,
                     const struct stat *answer)
{
    const struct ckpt_attr_entry *e = entry_of(path);
    char copy[WORDS_LEN];

    if (!e || !is_good(e) || strcmp(e->path, path) != 0 ||
        ckpt_user_read(copy, text, sizeof copy) != 0)
        return;
    struct words *w = words_of(copy);
    if (!w)
        return;
    w->tsc = 0;
    w->entry = e;
    w->follow = follow;
    strcpy(w->text, copy);
    w->answer = *answer;
    w->tsc = e->tsc;
}

const struct stat *ckpt_words_find(const char *text, bool follow)
{
    const struct words *w = words_of(text);

    if (!w || w->tsc == 0 || !w->entry || w->entry->tsc != w->tsc ||
        w->follow != follow || ckpt_link->dirty_nodes > 0 ||
        !is_good(w->entry) || strncmp(w->text, text, WORDS_LEN) != 0)
        return NULL;
    return &w->answer;
}

void ckpt_words_forget(void)
{
    for (size_t i = 0; i < WORDS; i++)
        ckpt_link->attrs->words[i].tsc = 0;
}
