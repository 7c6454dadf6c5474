/* ids.c - see ids.h */
#include "lib/restart/ids.h"

#include "lib/capture/revive.h"
#include "lib/restart/namespace.h"
#include "lib/restart/parent.h"

#include <errno.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DYING_WAIT_MS = 3000, GONE_WAIT_MS = 100, PF_EXITING = 4, INIT = 1 };

int ckpt_ids_parse(const char *text, enum ckpt_ids_mode *mode)
{
    static const char *const names[] = {"auto", "keep", "new"};

    for (int i = 0; i < 3; i++)
        if (strcmp(text, names[i]) == 0) {
            *mode = (enum ckpt_ids_mode)i;
            return 0;
        }
    return -1;
}

/* --- what is free --------------------------------------------------------- */

/* Also as the id of a process group that its leader has left. */
static bool is_free(pid_t id)
{
    return syscall(SYS_tkill, id, 0) < 0 && errno == ESRCH &&
           kill(-id, 0) < 0 && errno == ESRCH;
}

/* How long it is worth to wait for an id: its owner has been killed and may
 * hold locks until it is gone; or is gone, and its parent may be slow to take
 * notice. */
static int wait_ms(pid_t id)
{
    char path[64], text[512] = "", state = '\0';
    unsigned long flags = 0, pending = 0;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)id);
    FILE *in = fopen(path, "re");
    if (!in)
        return 0;
    bool read = fgets(text, sizeof text, in) != NULL;
    fclose(in);
    const char *paren = read ? strrchr(text, ')') : NULL;
    if (paren)
        sscanf(paren + 1,
               " %c %*s %*s %*s %*s %*s %lu %*s %*s %*s %*s %*s %*s %*s %*s "
               "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lu",
               &state, &flags, &pending);
    if (state == 'Z' || state == 'X')
        return GONE_WAIT_MS;
    bool is_killed = (flags & PF_EXITING) || (pending >> (SIGKILL - 1) & 1);
    return is_killed ? DYING_WAIT_MS : 0;
}

static bool wait_free(pid_t id)
{
    for (int ms = 0; ms < wait_ms(id); ms += 10)
        poll(NULL, 0, 10);
    return is_free(id);
}

static bool all_free(const struct ckpt_notes *notes)
{
    if (!wait_free(notes->process.pid))
        return false;
    for (size_t i = 0; i < notes->nthreads; i++)
        if (!wait_free(notes->threads[i].tid))
            return false;
    return true;
}

static bool in_range(const struct ckpt_notes *notes, struct ckpt_err *err)
{
    int max = 32768;
    FILE *in = fopen("/proc/sys/kernel/pid_max", "re");

    if (in) {
        if (fscanf(in, "%d", &max) != 1)
            max = 32768;
        fclose(in);
    }
    for (size_t i = 0; i < notes->nthreads; i++) {
        pid_t id = notes->threads[i].tid;
        if (id <= INIT || id >= max) {
            ckpt_err_set(err, ERANGE, "process id %d cannot be had here",
                         (int)id);
            return false;
        }
    }
    return true;
}

/* --- which way ------------------------------------------------------------ */

static bool holds_lock(const struct ckpt_notes *notes)
{
    return notes->meta.flags & CKPT_META_HOLDS_LOCK;
}

static bool is_wanted(const struct ckpt_notes *notes, enum ckpt_ids_mode mode)
{
    if (mode != CKPT_IDS_AUTO)
        return mode == CKPT_IDS_KEEP;
    /* in remote mode it asks the shadow, which tells it always the same */
    if (notes->meta.flags & CKPT_META_REMOTE)
        return false;
    return notes->nthreads > 1 || (notes->meta.flags & CKPT_META_KNOWS_IDS) ||
           holds_lock(notes);
}

static int has_it_already(const struct ckpt_notes *notes)
{
    struct ckpt_namespace none = {0};
    struct ckpt_err err;

    if (getpid() != notes->process.pid)
        return 0;
    for (size_t i = 0; i < notes->nthreads; i++)
        if (notes->threads[i].tid != notes->process.pid &&
            (!wait_free(notes->threads[i].tid) ||
             ckpt_namespace_works(&none, notes->threads[i].tid, &err) < 0))
            return 0;
    return 1;
}

/* The first way that works; ns->flags has CLONE_NEWTIME already when the clocks
 * are to be shifted. */
static int choose(const struct ckpt_notes *notes, struct ckpt_namespace *ns,
                  struct ckpt_err *err)
{
    pid_t pid = notes->process.pid;
    uint64_t caps = ckpt_capabilities();

    if (!in_range(notes, err))
        return -1;
    if (all_free(notes) && ckpt_namespace_works(ns, pid, err) == 0)
        return 0;
    ns->flags |= CLONE_NEWPID | CLONE_NEWNS;
    if (caps >> CAP_SYS_ADMIN & 1)
        return ckpt_namespace_works(ns, pid, err);
    /* a user namespace would take from the program what it is allowed to do */
    if (caps)
        return ckpt_err_set(err, EPERM,
                            "a namespace needs CAP_SYS_ADMIN, or a user "
                            "without capabilities");
    ns->flags |= CLONE_NEWUSER;
    return ckpt_namespace_works(ns, pid, err);
}

static int keep(const struct ckpt_notes *notes, struct ckpt_namespace *clocks,
                uint32_t *flags, struct ckpt_err *err)
{
    struct ckpt_namespace ns = *clocks;

    if (has_it_already(notes)) {
        *flags |= CKPT_REVIVE_IDS;
        return 0;
    }
    if (choose(notes, &ns, err) < 0)
        return -1;
    *flags |= CKPT_REVIVE_IDS | CKPT_REVIVE_PARENT;
    if (ns.flags & CLONE_NEWUSER)
        *flags |= CKPT_REVIVE_CAPS;
    clocks->flags = 0;
    return ckpt_parent_fork(&ns, notes->process.pid, err) < 0 ? -2 : 0;
}

int ckpt_ids_enter(const struct ckpt_notes *notes, enum ckpt_ids_mode mode,
                   struct ckpt_namespace *clocks, uint32_t *flags,
                   void (*notice)(const char *), struct ckpt_err *err)
{
    struct ckpt_namespace none = {0};

    *flags |= geteuid() == notes->process.uid ? CKPT_REVIVE_CAPS : 0;
    if (!is_wanted(notes, mode))
        return 0;
    int rc = keep(notes, clocks, flags, err);
    if (rc == -1 && clocks->flags) /* then at least the ids */
        rc = keep(notes, &none, flags, err);
    if (rc == 0)
        return 0;
    if (mode == CKPT_IDS_KEEP || rc == -2)
        return ckpt_err_prefix(err, "its ids cannot be kept");
    if (mode == CKPT_IDS_AUTO && holds_lock(notes))
        return ckpt_err_prefix(err,
                               "it holds a lock that knows its owner by the id "
                               "(--ids new goes on, but it cannot release the "
                               "lock), and its ids cannot be kept");
    ckpt_err_prefix(err, "it gets new process and thread ids");
    if (notice)
        notice(err->text);
    return 0;
}
