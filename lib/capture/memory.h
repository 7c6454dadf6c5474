/* memory.h - what the memory of this process is, and which of it to save
 *
 * Reads /proc/self/maps once; an unknown line is memory like any other or is
 * refused by name, never a reason to die.  Only pages that are present,
 * private and not all zero become segments.  All threads are stopped.
 *
 * Async-signal-safe; everything is allocated in the arena.
 */
#ifndef CKPT_CAPTURE_MEMORY_H
#define CKPT_CAPTURE_MEMORY_H

#include "lib/capture/arena.h"
#include "lib/capture/dirty.h"
#include "lib/common/err.h"
#include "lib/image/image.h"
#include "lib/image/notes.h"

#include <stdbool.h>
#include <stddef.h>

struct ckpt_memory {
    struct ckpt_map *maps;
    size_t nmaps;
    struct ckpt_segment *segments;
    size_t nsegments;
    uint64_t saved_bytes;
};

/* What is known of the memory's contents in the image before this one
 * (increment.h).  Pages that are as they were there are not saved but listed as
 * held, where the image is to be an increment. */
struct ckpt_since {
    bool increment;
    const struct ckpt_range *tracked; /* mappings whose runs are known */
    size_t ntracked;
    const struct ckpt_runs *runs;
    void *before, *now;      /* hashes (hashes.h) of all other pages, or NULL */
    struct ckpt_range *held; /* room for so many; each inside one mapping */
    size_t nheld, room;
};

/* Ranges that ckpt_memory_look() treats specially. */
struct ckpt_memory_rules {
    const struct ckpt_range
        *omit; /* not of the program: left out of the maps */
    size_t nomit;
    const struct ckpt_range *zero; /* come back zeroed (CKPT_MAP_ZERO) */
    size_t nzero;
    const struct ckpt_range *exclude; /* the program does not want them saved */
    size_t nexclude;
    const struct ckpt_range *guards; /* not to be touched */
    size_t nguards;
    struct ckpt_since *since;           /* NULL: everything is saved */
    const struct ckpt_open_file *files; /* open: those without a name can be
                                           mapped again by their content */
    size_t nfiles;
};

/* List the mappings: quick, and all that can be refused is refused here.  The
 * rules must live as long as `memory` is used.  0; or -1: EBUSY with the
 * mapping named when it cannot be saved, ENOMEM. */
int ckpt_memory_list(struct ckpt_memory *memory, struct ckpt_arena *arena,
                     const struct ckpt_memory_rules *rules,
                     struct ckpt_err *err);

/* Find the contents: fill in the segments.  Reads all present memory; may be
 * done in a forked child of the stopped process.  0 or -1. */
int ckpt_memory_look(struct ckpt_memory *memory, struct ckpt_arena *arena,
                     const struct ckpt_memory_rules *rules,
                     struct ckpt_err *err);

/* One of the ranges holds all of [start, end). */
bool ckpt_ranges_hold(const struct ckpt_range *ranges, size_t count,
                      uint64_t start, uint64_t end);

/* Some memory is shared and is not frozen by fork(). */
bool ckpt_memory_is_shared(const struct ckpt_memory *memory);

/* Mappings without PROT_READ that hold contents are made readable by look();
 * give them their protection back. */
void ckpt_memory_restore_protection(const struct ckpt_memory *memory);

#endif
