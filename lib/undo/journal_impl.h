/* journal_impl.h - what the parts of the journal's recording side share */
#ifndef CKPT_UNDO_JOURNAL_IMPL_H
#define CKPT_UNDO_JOURNAL_IMPL_H

#include "lib/undo/journal.h"
#include "lib/undo/map.h"
#include "lib/undo/seen.h"
#include "lib/undo/segment.h"

/* What is known of an inode that was touched in this segment. */
struct touched {
    uint32_t id;
    int64_t seen;    /* its entry in the table */
    bool fresh;      /* made in this segment: nothing to keep */
    uint64_t size;   /* when the segment began */
    uint8_t *blocks; /* one bit for each block that is kept */
    uint64_t next;   /* block after the last one kept */
    unsigned window; /* blocks kept at once when writes are sequential */
    char *path;      /* lazy: a name it had; NULL: made here, or none */
    int pin;         /* lazy: keeps the inode's number from being used again;
                        or -1 */
};

struct inode_key {
    uint64_t dev;
    uint64_t ino;
};

struct journal {
    struct journal_config config;
    struct segment *segment;
    struct seen *seen;
    struct map *names;  /* path -> this journal (a set) */
    struct map *inodes; /* inode_key -> struct touched */
    struct map *kept;   /* inode_key -> number of links, as a pointer */
    uint32_t next_id;
    unsigned busy_paths;
    bool recorded;       /* something, in this segment */
    bool lost;           /* this segment cannot be undone any more */
    uint64_t kept_bytes; /* of files that this segment holds by link or copy */
};

static inline struct inode_key inode_key_of(const struct stat *st)
{
    return (struct inode_key){st->st_dev, st->st_ino};
}

/* Begin this segment; `rename` (may be NULL) is what begins it.  On failure
 * the old one goes on. */
int journal_start(struct journal *journal, uint32_t number,
                  const struct segment_head *rename, struct ckpt_err *err);

/* --- journal_inodes.c --- */

/* An absolute name of an open file without symbolic links; empty when it was
 * removed or cannot be told. */
void journal_path_of(int fd, char path[PATH_MAX]);

/* What is known of the inode in this segment, or NULL. */
struct touched *journal_find(const struct journal *journal,
                             const struct stat *st);
/* Its record, made at the first touch; NULL with *err. */
struct touched *journal_touch(struct journal *journal, const struct stat *st,
                              const char *path, struct ckpt_err *err);
/* It is new to the segment and needs no record when it is `fresh`, made in the
 * segment.  NULL with errno. */
struct touched *journal_add(struct journal *journal, const struct stat *st,
                            bool fresh);
/* Its number may be used again, by anybody. */
void journal_forget(struct journal *journal, const struct stat *st);
void journal_touched_free(void *touched);

/* One more link to it is the journal's. */
void journal_count_link(struct journal *journal, const struct stat *st);

/* --- journal_lazy.c --- */

/* A lazy journal meets an inode that it does not know under a name that was
 * recorded: it was made in this segment. */
bool journal_is_fresh(const struct journal *journal, const char *path);

/* The table holds only once journal_settle() was called. */
void journal_unsettle(struct journal *journal);

#endif
