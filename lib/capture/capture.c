/* capture.c - see capture.h */
#include "lib/capture/gathered.h"

#include "lib/capture/child.h"
#include "lib/capture/filters.h"
#include "lib/capture/merger.h"
#include "lib/capture/processor.h"
#include "lib/capture/revive.h"
#include "lib/capture/state.h"
#include "lib/capture/stop.h"
#include "lib/capture/unstable.h"
#include "lib/common/io.h"
#include "lib/common/sys.h"
#include "lib/files/around.h"
#include "lib/image/workers.h"
#include "lib/remote/remote.h"
#include "lib/wrap/wrap.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <ucontext.h>

enum { ARENA_BYTES = 128 << 20, VDSO_TRIES = 200, STACK_SCAN = 8 << 20 };

static struct ckpt_capture_state *const s = &ckpt_capture_state;

void ckpt_capture_log(const char *fmt, ...)
{
    char line[1024];
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(line, sizeof line - 1, fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    size_t len = (size_t)n < sizeof line - 1 ? (size_t)n : sizeof line - 2;
    line[len] = '\0';
    if (ckpt_remote_active())
        ckpt_remote_log(line);
    if (s->settings.log[0] == '\0')
        return;
    line[len++] = '\n';
    long fd = ckpt_sys(SYS_openat, AT_FDCWD, s->settings.log,
                       O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    ckpt_write_full((int)fd, line, len);
    ckpt_sys(SYS_close, fd);
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

static bool any_in_vdso(void)
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
        if (!any_in_vdso())
            return 0;
        ckpt_stop_release();
        ckpt_sys(SYS_nanosleep, &pause, NULL);
    }
    return ckpt_stop_all(s->settings.signal, s->captor, err);
}

/* --- looking ------------------------------------------------------------ */

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

/* The dynamic linker is at work for the first thread (dlopen), so that it may
 * hold its lock, which knows its owner by the id.  Words that are no return
 * addresses do no harm. */
static bool in_loader(const struct ckpt_thread *t)
{
    const ucontext_t *uc = t->ucontext;
    uint64_t sp = (uint64_t)uc->uc_mcontext.gregs[REG_RSP];

    if (sp > s->stack_top || s->stack_top - sp > STACK_SCAN)
        return false;
    for (const uint64_t *at = (const uint64_t *)(sp & ~7ull);
         (uint64_t)(uintptr_t)at < s->stack_top - 8; at++)
        if (*at >= s->loader.start && *at < s->loader.end)
            return true;
    return false;
}

static bool knows_ids(void)
{
    size_t count;

    if (atomic_load(&s->knows_ids))
        return true;
    for (struct ckpt_thread *t = ckpt_stop_threads(&count); t; t = t->next)
        if (ckpt_thread_holds_robust(t) || in_loader(t))
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
                    (any_in_vdso() ? CKPT_META_IN_VDSO : 0u) |
                    (knows_ids() ? CKPT_META_KNOWS_IDS : 0u);
}

/* --- writing ------------------------------------------------------------ */

const char *ckpt_capture_image_path(void)
{
    if (s->request.path[0])
        return s->request.path;
    return ckpt_remote_active() ? "home" : s->settings.image;
}

/* In the writing child: when the program was killed meanwhile it may have been
 * started again, and have written a newer image; then this one is unwanted. */
static int commit_unless_orphaned(struct ckpt_sink *sink, struct ckpt_err *err)
{
    struct capture *c =
        (struct capture *)((char *)sink - offsetof(struct capture, file_sink));

    if ((int32_t)ckpt_sys(SYS_getppid) != s->pid) {
        sink->abort(sink);
        return ckpt_err_set(err, ECANCELED, "the program has ended");
    }
    return c->commit_file(sink, err);
}

static int open_sink(struct capture *c, struct ckpt_sink **sink,
                     struct ckpt_err *err)
{
    if (ckpt_remote_active() && s->request.path[0] == '\0') {
        *sink = ckpt_remote_sink();
        return 0;
    }
    *sink = &c->file_sink.sink;
    if (ckpt_file_sink_open(&c->file_sink, ckpt_capture_image_path(),
                            s->settings.keep, err) < 0)
        return -1;
    if (c->increment.on)
        c->file_sink.member = c->increment.member;
    c->file_sink.ends = c->in_child;
    c->commit_file = (*sink)->commit;
    if (c->in_child)
        (*sink)->commit = commit_unless_orphaned;
    return 0;
}

/* The working memory is mapped after the maps were read, so it is not among
 * them. */
static int write_image(struct capture *c, struct ckpt_err *err)
{
    struct ckpt_image_options options = {
        .codec = (enum ckpt_codec)s->settings.codec,
        .threads =
            s->settings.threads ? s->settings.threads : ckpt_workers_cpus(),
    };
    uint64_t bytes = c->memory.saved_bytes + c->memory.nsegments * 56;
    struct ckpt_arena work;
    struct ckpt_sink *sink;

    if (ckpt_unstable_list(&c->arena, s->captor,
                           c->in_child ? NULL : ckpt_stop_threads(&(size_t){0}),
                           &options, err) < 0)
        return -1;
    if (c->in_child) {
        ckpt_release_begin(&c->release, &c->memory, s->captor);
        options.written = ckpt_release_written;
        options.arg = &c->release;
    }
    for (size_t i = 0; i < c->nnotes; i++)
        bytes += c->notes[i].len + 64;
    size_t len = ckpt_image_workspace(&options, bytes);
    if (ckpt_arena_map(&work, len, err) < 0)
        return -1;
    int rc = open_sink(c, &sink, err);
    if (rc == 0)
        rc = ckpt_image_write(sink, &options, c->memory.segments,
                              c->memory.nsegments, c->notes, c->nnotes,
                              work.base, len, &c->image_bytes, err);
    if (c->in_child)
        ckpt_release_end(&c->release);
    ckpt_arena_unmap(&work);
    return rc;
}

/* --- the steps ---------------------------------------------------------- */

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
    if (s->kept_dir[0] == '\0' && !ckpt_remote_active() &&
        s->request.mode != CKPT_REQUEST_EXIT)
        ckpt_files_around(&c->files, c->process.cwd, skip, &c->arena,
                          &c->around);
}

