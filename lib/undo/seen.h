/* seen.h - how the journal's owner left the files it touched
 *
 * So that a roll-back can tell its own work from what other processes did
 * meanwhile.  A file, DIR/journal/N/seen, mapped shared: what is written here
 * survives the process and costs no system call.  It is meaningful on the boot
 * that wrote it only, by the same build: fixed-size integers in memory order.
 *
 *     seen_head | seen_file | seen_file | ...
 *
 * `busy` brackets a change: while it is set, the files it names may differ
 * from what the table says.
 */
#ifndef CKPT_UNDO_SEEN_H
#define CKPT_UNDO_SEEN_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct seen_file {
    uint64_t dev;
    uint64_t ino;
    uint64_t size;
    int64_t mtime_sec;
    uint32_t mtime_nsec;
    uint32_t is_file; /* size and time mean something */
    uint64_t was_dev; /* put back from a copy: the inode it was, or 0 */
    uint64_t was_ino;
    uint32_t put_back; /* by the last roll-back: no record knows the number */
    uint32_t shared;   /* others changed it between the owner's changes */
};

struct seen_head {
    uint64_t magic;
    uint32_t count;
    uint32_t checked; /* the roll-back has looked for conflicts */
    uint32_t busy;    /* a change is going on, to: */
    uint32_t zero;
    uint64_t busy_dev;
    uint64_t busy_ino;
    char busy_path[2][PATH_MAX];
};

_Static_assert(sizeof(struct seen_file) == 64, "no padding");
_Static_assert(sizeof(struct seen_head) == 40 + 2 * PATH_MAX, "no padding");

struct seen;

/* Map dirfd/seen, made when it is not there.  NULL with errno. */
struct seen *seen_open(int dirfd);
void seen_close(struct seen *seen);
struct seen_head *seen_head(struct seen *seen);

/* A new entry; its index, or -1 with errno. */
int64_t seen_add(struct seen *seen, const struct stat *st);
void seen_update(struct seen *seen, int64_t index, const struct stat *st);
/* The owner is to change it: when it does not look as it was left, others were
 * there, and it never matches again. */
void seen_expect(struct seen *seen, int64_t index, const struct stat *st);
/* A roll-back put a file back as a new inode (`st`): an entry that says what
 * the one of the inode it was says, if there is one (0: it was none).  The
 * number of that may be in use again, by another file that was put back: such
 * entries do not count.  0, or -1 with errno. */
int seen_adopt(struct seen *seen, const struct stat *st, uint64_t was_dev,
               uint64_t was_ino);
/* Recording goes on: what was put back is what the files are now. */
void seen_settle(struct seen *seen);
uint32_t seen_count(const struct seen *seen);
const struct seen_file *seen_at(const struct seen *seen, uint32_t index);

/* The file looks as the owner left it. */
bool seen_matches(const struct seen_file *file, const struct stat *st);

#endif
