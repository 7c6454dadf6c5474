/* restart.c - see restart.h */
#include "lib/restart/restart.h"

#include "lib/image/image.h"
#include "lib/restart/around.h"
#include "lib/restart/clock.h"
#include "lib/restart/files.h"
#include "lib/restart/kept.h"
#include "lib/restart/lazy.h"
#include "lib/restart/process.h"
#include "lib/restart/stage.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct restart {
    const struct ckpt_restart_options *options;
    struct ckpt_image *image;
    struct ckpt_notes notes;
    struct ckpt_stage stage;
    struct ckpt_files files;
    uint32_t flags;  /* CKPT_REVIVE_* */
    bool foreground; /* of the terminal that controls us */
    struct ckpt_lazy_plan lazy;
    char path[PATH_MAX]; /* of the image, absolute */
    struct ckpt_keep keep;
};

static int check(struct restart *r, struct ckpt_err *err)
{
    /* Everything is checked while it is read, which is before the jump: a pass
     * of its own would read a large image twice. */
    if (r->options->verify == CKPT_VERIFY_NO)
        ckpt_image_trust(r->image);
    if (ckpt_notes_read(r->image, &r->notes, err) < 0)
        return -1;
    const char *program = r->options->program;
    if (program && strcmp(program, r->notes.meta.program) != 0 &&
        strcmp(program, r->notes.meta.started) != 0)
        return ckpt_err_set(err, EINVAL, "it is the image of %s, not of %s",
                            r->notes.meta.program, program);
    bool remote = r->notes.meta.flags & CKPT_META_REMOTE;
    if (remote && r->options->remote_fd < 0)
        return ckpt_err_set(err, EINVAL,
                            "the program's files are at its home: it can only "
                            "be restarted as a job");
    if (!remote && r->options->remote_fd >= 0)
        return ckpt_err_set(err, EINVAL,
                            "the program's files were local: it cannot be "
                            "restarted as a job");
    return ckpt_process_check(&r->notes, err);
}

/* A program that waits for a moment by a clock that has run back hangs. */
static int set_clocks(struct restart *r, const struct ckpt_namespace *clocks,
                      struct ckpt_err *err)
{
    const struct ckpt_restart_options *o = r->options;
    bool new_user = false, in_use = r->notes.meta.flags & CKPT_META_IN_VDSO;
    struct ckpt_err cause;

    if (clocks->flags == 0)
        return 0;
    if (in_use)
        ckpt_err_set(&cause, EBUSY, "a thread was just reading it");
    else if (ckpt_clock_shift(clocks, &new_user, &cause) == 0) {
        r->flags |= new_user ? CKPT_REVIVE_CAPS : 0;
        return 0;
    }
    /* a job has nowhere else to go */
    bool go_on = o->force || o->remote_fd >= 0;
    ckpt_err_set(
        err, ENOTSUP,
        "the clock of this machine, which was started later, is %lld s "
        "behind the program's, and cannot be set forward: %s%s",
        (long long)(clocks->monotonic_ns / 1000000000), cause.text,
        go_on ? "" : " (--force lets it run back)");
    if (go_on && o->notice)
        o->notice(err->text);
    return go_on ? 0 : -1;
}

static int take_place(struct restart *r, struct ckpt_err *err)
{
    const struct ckpt_restart_options *o = r->options;
    struct ckpt_namespace clocks = {0}, none = {0};
    bool in_use = r->notes.meta.flags & CKPT_META_IN_VDSO;

    r->foreground = ckpt_files_in_foreground();
    ckpt_clock_compare(&r->notes.meta, &clocks);
    if (ckpt_ids_enter(&r->notes, o->ids, in_use ? &none : &clocks, &r->flags,
                       o->notice, err) < 0)
        return -1;
    return set_clocks(r, &clocks, err);
}

/* The last steps of preparation: everything the plan refers to must be inside
 * the region, which is all that is left when it is carried out. */
static void fill_plan(struct restart *r, int remote_fd)
{
    struct ckpt_bare_plan *plan = r->stage.plan;
    struct ckpt_revive_args *args = r->stage.args;

    ckpt_process_mm(&r->notes, plan);
    plan->entry_pc = r->notes.meta.entry_pc;
    plan->entry_sp = r->notes.meta.entry_sp;
    plan->entry_fs = r->notes.meta.entry_fs;
    plan->entry_arg = (uint64_t)(uintptr_t)args;
    args->version = CKPT_REVIVE_VERSION;
    args->size = sizeof *args;
    args->hole_start = r->stage.region_start;
    args->hole_end = r->stage.hole_end;
    args->remote_fd = remote_fd;
    args->flags = r->flags;
    args->has_settings = r->options->settings != NULL;
    if (r->options->settings)
        args->settings = *r->options->settings;
}

