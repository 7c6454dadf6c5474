/* increment.h - checkpoints that hold only what changed since the last one
 *
 *     begin     can this one be an increment?  find the changed pages and
 *               protect all pages anew: the instant of the checkpoint
 *     look      (memory.h) segments of changed pages, ranges that are held
 *     notes     BASE, TAKEN
 *     done      durable: the next one may build on it;  not: the next is whole
 *
 * A base is only ever an image that is known to be durable, taken at the
 * instant from which changes are counted.  Everything that is remembered
 * belongs to the process: it is in unsaved memory, so after a restart the
 * first image is whole.
 *
 * All threads are stopped, but in done.  Async-signal-safe.
 */
#ifndef CKPT_CAPTURE_INCREMENT_H
#define CKPT_CAPTURE_INCREMENT_H

#include "lib/capture/arena.h"
#include "lib/capture/memory.h"
#include "lib/capture/thread.h"

/* One capture's part; may be read by the child that writes. */
struct ckpt_increment {
    bool on; /* the image joins a chain: whole, or as an increment */
    struct ckpt_since since;
    struct ckpt_runs runs;
    struct ckpt_taken taken;
    struct ckpt_base base; /* when since.increment; `held` is set by notes */
    char member[64];       /* its name among the bases */
    char base_name[CKPT_PATH_MAX];
    char dir[CKPT_PATH_MAX];
    uint8_t *copy; /* of the changed pages, or NULL */
    bool merge;    /* its chain is long: to be merged when it is durable */
    char merged_member[64]; /* its name then */
};

struct ckpt_increment_plan {
    const char *path;             /* of the image */
    const struct ckpt_meta *meta; /* its id */
    bool in_child; /* a child will write: changed pages are copied if few */
};

/* Before the mappings are listed: those to be left out of the list (0 to 0
 * where there is none). */
enum { CKPT_INCREMENT_OMIT = 2 };
void ckpt_increment_omit(struct ckpt_range omit[CKPT_INCREMENT_OMIT]);

/* Is this descriptor libckpt's own? */
bool ckpt_increment_owns_fd(int fd);

/* Fill in `inc`.  The image is whole, and in no chain, when incremental
 * checkpoints are off or nothing can be followed (the log tells).  0, or -1
 * when it is to be refused: ENOTSUP for a CKPT_DIRTY that is not offered. */
int ckpt_increment_begin(struct ckpt_increment *inc, struct ckpt_memory *memory,
                         const struct ckpt_increment_plan *plan,
                         struct ckpt_arena *arena, struct ckpt_err *err);

/* Keep large memory, whose changed pages have been copied, from being copied
 * page table by page table when the writing child is made; and give it back.
 * What the child looks at stays: libckpt's state and the threads' records. */
void ckpt_increment_hide(const struct ckpt_increment *inc,
                         const struct ckpt_thread *threads);
void ckpt_increment_unhide(const struct ckpt_increment *inc,
                           const struct ckpt_thread *threads);

/* The copy is not needed any more. */
void ckpt_increment_end(struct ckpt_increment *inc);

/* The outcome of the last image that was begun: its writer has ended. */
void ckpt_increment_done(bool durable);

/* The image that was begun last and its bases have been merged (merger.h): it
 * begins a chain.  `rename`, in the writer, gives it its name there, and is
 * false when the merged image is not to be built on; `take`, in the program
 * and before `done`, takes note of that. */
bool ckpt_increment_rename_merged(const struct ckpt_increment *inc,
                                  const char *path);
void ckpt_increment_take_merged(void);

#endif
