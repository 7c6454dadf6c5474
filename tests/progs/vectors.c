/* vectors.c - vector and x87 registers are in use when the checkpoint comes */
#include "tests/progs/prog.h"

#include <fenv.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

typedef uint64_t wide __attribute__((vector_size(64)));

/* Keep values in registers alone while time passes. */
__attribute__((target("avx512f"))) static int hold_zmm(volatile long *spin)
{
    uint64_t in[8], out[8];

    for (int i = 0; i < 8; i++)
        in[i] = 0x0123456789abcdefull * (uint64_t)(i + 1);
    __asm__ volatile("vmovdqu64 %1, %%zmm5\n\t"
                     "vmovdqu64 %1, %%zmm29\n\t"
                     "kxnorw %%k3, %%k3, %%k3\n"
                     "1:\tdecq %2\n\t"
                     "jnz 1b\n\t"
                     "vpxorq %%zmm5, %%zmm29, %%zmm6\n\t"
                     "vmovdqu64 %%zmm29, %0\n\t"
                     : "=m"(out), "+m"(in), "+m"(*spin)
                     :
                     : "memory");
    return memcmp(in, out, sizeof in) == 0;
}

__attribute__((target("avx2"))) static int hold_ymm(volatile long *spin)
{
    uint64_t in[4] = {1, 2, 3, 4}, out[4];

    __asm__ volatile("vmovdqu %1, %%ymm7\n"
                     "1:\tdecq %2\n\t"
                     "jnz 1b\n\t"
                     "vmovdqu %%ymm7, %0\n\t"
                     : "=m"(out), "+m"(in), "+m"(*spin)
                     :
                     : "memory");
    return memcmp(in, out, sizeof in) == 0;
}

int main(void)
{
    volatile double third = 1.0;

    fesetround(FE_UPWARD);
    third /= 3.0;
    prog_ready();
    do { /* several hundred milliseconds inside one asm statement at a time */
        volatile long spin = 200000000;
        if (__builtin_cpu_supports("avx512f"))
            prog_check(hold_zmm(&spin));
        else if (__builtin_cpu_supports("avx2"))
            prog_check(hold_ymm(&spin));
    } while (!prog_may_go());
    prog_check(fegetround() == FE_UPWARD);
    volatile double again = 1.0;
    again /= 3.0;
    prog_check(again == third);
    return prog_end();
}
