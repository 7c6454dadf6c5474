/* x86_64_cpu.h - which features the processor and the kernel offer
 *
 * The words are laid out for comparison as bit sets: an image may be restarted
 * where every bit that it has is there too.
 */
#ifndef CKPT_ARCH_X86_64_CPU_H
#define CKPT_ARCH_X86_64_CPU_H

#include <stdbool.h>
#include <stdint.h>

enum { CKPT_CPU_FEATURE_WORDS = 8 };

/* words: leaf 1 ECX, EDX; leaf 7.0 EBX, ECX, EDX; leaf 7.1 EAX; leaf
 * 0x80000001 ECX, EDX.  Bits that say nothing about instructions (processor
 * numbers, hypervisor, OS state) are cleared.  Async-signal-safe. */
void ckpt_cpu_features(uint32_t words[CKPT_CPU_FEATURE_WORDS], uint64_t *xcr0);

/* AVX2 may be used: the processor has it and the kernel saves its registers.
 * Async-signal-safe. */
bool ckpt_cpu_has_avx2(void);

/* Name of a feature bit ("avx512f"), or "cpuid word W bit B" in `buf`. */
const char *ckpt_cpu_feature_name(unsigned word, unsigned bit, char *buf,
                                  unsigned long size);

#endif
