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

/* What is known of the inode in this segment, or NULL. */
struct touched *journal_find(const struct journal *journal,
                             const struct stat *st);

/* A lazy journal meets an inode that it does not know under a name that was
 * recorded: it was made in this segment. */
bool journal_is_fresh(const struct journal *journal, const char *path);

/* The table holds only once journal_settle() was called. */
void journal_unsettle(struct journal *journal);

#endif
