/* x86_64_cpu.c - see x86_64_cpu.h */
#include "lib/arch/x86_64_cpu.h"

#include <cpuid.h>
#include <stdio.h>
#include <string.h>

/* Which bits tell of instructions a program may execute. */
static const uint32_t meaningful[CKPT_CPU_FEATURE_WORDS] = {
    0x7ff83203 & ~(1u << 27), /* no hypervisor, no monitor, no osxsave */
    0x07808171,
    0xfdfe3f3b & ~(1u << 12 | 1u << 13 | 1u << 14 | 1u << 15),
    0x7a4e5f46,
    0x03c2411c,
    0x00400030,
    0x004008e5,
    0x00000000,
};

void ckpt_cpu_features(uint32_t w[CKPT_CPU_FEATURE_WORDS], uint64_t *xcr0)
{
    uint32_t a, b, c, d;

    memset(w, 0, CKPT_CPU_FEATURE_WORDS * sizeof *w);
    *xcr0 = 0;
    if (__get_cpuid(1, &a, &b, &c, &d)) {
        w[0] = c;
        w[1] = d;
    }
    if (w[0] & bit_OSXSAVE) {
        uint32_t lo, hi;
        __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
        *xcr0 = (uint64_t)hi << 32 | lo;
    }
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        w[2] = b;
        w[3] = c;
        w[4] = d;
        if (a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d))
            w[5] = a;
    }
    if (__get_cpuid(0x80000001, &a, &b, &c, &d)) {
        w[6] = c;
        w[7] = d;
    }
    for (unsigned i = 0; i < CKPT_CPU_FEATURE_WORDS; i++)
        w[i] &= meaningful[i];
}

bool ckpt_cpu_has_avx2(void)
{
    uint32_t w[CKPT_CPU_FEATURE_WORDS];
    uint64_t xcr0;

    ckpt_cpu_features(w, &xcr0);
    return (w[2] >> 5 & 1) && (xcr0 & 6) == 6;
}

static const struct {
    uint8_t word, bit;
    const char *name;
} names[] = {
    {0, 0, "sse3"},
    {0, 1, "pclmulqdq"},
    {0, 9, "ssse3"},
    {0, 12, "fma"},
    {0, 13, "cx16"},
    {0, 19, "sse4_1"},
    {0, 20, "sse4_2"},
    {0, 22, "movbe"},
    {0, 23, "popcnt"},
    {0, 25, "aes"},
    {0, 26, "xsave"},
    {0, 28, "avx"},
    {0, 29, "f16c"},
    {0, 30, "rdrand"},
    {2, 0, "fsgsbase"},
    {2, 3, "bmi1"},
    {2, 4, "hle"},
    {2, 5, "avx2"},
    {2, 8, "bmi2"},
    {2, 9, "erms"},
    {2, 11, "rtm"},
    {2, 16, "avx512f"},
    {2, 17, "avx512dq"},
    {2, 18, "rdseed"},
    {2, 19, "adx"},
    {2, 21, "avx512ifma"},
    {2, 23, "clflushopt"},
    {2, 24, "clwb"},
    {2, 28, "avx512cd"},
    {2, 29, "sha_ni"},
    {2, 30, "avx512bw"},
    {2, 31, "avx512vl"},
    {3, 1, "avx512vbmi"},
    {3, 6, "avx512_vbmi2"},
    {3, 8, "gfni"},
    {3, 9, "vaes"},
    {3, 10, "vpclmulqdq"},
    {3, 11, "avx512_vnni"},
    {3, 12, "avx512_bitalg"},
    {3, 14, "avx512_vpopcntdq"},
    {4, 4, "fsrm"},
    {4, 22, "amx_bf16"},
    {4, 23, "avx512_fp16"},
    {4, 24, "amx_tile"},
    {4, 25, "amx_int8"},
    {5, 4, "avx_vnni"},
    {5, 5, "avx512_bf16"},
    {6, 5, "lzcnt"},
    {6, 6, "sse4a"},
    {6, 11, "xop"},
};

const char *ckpt_cpu_feature_name(unsigned word, unsigned bit, char *buf,
                                  unsigned long size)
{
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].word == word && names[i].bit == bit)
            return names[i].name;
    snprintf(buf, size, "cpuid word %u bit %u", word, bit);
    return buf;
}
