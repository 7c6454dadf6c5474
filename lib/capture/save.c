/* save.c - see gathered.h: what takes time in proportion to the memory
 *
 * By the captor while the program stands, or by a child while it goes on.
 */
#include "lib/capture/gathered.h"

#include "lib/capture/child.h"
#include "lib/capture/merger.h"
#include "lib/capture/mounted.h"
#include "lib/capture/owners.h"
#include "lib/capture/state.h"
#include "lib/capture/stop.h"
#include "lib/capture/unstable.h"
#include "lib/common/sys.h"
#include "lib/image/workers.h"
#include "lib/remote/remote.h"

#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <time.h>

#define LOCK_WAIT_NS 5000000000u
#define REGISTER_WAIT_NS 200000000u

static struct ckpt_capture_state *const s = &ckpt_capture_state;

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
    if (ckpt_mounted() && s->request.path[0] == '\0')
        return ckpt_mounted_sink(sink, err);
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

/* Whether it is known already that the ids matter.  In remote mode it does not
 * help: they are those of the machine. */
static bool keeps_ids(const struct capture *c)
{
    return !ckpt_remote_active() &&
           (c->nthreads > 1 || (c->meta.flags & CKPT_META_KNOWS_IDS));
}

/* A job does not move with such a lock, but that is mostly held for a moment.
 * Of a number that only looks so the wait is short. */
static int put_off(const struct ckpt_held_lock *lock, struct ckpt_err *err)
{
    uint64_t limit = lock->at ? LOCK_WAIT_NS : REGISTER_WAIT_NS;

    if (s->lock_since == 0)
        s->lock_since = now_ns();
    s->waits_for_lock = s->request.mode != CKPT_REQUEST_SELF &&
                        now_ns() - s->lock_since < limit;
    if (lock->at == 0 && !s->waits_for_lock)
        return 0;
    return ckpt_err_set(err, EBUSY,
                        "thread %d holds a lock that knows its owner by the id "
                        "(a recursive or error-checking one, at %llx), and "
                        "could not release it elsewhere",
                        lock->tid, (unsigned long long)lock->at);
}

static int look_locks(struct capture *c, struct ckpt_err *err)
{
    const struct ckpt_thread *threads = ckpt_stop_threads(&(size_t){0});
    struct ckpt_held_lock lock;

    if (keeps_ids(c) || (!ckpt_owners_find(&c->memory, threads, &lock) &&
                         !ckpt_owners_taking(threads, &lock)))
        return 0;
    c->meta.flags |= CKPT_META_HOLDS_LOCK;
    return ckpt_remote_active() || ckpt_mounted() ? put_off(&lock, err) : 0;
}

/* Everything that takes time in proportion to the memory. */
static int save(struct capture *c, struct ckpt_err *err)
{
    int rc = -1;

    if (ckpt_advice_look_late(&s->advice, &c->arena, err) == 0 &&
        ckpt_memory_look(&c->memory, &c->arena, &c->rules, err) == 0 &&
        look_locks(c, err) == 0 && ckpt_capture_make_notes(c, err) == 0)
        rc = write_image(c, err);
    ckpt_capture_drop_contents(c);
    ckpt_memory_restore_protection(&c->memory);
    if (rc == 0) /* another place than usual: not one of the row */
        ckpt_kept_commit(s->request.path[0] ? 0 : s->settings.keep);
    if (!s->waits_for_lock)
        s->lock_since = 0;
    if (rc < 0 && !s->waits_for_lock)
        ckpt_capture_log("checkpoint failed: %s", err->text);
    if (rc == 0)
        log_saved(c);
    return rc;
}

/* Whether a child may write the image from its copy of the memory while the
 * program goes on.  Not when it is to end anyway, when memory or the contents
 * of open files are shared with the child, when the image goes home, where it
 * is committed with the files as they are then, or when memory is short, as
 * reserved huge pages always are: copies of them are taken from the child. */
bool ckpt_capture_may_fork(const struct capture *c)
{
    return s->request.mode != CKPT_REQUEST_EXIT && !ckpt_remote_active() &&
           !ckpt_mounted() && !ckpt_memory_is_shared(&c->memory) &&
           c->files.ncontents == 0 && !s->advice.unlike_in_child &&
           s->huge.count == 0 && !c->memory_short;
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

int ckpt_capture_save_here(struct capture *c, struct ckpt_err *err)
{
    int rc = save(c, err);

    ckpt_increment_done(rc == 0);
    return rc;
}

/* Write in a child; 0 when it is on its way. */
int ckpt_capture_save_in_child(struct capture *c, struct ckpt_err *err)
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
        return ckpt_capture_save_here(
            c, err); /* no room for a child: the slow way */
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
