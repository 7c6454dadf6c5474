/* stage.h - the image's memory, complete, in a place of its own
 *
 * Every mapping of the image is made inside one region of address space that
 * neither the image nor this process uses, with its contents and protection;
 * bare then only moves it.
 */
#ifndef CKPT_RESTART_STAGE_H
#define CKPT_RESTART_STAGE_H

#include "lib/bare/bare.h"
#include "lib/capture/revive.h"
#include "lib/common/err.h"
#include "lib/image/image.h"
#include "lib/image/notes.h"

#include <stdbool.h>

struct ckpt_stage {
    uint64_t region_start, region_end;
    uint64_t hole_end; /* the revived program gives the region back up to
                          here; behind it, this kernel's vdso stays when it is
                          not the image's */
    struct ckpt_bare_plan *plan;   /* in the region */
    struct ckpt_revive_args *args; /* in the region */
    uint64_t bare;                 /* copy of ckpt_bare_run in the region */
    uint64_t stack_top;            /* for bare */
};

struct ckpt_files;
struct ckpt_lazy_plan;
struct ckpt_stage_options {
    bool force;               /* map files although they have changed */
    struct ckpt_files *files; /* files without a name are made through this */
    const struct ckpt_lazy_plan *lazy; /* what is mapped, not read */
    bool foreign_vdso; /* treat the vdso as another kernel's (for tests) */
};

/* 0, or -1 with the cause; then the process has at most some address space
 * less. */
int ckpt_stage_memory(struct ckpt_stage *stage, struct ckpt_image *image,
                      const struct ckpt_notes *notes,
                      const struct ckpt_stage_options *options,
                      struct ckpt_err *err);

#endif
