/* checksum.c - see checksum.h */
#define CHECKSUM_NAME(x) ckpt_checksum_any_##x
#include "lib/image/checksum_xxh3.h"

#include "lib/arch/x86_64_cpu.h"

#include <stdbool.h>

uint64_t ckpt_checksum_avx2_one(const void *data, size_t len);
uint64_t ckpt_checksum_avx2_pieces(const struct iovec *pieces, size_t n);

/* Asked once: CPUID is slow in a virtual machine.  The answer is in an image,
 * which goes only to where the features are there too. */
static bool has_avx2(void)
{
    static int known; /* 0: not asked, 1: no, 2: yes */
    int answer = __atomic_load_n(&known, __ATOMIC_RELAXED);

    if (answer == 0) {
        answer = 1 + ckpt_cpu_has_avx2();
        __atomic_store_n(&known, answer, __ATOMIC_RELAXED);
    }
    return answer == 2;
}

uint64_t ckpt_checksum(const void *data, size_t len)
{
    return len >= 1024 && has_avx2() ? ckpt_checksum_avx2_one(data, len)
                                     : ckpt_checksum_any_one(data, len);
}

uint64_t ckpt_checksum_pieces(const struct iovec *pieces, size_t n)
{
    return has_avx2() ? ckpt_checksum_avx2_pieces(pieces, n)
                      : ckpt_checksum_any_pieces(pieces, n);
}
