/* checksum.h - the checksum of images: 64-bit XXH3
 *
 * XXH3 (libxxhash's header, compiled in) runs at memory speed with plain SSE2
 * and needs no tables, no state and no allocation.  Async-signal-safe.
 */
#ifndef CKPT_IMAGE_CHECKSUM_H
#define CKPT_IMAGE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* XXH3_64bits with seed 0. */
uint64_t ckpt_checksum(const void *data, size_t len);

#endif
