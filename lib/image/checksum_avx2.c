/* checksum_avx2.c - XXH3 with AVX2; called only where the processor has it
 *
 * AVX-512 is no faster here: either waits for the memory.  A compiler that
 * does not know the pragma makes the ordinary one once more.
 */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC target("avx2")
#endif

#define CHECKSUM_NAME(x) ckpt_checksum_avx2_##x
#include "lib/image/checksum_xxh3.h"
