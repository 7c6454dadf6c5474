/* capture.c - see capture.h */
#include "lib/capture/gathered.h"

#include "lib/capture/child.h"
#include "lib/capture/mounted.h"
#include "lib/capture/state.h"
#include "lib/capture/stop.h"
#include "lib/common/sys.h"
#include "lib/remote/remote.h"

#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <ucontext.h>

enum { VDSO_TRIES = 200 };

static struct ckpt_capture_state *const s = &ckpt_capture_state;

const char *ckpt_capture_image_path(void)
{
    if (s->request.path[0])
        return s->request.path;
    return ckpt_remote_active() ? "home" : s->settings.image;
}

/* --- the vdso ------------------------------------------------------------ */

/* Code of the kernel's vdso cannot go on under another kernel, so a moment is
 * chosen when no thread is in it.  A program that is there nearly always can
 * still be restarted under the same kernel. */
bool ckpt_capture_in_vdso(const void *ucontext)
{
    const ucontext_t *uc = ucontext;
    uint64_t pc = (uint64_t)uc->uc_mcontext.gregs[REG_RIP];

    return pc >= s->vdso.start && pc < s->vdso.end;
}

bool ckpt_capture_any_in_vdso(void)
{
    size_t count;

    for (struct ckpt_thread *t = ckpt_stop_threads(&count); t; t = t->next)
        if (ckpt_capture_in_vdso(t->ucontext))
            return true;
    return false;
}

static int stop_outside_vdso(struct ckpt_err *err)
{
    struct timespec pause = {0, 200000};

    for (int tries = 0; tries < VDSO_TRIES; tries++) {
        if (ckpt_stop_all(s->settings.signal, s->captor, err) < 0)
            return -1;
        if (!ckpt_capture_any_in_vdso())
            return 0;
        ckpt_stop_release();
        ckpt_sys(SYS_nanosleep, &pause, NULL);
    }
    return ckpt_stop_all(s->settings.signal, s->captor, err);
}

/* --- the steps ---------------------------------------------------------- */

/* The instant of the checkpoint: what changes from now on is of the next. */
static int begin_increment(struct capture *c, struct ckpt_err *err)
{
    struct ckpt_increment_plan plan = {
        .path = ckpt_capture_image_path(),
        .meta = &c->meta,
        .in_child = ckpt_capture_may_fork(c),
    };

    if (ckpt_increment_begin(&c->increment, &c->memory, &plan, &c->arena, err) <
        0)
        return -1;
    if (c->increment.on)
        c->rules.since = &c->increment.since;
    return 0;
}

/* What is changed from now on, a restart from this image undoes. */
static int begin_state(struct capture *c, struct ckpt_err *err)
{
    strcpy(c->kept.dir, s->kept_dir);
    if (ckpt_kept_begin(c->meta.id, &c->kept.number, err) == 0)
        return 0;
    ckpt_capture_log("checkpoint refused: %s", err->text);
    return -1;
}

/* Not even a process itself can read all of its /proc unless it is dumpable. */
static void be_readable(void)
{
    ckpt_process_attributes_look(&s->attributes);
    if (s->attributes.dumpable != 1)
        ckpt_sys(SYS_prctl, PR_SET_DUMPABLE, 1);
}

static int capture_into(struct capture *c, struct ckpt_err *err)
{
    be_readable();
    int rc = ckpt_capture_gather(c, err);
    if (rc < 0)
        ckpt_capture_log("checkpoint refused: %s", err->text);
    else if (s->request.mode != CKPT_REQUEST_CHECK)
        rc = begin_state(c, err);
    else if (!ckpt_remote_active())
        rc = ckpt_settings_place(ckpt_capture_image_path(), err);
    if (rc == 0 && s->request.mode != CKPT_REQUEST_CHECK)
        rc = begin_increment(c, err);
    if (rc == 0 && s->request.mode != CKPT_REQUEST_CHECK)
        rc = ckpt_capture_may_fork(c) ? ckpt_capture_save_in_child(c, err)
                                      : ckpt_capture_save_here(c, err);
    ckpt_increment_end(&c->increment);
    ckpt_process_attributes_set(&s->attributes);
    return rc;
}

static int capture_stopped(struct ckpt_err *err)
{
    struct capture c;

    if (atomic_load(&s->disabled) > 0)
        return ckpt_err_set(err, EAGAIN, "inside a critical section");
    for (size_t i = 0; i < s->non_checkpoint; i++)
        s->on_checkpoint[i].fn(s->on_checkpoint[i].arg);
    if ((ckpt_remote_active() && ckpt_remote_quiesce(err) < 0) ||
        (ckpt_mounted() && ckpt_mounted_refuse(err) < 0)) {
        ckpt_capture_log("checkpoint refused: %s", err->text);
        return -1;
    }
    memset(&c, 0, sizeof c);
    ckpt_advice_pause(&s->advice);
    int rc = ckpt_arena_map(&c.arena, CKPT_ARENA_BYTES, err);
    if (rc == 0) {
        rc = capture_into(&c, err);
        ckpt_arena_unmap(&c.arena);
    } else {
        ckpt_capture_log("checkpoint refused: %s", err->text);
    }
    ckpt_advice_resume(&s->advice);
    return rc;
}

/* ckpt_checkpoint() returns when the image is durable. */
static int await_durable(struct ckpt_err *err)
{
    if (s->request.mode != CKPT_REQUEST_SELF || ckpt_child_durable())
        return 0;
    return ckpt_err_set(err, EIO, "could not be written");
}

/* Runs on libckpt's stack, in the captor. */
long ckpt_capture_run(void *unused)
{
    struct ckpt_err *err = &s->err;

    (void)unused;
    err->text[0] = '\0';
    s->waits_for_lock = false;
    /* never two at once; a program that is to end leaves the writer in flight
     * all processors, another goes on meanwhile */
    bool ends = s->request.mode == CKPT_REQUEST_EXIT;
    if (!ends)
        ckpt_child_end();
    ckpt_rhythm_pause();
    if (stop_outside_vdso(err) < 0) {
        ckpt_rhythm_release();
        return -1;
    }
    ckpt_child_end();
    int rc = capture_stopped(err);
    if (rc == 0 && ends) {
        ckpt_request_answer(&s->request, ckpt_capture_image_path(), NULL);
        ckpt_sys(SYS_exit_group, CKPT_EXIT_CODE);
    }
    if (s->request.mode != CKPT_REQUEST_CHECK)
        ckpt_rhythm_release();
    ckpt_stop_release();
    return rc < 0 ? rc : await_durable(err);
}
