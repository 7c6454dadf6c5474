/* processor.c - see processor.h */
#include "lib/capture/processor.h"

#include "lib/common/sys.h"

#include <cpuid.h>
#include <sys/mman.h>

enum {
    KEYS = 15,                 /* besides the one that all memory has */
    SHADOW_STACK_ASK = 0x5005, /* ARCH_SHSTK_STATUS, Linux 6.6 */
    LEAF_FEATURES = 7,
    HAS_KEYS = 1 << 4, /* of its ECX: OSPKE */
};

static bool machine_has_keys(void)
{
    unsigned a, b, c, d;

    return __get_cpuid_count(LEAF_FEATURES, 0, &a, &b, &c, &d) &&
           (c & HAS_KEYS);
}

/* The kernel does not list them: what can still be had is not taken. */
static int keys_in_use(void)
{
    long keys[KEYS];
    int n = 0;

    while (n < KEYS && (keys[n] = ckpt_sys(SYS_pkey_alloc, 0, 0)) >= 0)
        n++;
    for (int i = 0; i < n; i++)
        ckpt_sys(SYS_pkey_free, keys[i]);
    return KEYS - n;
}

/* The kernel takes one itself for memory that can only be executed. */
static int keys_of_the_kernel(const struct ckpt_memory *memory)
{
    for (size_t i = 0; i < memory->nmaps; i++)
        if (memory->maps[i].prot == PROT_EXEC)
            return 1;
    return 0;
}

int ckpt_processor_refuse(const struct ckpt_memory *memory,
                          struct ckpt_err *err)
{
    uint64_t features = 0;

    if (ckpt_sys(SYS_arch_prctl, SHADOW_STACK_ASK, &features) == 0 && features)
        return ckpt_err_set(err, EBUSY, "it runs with a shadow stack (CET)");
    if (machine_has_keys() && keys_in_use() > keys_of_the_kernel(memory))
        return ckpt_err_set(err, EBUSY,
                            "it has memory protection keys (pkey_alloc)");
    return 0;
}
