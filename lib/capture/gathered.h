/* gathered.h - what one capture gathers, step by step
 *
 *     capture.c    stops the threads and takes the steps
 *     gather.c     looks at everything but the contents of memory
 *     save.c       finds those, and writes; here or in a child
 *     notes.c      what was gathered, as the notes of the image
 */
#ifndef CKPT_CAPTURE_GATHERED_H
#define CKPT_CAPTURE_GATHERED_H

#include "lib/capture/arena.h"
#include "lib/capture/capture.h"
#include "lib/capture/increment.h"
#include "lib/capture/kept.h"
#include "lib/capture/memory.h"
#include "lib/capture/process.h"
#include "lib/capture/release.h"
#include "lib/files/look.h"

/* Everything one capture has gathered. */
struct capture {
    struct ckpt_arena arena;
    struct ckpt_meta meta;
    struct ckpt_process process;
    struct ckpt_file_table files;
    struct ckpt_kept kept;
    struct ckpt_blob around; /* where files are only tracked */
    struct ckpt_range omit[2 + CKPT_INCREMENT_OMIT];
    struct ckpt_memory_rules rules;
    struct ckpt_memory memory;
    struct ckpt_increment increment;
    struct ckpt_thread_note *threads;
    size_t nthreads;
    struct ckpt_note *notes;
    size_t nnotes;
    struct ckpt_file_sink file_sink;
    int (*commit_file)(struct ckpt_sink *sink, struct ckpt_err *err);
    bool in_child;
    bool memory_short; /* too short for a child */
    uint64_t stopped_ns;
    struct ckpt_release release;
    struct ckpt_blob *contents; /* mapped, files.ncontents of them */
    uint64_t image_bytes;
};

/* Everything that is quick, and everything that can be refused.  0 or -1. */
int ckpt_capture_gather(struct capture *c, struct ckpt_err *err);
bool ckpt_capture_any_in_vdso(void);

/* Whether a child may write the image while the program goes on. */
bool ckpt_capture_may_fork(const struct capture *c);
/* Write it in a child; 0 when that is on its way. */
int ckpt_capture_save_in_child(struct capture *c, struct ckpt_err *err);
int ckpt_capture_save_here(struct capture *c, struct ckpt_err *err);

/* All that the image says besides memory, into c->notes.  0, or -1; what it
 * mapped is given back by ckpt_capture_drop_contents() in any case. */
int ckpt_capture_make_notes(struct capture *c, struct ckpt_err *err);
void ckpt_capture_drop_contents(struct capture *c);

#endif
