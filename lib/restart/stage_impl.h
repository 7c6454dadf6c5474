/* stage_impl.h - between stage.c, stage_region.c, stage_fill.c and stage_vdso.c
 */
#ifndef CKPT_RESTART_STAGE_IMPL_H
#define CKPT_RESTART_STAGE_IMPL_H

#include "lib/restart/stage.h"

#include <stddef.h>
#include <stdint.h>

#define CKPT_STAGE_PAGE 4096ull
#define CKPT_STAGE_HUGE (2ull << 20)
/* at the end of the region: half of it a gap, the other for this vdso */
#define CKPT_STAGE_VDSO_ROOM (1ull << 20)
enum { SHARED_MAX = 256 };

struct own_map {
    uint64_t start, end;
    char name[32]; /* "[vdso]", "[vvar]", ... or "" */
};

/* Memory that is writable only until it has been read. */
struct protection {
    void *at;
    uint64_t len;
    int prot;
};

struct staging {
    struct ckpt_stage *stage;
    struct ckpt_image *image;
    const struct ckpt_notes *notes;
    struct own_map *own;
    size_t nown;
    uint64_t at; /* next free address in the region */
    struct {
        uint64_t dev, ino;
        int fd;
    } shared[SHARED_MAX];
    size_t nshared;
    struct ckpt_image_piece *pieces; /* what is to be read, in order... */
    size_t npieces, pieces_room;
    struct protection *protections; /* ...and what has to be done then */
    size_t nprotections;
    const struct ckpt_stage_options *options;
    struct ckpt_err *err;
};

/* --- the region (stage_region.c) ------------------------------------------ */

/* Find room for everything, reserve it, and put bare, the plan and the
 * arguments into it.  0 or -1. */
int ckpt_stage_region(struct staging *s);
/* Take `len` bytes of the region; NULL with s->err. */
void *ckpt_stage_take(struct staging *s, uint64_t len, int prot);
void ckpt_stage_add_move(struct staging *s, uint64_t from, uint64_t to,
                         uint64_t len);

/* --- contents (stage_fill.c) ---------------------------------------------- */

/* Note what is to be read into the mapping, which is staged there. */
int ckpt_stage_fill(struct staging *s, const struct ckpt_map *m,
                    uint64_t staged);
/* Read all that has been noted, and protect what was writable for it. */
int ckpt_stage_load(struct staging *s);
bool ckpt_stage_has_contents(const struct staging *s, const struct ckpt_map *m);

/* --- the vdso (stage_vdso.c) ---------------------------------------------- */

int ckpt_stage_vdso(struct staging *s);
/* Is this the name of a mapping that the kernel has made? */
bool ckpt_stage_is_special(const char *name);

#endif
