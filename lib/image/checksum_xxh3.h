/* checksum_xxh3.h - XXH3, to be compiled once for each set of instructions
 *
 * Included by checksum.c and checksum_avx2.c only, which define
 * CHECKSUM_NAME(x).
 */
#include "lib/image/checksum.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t CHECKSUM_NAME(one)(const void *data, size_t len);
uint64_t CHECKSUM_NAME(pieces)(const struct iovec *pieces, size_t n);

uint64_t CHECKSUM_NAME(one)(const void *data, size_t len)
{
    return XXH3_64bits(data, len);
}

uint64_t CHECKSUM_NAME(pieces)(const struct iovec *pieces, size_t n)
{
    XXH3_state_t state;

    if (n == 1)
        return XXH3_64bits(pieces->iov_base, pieces->iov_len);
    XXH3_64bits_reset(&state);
    for (size_t i = 0; i < n; i++)
        XXH3_64bits_update(&state, pieces[i].iov_base, pieces[i].iov_len);
    return XXH3_64bits_digest(&state);
}
