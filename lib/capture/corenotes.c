/* corenotes.c - see corenotes.h */
#include "lib/capture/corenotes.h"

int ckpt_core_notes(struct ckpt_arena *arena, struct ckpt_note *notes,
                    size_t *count, const struct ckpt_process *process,
                    const struct ckpt_memory *memory,
                    const struct ckpt_thread *threads, struct ckpt_err *err)
{
    (void)arena, (void)notes, (void)count, (void)process, (void)memory;
    (void)threads, (void)err;
    return 0;
}
