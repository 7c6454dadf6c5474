/* space.h - finding room in an address space that is used by two; pure */
#ifndef CKPT_RESTART_SPACE_H
#define CKPT_RESTART_SPACE_H

#include <stddef.h>
#include <stdint.h>

struct ckpt_extent {
    uint64_t start, end;
};

/* The highest start of `len` free bytes between low and high that touch none
 * of the n extents (which are sorted in place); 0 when there is no room.  The
 * start is a multiple of `align`. */
uint64_t ckpt_space_find(struct ckpt_extent *used, size_t n, uint64_t low,
                         uint64_t high, uint64_t len, uint64_t align);

#endif
