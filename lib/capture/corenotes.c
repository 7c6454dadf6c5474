/* corenotes.c - see corenotes.h
 *
 * The order is the kernel's: for each thread PRSTATUS and then what belongs to
 * it, the process's own notes after the first thread's PRSTATUS.
 */
#include "lib/capture/corenotes.h"

#include "lib/image/corenotes.h"

#include <elf.h>
#include <string.h>

struct maker {
    struct ckpt_arena *arena;
    struct ckpt_note *notes;
    size_t *count;
    struct ckpt_err *err;
};

/* Room for one more note's contents; NULL when the arena is full. */
static void *add(struct maker *m, const char *owner, uint32_t type, size_t len)
{
    void *data = ckpt_arena_alloc(m->arena, len);

    if (!data) {
        ckpt_err_sys(m->err, "notes");
        return NULL;
    }
    m->notes[(*m->count)++] = (struct ckpt_note){owner, type, data, len};
    return data;
}

static int add_process(struct maker *m, const struct ckpt_process *p,
                       const int32_t ids[3], const char *comm)
{
    struct elf_prpsinfo *info =
        add(m, "CORE", NT_PRPSINFO, sizeof(struct elf_prpsinfo));

    if (!info)
        return -1;
    ckpt_core_prpsinfo(info, p->pid, ids, p->uid, p->gid, comm,
                       (const char *)(uintptr_t)p->arg_start,
                       p->arg_end - p->arg_start);
    void *auxv = add(m, "CORE", NT_AUXV, p->auxv_len);
    if (!auxv)
        return -1;
    memcpy(auxv, p->auxv, p->auxv_len);
    return 0;
}

static int add_files(struct maker *m, const struct ckpt_memory *memory)
{
    struct ckpt_core_mapping *maps =
        ckpt_arena_alloc(m->arena, (memory->nmaps + 1) * sizeof *maps);
    size_t n = 0;

    if (!maps)
        return ckpt_err_sys(m->err, "notes");
    for (size_t i = 0; i < memory->nmaps; i++) {
        const struct ckpt_map *map = &memory->maps[i];
        if (map->path[0] == '/')
            maps[n++] = (struct ckpt_core_mapping){map->start, map->end,
                                                   map->offset, map->path};
    }
    void *file = add(m, "CORE", NT_FILE, ckpt_core_file_len(maps, n));
    if (!file)
        return -1;
    ckpt_core_file(maps, n, file);
    return 0;
}

static int add_thread(struct maker *m, const struct ckpt_thread *t,
                      const int32_t ids[3])
{
    const ucontext_t *uc = t->ucontext;
    struct elf_prstatus *status =
        add(m, "CORE", NT_PRSTATUS, sizeof(struct elf_prstatus));

    if (!status)
        return -1;
    ckpt_core_prstatus(status, t->tid, ids, uc, t->fs_base, t->gs_base);
    void *fp = add(m, "CORE", NT_FPREGSET, sizeof(struct user_fpregs_struct));
    if (!fp)
        return -1;
    memcpy(fp, uc->uc_mcontext.fpregs, sizeof(struct user_fpregs_struct));
    size_t len = ckpt_core_xstate_len(uc->uc_mcontext.fpregs);
    if (len > 0) {
        void *xstate = add(m, "LINUX", NT_X86_XSTATE, len);
        if (!xstate)
            return -1;
        ckpt_core_xstate(uc->uc_mcontext.fpregs, xstate);
    }
    return 0;
}

/* Debuggers take the first thread for the current one. */
static const struct ckpt_thread *leader_of(const struct ckpt_thread *threads,
                                           int32_t pid)
{
    for (const struct ckpt_thread *t = threads; t; t = t->next)
        if (t->tid == pid)
            return t;
    return threads;
}

int ckpt_core_notes(struct ckpt_arena *arena, struct ckpt_note *notes,
                    size_t *count, const struct ckpt_process *process,
                    const struct ckpt_memory *memory,
                    const struct ckpt_thread *threads, struct ckpt_err *err)
{
    struct maker m = {arena, notes, count, err};
    const struct ckpt_thread *leader = leader_of(threads, process->pid);
    const int32_t ids[3] = {process->ppid, process->pgid, process->sid};

    if (add_thread(&m, leader, ids) < 0 ||
        add_process(&m, process, ids, leader->comm) < 0 ||
        add_files(&m, memory) < 0)
        return -1;
    for (const struct ckpt_thread *t = threads; t; t = t->next)
        if (t != leader && add_thread(&m, t, ids) < 0)
            return -1;
    return 0;
}