/* Everything that is quick, and everything that can be refused. */
static int look(struct capture *c, struct ckpt_err *err)
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

static uint64_t now_ns(void)
{
    struct timespec ts = {0, 0};

    ckpt_sys(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* One line about an image that is durable. */
static void log_saved(const struct capture *c)
{
    const char *way =
        c->commit_file ? ckpt_stream_way(&c->file_sink.stream) : "";
    uint64_t took = now_ns() - c->meta.monotonic_ns;
    struct timespec cpu = {0, 0};
    char copied[128] = "";

    ckpt_sys(SYS_clock_gettime, CLOCK_PROCESS_CPUTIME_ID, &cpu);
    if (c->in_child)
        snprintf(
            copied, sizeof copied,
            ", %lld ms of processor time, %llu MB copied meanwhile",
            (long long)cpu.tv_sec * 1000 + cpu.tv_nsec / 1000000,
            (unsigned long long)(c->release.copied * CKPT_PAGE_SIZE / 1000000));
    ckpt_capture_log(
        "%s of %llu bytes, %zu threads, in %s: %llu ms, stopped "
        "for %llu ms%s%s%s%s",
        c->increment.since.increment ? "increment" : "checkpoint",
        (unsigned long long)c->image_bytes, c->nthreads,
        ckpt_capture_image_path(), (unsigned long long)took / 1000000,
        (unsigned long long)(c->in_child ? c->stopped_ns : took) / 1000000,
        copied, c->memory_short ? ", memory is short" : "", *way ? ", " : "",
        way);
}

/* Everything that takes time in proportion to the memory. */
static int save(struct capture *c, struct ckpt_err *err)
{
    int rc = -1;

    if (ckpt_advice_look_late(&s->advice, &c->arena, err) == 0 &&
        ckpt_memory_look(&c->memory, &c->arena, &c->rules, err) == 0 &&
        ckpt_capture_make_notes(c, err) == 0)
        rc = write_image(c, err);
    ckpt_capture_drop_contents(c);
    ckpt_memory_restore_protection(&c->memory);
    if (rc == 0) /* another place than usual: not one of the row */
        ckpt_kept_commit(s->request.path[0] ? 0 : s->settings.keep);
    if (rc < 0)
        ckpt_capture_log("checkpoint failed: %s", err->text);
    else
        log_saved(c);
    return rc;
}

/* Whether a child may write the image from its copy of the memory while the
 * program goes on.  Not when it is to end anyway, when memory or the contents
 * of open files are shared with the child, when the image goes through the
 * program's own session, or when memory is short, as reserved huge pages always
 * are: copies of them are taken from the child. */
static bool may_fork(const struct capture *c)
{
    return s->request.mode != CKPT_REQUEST_EXIT && !ckpt_remote_active() &&
           !ckpt_memory_is_shared(&c->memory) && c->files.ncontents == 0 &&
           !s->advice.unlike_in_child && s->huge.count == 0 && !c->memory_short;
}

/* A copy of a descriptor would keep a pipe from ending, or a file locked,
 * when the program closes its own. */
static void drop_descriptors(void)
{
    unsigned keep = (unsigned)s->request.reply_fd;

    if (s->request.reply_fd >= 0) {
        if (keep > 0)
            ckpt_sys(SYS_close_range, 0, keep - 1, 0);
        ckpt_sys(SYS_close_range, keep + 1, ~0u, 0);
    } else {
        ckpt_sys(SYS_close_range, 0, ~0u, 0);
    }
}

static int save_here(struct capture *c, struct ckpt_err *err)
{
    int rc = save(c, err);

    ckpt_increment_done(rc == 0);
    return rc;
}

/* Write in a child; 0 when it is on its way. */
static int save_in_child(struct capture *c, struct ckpt_err *err)
{
    const struct ckpt_thread *threads = ckpt_stop_threads(&(size_t){0});
    bool waits = s->request.mode == CKPT_REQUEST_SELF;
    struct ckpt_child_page *page =
        waits || c->increment.merge ? ckpt_child_page() : NULL;

    ckpt_increment_hide(&c->increment, threads);
    long pid = ckpt_sys(SYS_clone, 0, NULL, NULL, NULL, 0);

    if (pid != 0) {
        ckpt_increment_unhide(&c->increment, threads);
        ckpt_child_made(pid, page);
    }
    if (pid < 0)
        return save_here(c, err); /* no room for a child: the slow way */
    if (pid == 0) {
        ckpt_sys(SYS_prctl, PR_SET_NAME, CKPT_WRITER_NAME);
        ckpt_release_be_humble();
        c->in_child = true;
        c->stopped_ns = now_ns() - c->meta.monotonic_ns;
        drop_descriptors();
        int rc = save(c, err);
        if (rc == 0)
            ckpt_child_tell(page);
        ckpt_request_answer(&s->request, ckpt_capture_image_path(),
                            rc < 0 ? err->text : NULL);
        if (rc == 0 && page && c->increment.merge)
            ckpt_merger_run(page, &c->increment, ckpt_capture_image_path());
        ckpt_sys(SYS_exit_group, rc < 0);
    }
    return 0;
}

/* The instant of the checkpoint: what changes from now on is of the next. */
static int begin_increment(struct capture *c, struct ckpt_err *err)
{
    struct ckpt_increment_plan plan = {
        .path = ckpt_capture_image_path(),
        .meta = &c->meta,
        .in_child = may_fork(c),
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
    int rc = look(c, err);
    if (rc < 0)
        ckpt_capture_log("checkpoint refused: %s", err->text);
    else if (s->request.mode != CKPT_REQUEST_CHECK)
        rc = begin_state(c, err);
    else if (!ckpt_remote_active())
        rc = ckpt_settings_place(ckpt_capture_image_path(), err);
    if (rc == 0 && s->request.mode != CKPT_REQUEST_CHECK)
        rc = begin_increment(c, err);
    if (rc == 0 && s->request.mode != CKPT_REQUEST_CHECK)
        rc = may_fork(c) ? save_in_child(c, err) : save_here(c, err);
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
    if (ckpt_remote_active() && ckpt_remote_quiesce(err) < 0) {
        ckpt_capture_log("checkpoint refused: %s", err->text);
        return -1;
    }
    memset(&c, 0, sizeof c);
    ckpt_advice_pause(&s->advice);
    int rc = ckpt_arena_map(&c.arena, ARENA_BYTES, err);
    if (rc == 0) {
        rc = capture_into(&c, err);
        ckpt_arena_unmap(&c.arena);
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