static int go(struct restart *r, struct ckpt_err *err)
{
    bool remote = r->options->remote_fd >= 0, lazy = r->lazy.table != NULL;

    if (r->notes.kept.number > 0 && ckpt_keep_watch(&r->keep, err) < 0)
        return -1;
    bool paged = r->lazy.pager >= 0;
    int keep = paged  ? r->lazy.pager
               : lazy ? ckpt_image_fd(r->image)
                      : r->options->remote_fd;
    int fd = ckpt_files_commit(&r->files, keep, err);

    if (fd < 0)
        return -1;
    fill_plan(r, remote ? fd : -1);
    r->stage.plan->pager = paged ? fd : -1;
    r->stage.args->lazy_fd = lazy ? fd : -1;
    /* the auxiliary vector is read from here at the very end */
    uint8_t *auxv = (uint8_t *)(r->stage.args + 1);
    memcpy(auxv, r->notes.process.auxv, sizeof r->notes.process.auxv);
    r->stage.plan->mm.auxv = (void *)auxv;
    ckpt_process_commit(&r->notes);
    if (r->foreground)
        ckpt_files_set_terminals(&r->notes);
    long (*run)(void *) = (long (*)(void *))(uintptr_t)r->stage.bare;
    ckpt_call_on_stack(run, r->stage.plan, (void *)r->stage.stack_top);
    abort(); /* bare does not return */
}

/* What is mapped is not read before the program goes on: so check it now, or
 * let the program check it.  What a pager brings is checked before the program
 * sees it; but who wants to know first has all of it read. */
static int plan_lazy(struct restart *r, struct ckpt_err *err)
{
    enum ckpt_verify when = r->options->verify;

    if (when == CKPT_VERIFY_AUTO)
        when = ckpt_image_is_stamped(r->image) ? CKPT_VERIFY_LAZY
                                               : CKPT_VERIFY_FIRST;
    if (ckpt_lazy_decide(&r->lazy, r->image, r->path, &r->notes,
                         when != CKPT_VERIFY_LAZY, err) < 0)
        return -1;
    if (when != CKPT_VERIFY_FIRST)
        return r->lazy.table ? 0
                             : ckpt_lazy_page(&r->lazy, r->image, r->path,
                                              &r->notes, err);
    if (!r->lazy.table)
        return 0;
    if (ckpt_image_verify(r->image, err) < 0)
        return -1;
    ckpt_image_stamp(r->image);
    return 0;
}

static int stage(struct restart *r, struct ckpt_err *err)
{
    const struct ckpt_restart_options *o = r->options;
    struct ckpt_stage_options options = {
        .force = o->force,
        .files = &r->files,
        .lazy = &r->lazy,
        .foreign_vdso = o->foreign_vdso,
    };

    ckpt_lazy_arm(&r->lazy);
    if (ckpt_stage_memory(&r->stage, r->image, &r->notes, &options, err) < 0)
        return -1;
    if (!r->lazy.table && o->verify != CKPT_VERIFY_NO &&
        ckpt_image_is_checked(r->image))
        ckpt_image_stamp(r->image);
    return 0;
}

static int prepare(struct restart *r, struct ckpt_err *err)
{
    const struct ckpt_restart_options *o = r->options;

    if (check(r, err) < 0 ||
        ckpt_kept_put_back(&r->keep, &r->notes, o, err) < 0 ||
        plan_lazy(r, err) < 0 || take_place(r, err) < 0 ||
        ckpt_files_begin(&r->files, &r->notes, err) < 0 || stage(r, err) < 0 ||
        ckpt_files_open(&r->files, o->force, err) < 0)
        return -1;
    if (r->notes.kept.number == 0)
        ckpt_around_tell(r->image, &r->notes, r->path, o->notice);
    return ckpt_process_prepare(&r->notes, err);
}

int ckpt_restart(const char *path, const struct ckpt_restart_options *options,
                 struct ckpt_err *err)
{
    struct restart r = {.options = options,
                        .keep = {.lock = -1, .sock = -1},
                        .lazy = {.pager = -1}};

    if (!realpath(path, r.path))
        return ckpt_err_sys(err, "%s", path);
    r.image = ckpt_image_open(path, err);
    if (!r.image)
        return -1;
    int rc = prepare(&r, err);
    if (rc == 0) {
        fflush(NULL);
        rc = go(&r, err);
    }
    int saved = errno;
    ckpt_keep_close(&r.keep);
    free(r.files.opened);
    free(r.files.spare);
    ckpt_lazy_free(&r.lazy);
    ckpt_notes_clear(&r.notes);
    ckpt_image_close(r.image);
    errno = saved;
    return ckpt_err_prefix(err, "%s", path);
}
