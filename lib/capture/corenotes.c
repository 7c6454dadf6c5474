/* corenotes.c - see corenotes.h */
#include "lib/capture/corenotes.h"

#include "lib/image/corenotes.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/user.h>

struct builder {
    struct ckpt_arena *arena;
    struct ckpt_note *notes;
    size_t *count;
    const struct ckpt_process *process;
    int32_t ids[3];
    struct ckpt_err *err;
};

static void add(struct builder *b, const char *name, uint32_t type,
                const void *data, size_t len)
{
    b->notes[(*b->count)++] = (struct ckpt_note){name, type, data, len};
}

static void *alloc(struct builder *b, size_t len)
{
    void *buf = ckpt_arena_alloc(b->arena, len);

    if (!buf)
        ckpt_err_set(b->err, ENOMEM, "no memory for a debugger's notes");
    return buf;
}

static int add_xstate(struct builder *b, const void *fpregs)
{
    size_t len = ckpt_core_xstate_len(fpregs);
    void *buf;

    if (len == 0)
        return 0;
    if (!(buf = alloc(b, len)))
        return -1;
    ckpt_core_xstate(fpregs, buf);
    add(b, "LINUX", NT_X86_XSTATE, buf, len);
    return 0;
}

static int add_thread(struct builder *b, const struct ckpt_thread *t)
{
    const ucontext_t *uc = t->ucontext;
    struct elf_prstatus *status = alloc(b, sizeof *status);

    if (!status)
        return -1;
    ckpt_core_prstatus(status, t->tid, b->ids, uc, t->fs_base, t->gs_base);
    add(b, "CORE", NT_PRSTATUS, status, sizeof *status);
    if (!uc->uc_mcontext.fpregs)
        return 0;
    add(b, "CORE", NT_FPREGSET, uc->uc_mcontext.fpregs,
        sizeof(struct user_fpregs_struct));
    return add_xstate(b, uc->uc_mcontext.fpregs);
}

/* Debuggers take the first thread for the one to show: the main thread. */
static int add_threads(struct builder *b, const struct ckpt_thread *threads,
                       bool main)
{
    for (const struct ckpt_thread *t = threads; t; t = t->next)
        if ((t->tid == b->process->pid) == main && add_thread(b, t))
            return -1;
    return 0;
}

static const char *comm_of(const struct ckpt_thread *threads, int32_t pid)
{
    for (const struct ckpt_thread *t = threads; t; t = t->next)
        if (t->tid == pid)
            return t->comm;
    return "";
}

static int add_process(struct builder *b, const struct ckpt_thread *threads)
{
    const struct ckpt_process *p = b->process;
    struct elf_prpsinfo *info = alloc(b, sizeof *info);

    if (!info)
        return -1;
    ckpt_core_prpsinfo(
        info, p->pid, b->ids, p->uid, p->gid, comm_of(threads, p->pid),
        (const char *)(uintptr_t)p->arg_start, p->arg_end - p->arg_start);
    add(b, "CORE", NT_PRPSINFO, info, sizeof *info);
    if (p->auxv_len > 0)
        add(b, "CORE", NT_AUXV, p->auxv, p->auxv_len);
    return 0;
}

static int add_files(struct builder *b, const struct ckpt_memory *memory)
{
    struct ckpt_core_mapping *maps = alloc(b, memory->nmaps * sizeof *maps);
    size_t n = 0;

    if (!maps)
        return -1;
    for (size_t i = 0; i < memory->nmaps; i++) {
        const struct ckpt_map *m = &memory->maps[i];
        if (m->path[0] == '/')
            maps[n++] = (struct ckpt_core_mapping){m->start, m->end, m->offset,
                                                   m->path};
    }
    size_t len = ckpt_core_file_len(maps, n);
    void *buf = alloc(b, len);
    if (!buf)
        return -1;
    ckpt_core_file(maps, n, buf);
    add(b, "CORE", NT_FILE, buf, len);
    return 0;
}

int ckpt_core_notes(struct ckpt_arena *arena, struct ckpt_note *notes,
                    size_t *count, const struct ckpt_process *process,
                    const struct ckpt_memory *memory,
                    const struct ckpt_thread *threads, struct ckpt_err *err)
{
    struct builder b = {
        .arena = arena,
        .notes = notes,
        .count = count,
        .process = process,
        .ids = {process->ppid, process->pgid, process->sid},
        .err = err,
    };

    if (add_process(&b, threads) || add_threads(&b, threads, true) ||
        add_threads(&b, threads, false))
        return -1;
    return add_files(&b, memory);
}
