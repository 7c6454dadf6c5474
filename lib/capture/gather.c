/* gather.c - see gathered.h: what is quick to look at, and can be refused */
#include "lib/capture/gathered.h"

#include "lib/capture/filters.h"
#include "lib/capture/mounted.h"
#include "lib/capture/processor.h"
#include "lib/capture/revive.h"
#include "lib/capture/state.h"
#include "lib/capture/stop.h"
#include "lib/common/sys.h"
#include "lib/files/around.h"
#include "lib/remote/remote.h"
#include "lib/wrap/wrap.h"

#include <fcntl.h>
#include <string.h>

static struct ckpt_capture_state *const s = &ckpt_capture_state;

static int look_threads(struct capture *c, struct ckpt_err *err)
{
    size_t i = 0;
    struct ckpt_thread *t = ckpt_stop_threads(&c->nthreads);

    c->threads = ckpt_arena_alloc(&c->arena, c->nthreads * sizeof *c->threads);
    if (!c->threads)
        return ckpt_err_sys(err, "table of %zu threads", c->nthreads);
    for (; t && i < c->nthreads; t = t->next, i++) {
        ckpt_thread_note(t, &c->threads[i]);
        ckpt_thread_keep_scheduling(t, &c->threads[i], s->affinity);
    }
    return 0;
}

static int list_memory(struct capture *c, struct ckpt_err *err)
{
    c->omit[0] = (struct ckpt_range){(uint64_t)(uintptr_t)c->arena.base,
                                     (uint64_t)(uintptr_t)c->arena.end};
    c->omit[1] = s->marker;
    ckpt_increment_omit(c->omit + 2);
    c->rules = (struct ckpt_memory_rules){
        .omit = c->omit,
        .nomit = 2 + CKPT_INCREMENT_OMIT,
        .zero = s->unsaved,
        .nzero = s->nunsaved,
        .exclude = s->exclude,
        .nexclude = s->nexclude,
        .files = c->files.files,
        .nfiles = c->files.nfiles,
    };
    return ckpt_memory_list(&c->memory, &c->arena, &c->rules, err);
}

/* Looked up once: after a restart, /proc would name ckpt. */
const char *ckpt_capture_program(void)
{
    if (s->program[0] == '\0') {
        long n = ckpt_sys(SYS_readlinkat, AT_FDCWD, "/proc/thread-self/exe",
                          s->program, sizeof s->program - 1);
        s->program[n > 0 ? n : 0] = '\0';
    }
    return s->program;
}

static bool knows_ids(void)
{
    size_t count;

    if (atomic_load(&s->knows_ids))
        return true;
    for (struct ckpt_thread *t = ckpt_stop_threads(&count); t; t = t->next)
        if (ckpt_thread_holds_robust(t))
            return true;
    return false;
}

static void look_meta(struct capture *c)
{
    ckpt_meta_look(&c->meta);
    strcpy(c->meta.program, ckpt_capture_program());
    strcpy(c->meta.started, s->started);
    s->captured_ns = c->meta.monotonic_ns;
    c->meta.entry_pc = (uint64_t)(uintptr_t)ckpt_revive_entry;
    c->meta.entry_sp = (uint64_t)(uintptr_t)(s->stack + CKPT_STACK_SIZE);
    c->meta.entry_fs = s->captor->fs_base;
    c->meta.flags = CKPT_META_LAZY | CKPT_META_PAGED |
                    (ckpt_remote_active() ? CKPT_META_REMOTE : 0u) |
                    (ckpt_capture_any_in_vdso() ? CKPT_META_IN_VDSO : 0u) |
                    (knows_ids() ? CKPT_META_KNOWS_IDS : 0u);
}

static bool skip_descriptor(int fd)
{
    return fd == s->request.reply_fd || ckpt_remote_owns_fd(fd) ||
           ckpt_increment_owns_fd(fd);
}

/* Where files are only tracked: so that a restart can tell what changed. */
static void look_around(struct capture *c)
{
    const char *const skip[] = {s->settings.image, s->request.path,
                                s->settings.log, NULL};

    /* a program that ends now changes nothing afterwards */
    if (s->kept_dir[0] == '\0' && !ckpt_remote_active() && !ckpt_mounted() &&
        s->request.mode != CKPT_REQUEST_EXIT)
        ckpt_files_around(&c->files, c->process.cwd, skip, &c->arena,
                          &c->around);
}

/* Everything that is quick, and everything that can be refused. */
int ckpt_capture_gather(struct capture *c, struct ckpt_err *err)
{
    look_meta(c);
    ckpt_files_inherited_prune(&s->inherited);
    if (ckpt_wrap_sysv(err) < 0 || ckpt_pending_look(err) < 0 ||
        ckpt_filters_refuse(ckpt_stop_threads(&(size_t){0}), s->filters, err) <
            0 ||
        ckpt_process_look(&c->process, s->settings.signal, err) < 0 ||
        ckpt_timers_look(&s->timers, &c->arena, err) < 0 ||
        ckpt_files_look(&c->files, &c->arena, &s->inherited, skip_descriptor,
                        err) < 0 ||
        look_threads(c, err) < 0)
        return -1;
    look_around(c);
    c->memory_short = ckpt_release_hopeless();
    if (list_memory(c, err) < 0 ||
        ckpt_policies_look(&s->policies, &c->memory, err) < 0 ||
        ckpt_guards_look(&s->guards, &c->memory, s->settings.incremental, err) <
            0 ||
        ckpt_seals_look(&s->seals, &c->memory, err) < 0 ||
        ckpt_huge_look(&s->huge, &c->memory, &c->arena, err) < 0 ||
        ckpt_processor_refuse(&c->memory, err) < 0)
        return -1;
    c->rules.guards = s->guards.list;
    c->rules.nguards = s->guards.count;
    /* what is found is kept in memory that an increment might leave out */
    return ckpt_advice_look(&s->advice, &c->memory, !s->settings.incremental,
                            &c->arena, err);
}
