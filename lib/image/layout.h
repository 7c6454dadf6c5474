/* layout.h - where everything is in the core file, computed beforehand
 *
 *     ELF header
 *     program headers: note, one per segment, note
 *     one section header, when there are too many program headers to count
 *     notes: FORMAT, then the caller's
 *     (to the next page) memory of the segments, one after the other
 *     note: CHECKSUMS
 *
 * Pure; async-signal-safe.
 */
#ifndef CKPT_IMAGE_LAYOUT_H
#define CKPT_IMAGE_LAYOUT_H

#include "lib/image/image.h"

struct ckpt_layout {
    size_t phnum;
    uint64_t section_offset; /* 0: no section header */
    uint64_t notes_offset, notes_len;
    uint64_t data_offset;
    uint64_t table_offset, table_len;
    uint64_t core_size;
    size_t table_count; /* checksums in the table */
    size_t nchunks;     /* of the whole file */
};

/* 0, or -1 with EINVAL when segments or notes are not what image.h asks. */
int ckpt_layout_plan(struct ckpt_layout *layout,
                     const struct ckpt_segment *segments, size_t nsegments,
                     const struct ckpt_note *notes, size_t nnotes,
                     struct ckpt_err *err);

/* Bytes of the checksum note over `covered` bytes. */
uint64_t ckpt_layout_table_len(uint64_t covered);

#endif
