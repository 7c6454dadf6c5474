/* revive.c - see revive.h */
#include "lib/capture/revive.h"

#include "lib/capture/capture.h"
#include "lib/capture/filters.h"
#include "lib/capture/kept.h"
#include "lib/capture/lazy.h"
#include "lib/capture/state.h"
#include "lib/capture/stop.h"
#include "lib/capture/unsaved.h"
#include "lib/common/io.h"
#include "lib/common/sys.h"
#include "lib/remote/remote.h"
#include "lib/wrap/wrap.h"

#include <asm/prctl.h>
#include <linux/sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    THREAD_FLAGS = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
                   CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS,
};

static struct ckpt_capture_state *const s = &ckpt_capture_state;

static void die(const char *what)
{
    char line[700];
    int n = snprintf(line, sizeof line, "ckpt: restart: %s\n", what);

    ckpt_write_full(2, line, n > 0 ? (size_t)n : 0);
    ckpt_sys(SYS_exit_group, 1);
}

/* The thread whose id was the process id leads the process again. */
static struct ckpt_thread *find_leader(struct ckpt_thread *t)
{
    while (t && t->tid != s->pid)
        t = t->next;
    return t;
}

static long make_thread(const struct ckpt_thread *t, bool with_id)
{
    pid_t tid = t->tid;
    struct clone_args args = {
        .flags = THREAD_FLAGS,
        .tls = t->fs_base,
        .set_tid = (uintptr_t)&tid,
        .set_tid_size = 1,
    };

    if (with_id)
        return ckpt_clone3_resume(&args, sizeof args, &t->context);
    return ckpt_clone_resume(THREAD_FLAGS, NULL, NULL, t->fs_base, &t->context);
}

void ckpt_revive_entry(struct ckpt_revive_args *args)
{
    size_t count;
    struct ckpt_thread *all = ckpt_stop_threads(&count);
    struct ckpt_thread *leader = find_leader(all);

    s->args = args;
    if (args->version != CKPT_REVIVE_VERSION || args->size != sizeof *args)
        die("the image was made by a libckpt that this ckpt cannot restart");
    s->leader_on_stack = !leader;
    for (struct ckpt_thread *t = all; t; t = t->next) {
        if (t == leader)
            continue;
        long rc = make_thread(t, args->flags & CKPT_REVIVE_IDS);
        if (rc == -EEXIST)
            die("the id of a thread is taken (--ids new goes without it)");
        if (rc < 0)
            die("cannot make the threads again");
    }
    if (!leader) /* it had ended before the checkpoint */
        ckpt_exit_thread(&s->leader_on_stack);
    ckpt_sys(SYS_arch_prctl, ARCH_SET_FS, leader->fs_base);
    ckpt_context_resume(&leader->context);
}

static void take_args(int *remote_fd)
{
    struct ckpt_revive_args *args = s->args;

    *remote_fd = args->remote_fd;
    s->has_parent = args->flags & CKPT_REVIVE_PARENT;
    if (args->has_settings)
        s->settings = args->settings;
    if (s->yielded) /* the other one is still the program's */
        s->settings.signal = s->yielded;
}

/* Hooks are the program's own code, and run while all other threads stand: for
 * them the memory must be there.  And what is loaded later would take the place
 * of guards, of huge pages and of memory that is bound to nodes, and could not
 * be brought where memory is sealed or may not become executable. */
static bool needs_all_memory(void)
{
    return s->non_restart > 0 || s->guards.count > 0 || s->seals.count > 0 ||
           s->huge.count > 0 || s->policies.count > 0 ||
           s->attributes.no_new_code > 0;
}

static void load_memory(struct ckpt_err *err)
{
    const struct ckpt_revive_args *args = s->args;
    const struct ckpt_lazy_table *table = (const void *)args->lazy;

    if (table &&
        ckpt_lazy_start(table, args->lazy_fd, needs_all_memory(), err) < 0)
        die(err->text);
}

static void give_back_hole(void)
{
    uint64_t start = s->args->hole_start, end = s->args->hole_end;

    s->args = NULL;
    ckpt_sys(SYS_munmap, start, end - start);
}

/* Sleepers go on with what was left when the image was taken. */
static void set_clock(void)
{
    struct timespec ts = {0};

    ckpt_sys(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
    ckpt_wrap_away((int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec -
                   (int64_t)s->captured_ns);
}

/* Home has seen more since, or the station is another. */
static void ask_rhythm(void)
{
    uint32_t every_sec, mtbf_sec;

    if (s->settings.every_auto &&
        ckpt_remote_rhythm(&every_sec, &mtbf_sec) == 0)
        ckpt_rhythm_given(every_sec, mtbf_sec);
}

void ckpt_revive_finish(void)
{
    struct ckpt_err err = {""};
    int remote_fd;

    take_args(&remote_fd);
    set_clock();
    ckpt_files_inherited_renew(&s->inherited);
    ckpt_rhythm_revive(s->request.mode == CKPT_REQUEST_EXIT);
    s->writer = 0; /* it was the child of another process */
    s->told = NULL;
    ckpt_unsaved_advise();
    if (ckpt_timers_make(&s->timers, &err) < 0 || ckpt_capture_arm(&err) < 0 ||
        ckpt_capture_mark(&err) < 0)
        die(err.text);
    if (remote_fd >= 0 && ckpt_remote_revive(remote_fd, &err) < 0)
        die(err.text);
    if (remote_fd >= 0)
        ask_rhythm();
    s->filters = ckpt_filters_count();
    load_memory(&err);
    give_back_hole();
    ckpt_huge_give(&s->huge);
    ckpt_advice_give(&s->advice);
    ckpt_policies_give(&s->policies);
    ckpt_guards_give(&s->guards);
    ckpt_process_attributes_set(&s->attributes);
    ckpt_seals_give(&s->seals);
    ckpt_kept_revive();
    ckpt_pending_queue_process();
    for (size_t i = s->non_restart; i-- > 0;)
        s->on_restart[i].fn(s->on_restart[i].arg);
    ckpt_capture_log(ckpt_lazy_active() ? "restarted; memory is being loaded"
                                        : "restarted");
}
