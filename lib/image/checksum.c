/* checksum.c - see checksum.h */
#include "lib/image/checksum.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t ckpt_checksum(const void *data, size_t len)
{
    return XXH3_64bits(data, len);
}
