/* bare.h - the plan that is carried out with nothing underfoot
 *
 *     before                     after the early moves,      after the late
 *                                unmapping, ...              moves
 *     [restarter's program]      .                           [image's program]
 *     [region: bare, plan,       [region ..........]         [region, empty]
 *      staged memory, room
 *      for vdso]
 *     [restarter's libraries]    .                           [image's
 * libraries] [vdso] [stack]             .                           [vdso]
 * [stack]
 *
 * The restarter stages every mapping of the image, with contents and
 * protection, inside one region of address space that the image does not use.
 * What is left to do here cannot run out of anything: move page tables.
 *
 * This header and the file beside it are all that bare code sees.
 */
#ifndef CKPT_BARE_BARE_H
#define CKPT_BARE_BARE_H

#include <linux/prctl.h>
#include <stdint.h>

struct ckpt_bare_move {
    uint64_t from, to, len;
};

struct ckpt_bare_plan {
    uint64_t region_start, region_end; /* survives the unmapping */
    uint64_t nearly; /* moves made before the unmapping: into the region */
    uint64_t nmoves;
    struct ckpt_bare_move *moves;
    struct prctl_mm_map mm; /* brk, arguments, auxiliary vector; the file of
                               /proc/self/exe, which is closed afterwards */
    uint64_t entry_pc, entry_sp, entry_fs, entry_arg;
    int64_t pager; /* socket of the process that brings memory (pager.h), told
                      when all is in place; -1: none */
};

/* Carry out the plan and enter the image.  Runs inside the region, on a stack
 * in the region, with all signals blocked.  Position-independent and without
 * references: the restarter copies [__start_ckpt_bare, __stop_ckpt_bare). */
long ckpt_bare_run(void *plan);

extern const char __start_ckpt_bare[], __stop_ckpt_bare[];

#endif
