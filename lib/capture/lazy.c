/* lazy.c - see lazy.h */
#include "lib/capture/lazy.h"

#include "lib/capture/capture.h"
#include "lib/capture/lazy_state.h"
#include "lib/capture/pages.h"
#include "lib/capture/state.h"
#include "lib/capture/stop.h"
#include "lib/common/futex.h"
#include "lib/common/io.h"
#include "lib/common/sys.h"

#include <linux/mman.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <ucontext.h>

enum { LOADER_STACK = 256 << 10 };

struct ckpt_lazy *ckpt_lazy_now;
_Atomic uint32_t ckpt_lazy_phase;

static struct ckpt_capture_state *const s = &ckpt_capture_state;

bool ckpt_lazy_active(void)
{
    return __atomic_load_n(&ckpt_lazy_now, __ATOMIC_ACQUIRE) != NULL;
}

void ckpt_lazy_wait(void)
{
    struct timespec pause = {0, 2000000};

    while (ckpt_lazy_active())
        ckpt_sys(SYS_nanosleep, &pause, NULL);
}

/* --- obeying ------------------------------------------------------------ */

bool ckpt_lazy_is_order(const void *value)
{
    return (uint64_t)(uintptr_t)value >> 32 == CKPT_LAZY_MAGIC;
}

/* What the program has written since its restart is anonymous already: pages
 * of the file are what the loader has read. */
static void copy_changed(const struct ckpt_lazy *lazy)
{
    struct ckpt_pages pages;
    uint64_t start, stop, end = lazy->to + lazy->len;

    if (ckpt_pages_open(&pages) < 0) {
        memcpy((void *)lazy->from, (void *)lazy->to, lazy->len);
        return;
    }
    for (uint64_t at = lazy->to;
         ckpt_pages_next(&pages, at, end, true, &start, &stop); at = stop)
        memcpy((void *)(lazy->from + (start - lazy->to)), (void *)start,
               stop - start);
    ckpt_pages_close(&pages);
}

/* Nothing of the program's memory may be written between the copying and the
 * moving: all threads are stopped, and this runs on libckpt's stack. */
static void swap(const struct ckpt_lazy *lazy)
{
    copy_changed(lazy);
    if (lazy->prot != (PROT_READ | PROT_WRITE))
        ckpt_sys(SYS_mprotect, lazy->from, lazy->len, lazy->prot);
    long at = ckpt_sys(SYS_mremap, lazy->from, lazy->len, lazy->len,
                       MREMAP_MAYMOVE | MREMAP_FIXED, lazy->to);
    if ((uint64_t)at != lazy->to)
        ckpt_sys(SYS_exit_group, 1); /* it was there a moment ago */
}

void ckpt_lazy_complain(const struct ckpt_lazy *lazy)
{
    char line[4096 + 512];
    const char *image = lazy->table->image;
    bool damaged = lazy->error == EBADMSG;
    int n =
        lazy->cause
            ? snprintf(line, sizeof line,
                       "ckpt: %s: %s; the program was ended: restart it%s\n",
                       image, lazy->cause,
                       damaged ? " from an older image" : "")
        : damaged
            ? snprintf(line, sizeof line,
                       "ckpt: %s: damaged: checksum at offset %llu; the "
                       "program was ended: restart it from an older image\n",
                       image, (unsigned long long)lazy->error_at)
            : snprintf(line, sizeof line,
                       "ckpt: %s: error %d while loading memory from "
                       "offset %llu; the program was ended: restart it\n",
                       image, lazy->error, (unsigned long long)lazy->error_at);

    ckpt_write_full(2, line, n > 0 ? (size_t)n : 0);
}

static void fail(const struct ckpt_lazy *lazy)
{
    ckpt_lazy_complain(lazy);
    ckpt_sys(SYS_exit_group, 1);
}

void ckpt_lazy_look_after_loader(struct ckpt_lazy *lazy)
{
    static const char text[] = "ckpt: the loader of the program's memory has "
                               "died; the program was ended: restart it\n";
    int status;

    if (lazy->loader <= 0 || ckpt_sys(SYS_wait4, lazy->loader, &status,
                                      WNOHANG | __WALL, NULL) != lazy->loader)
        return;
    ckpt_write_full(2, text, sizeof text - 1);
    ckpt_sys(SYS_exit_group, 1);
}

static void finish(struct ckpt_lazy *lazy)
{
    size_t threads;

    ckpt_stop_threads(&threads);
    lazy->leaving = (uint32_t)threads;
    atomic_store(&ckpt_lazy_phase, CKPT_LAZY_LEAVING);
    ckpt_futex_wake_all((uint32_t *)&ckpt_lazy_phase);
}

void ckpt_lazy_carry_out(struct ckpt_lazy *lazy)
{
    switch (lazy->order) {
    case CKPT_LAZY_SWAP:
        swap(lazy);
        break;
    case CKPT_LAZY_FINISH:
        finish(lazy);
        break;
    case CKPT_LAZY_FAIL:
        fail(lazy);
    }
}

/* The signal is repeated until the order is obeyed: it may come too often, and
 * too late, when another thread is just giving everything back. */
long ckpt_lazy_obey(void *unused)
{
    struct ckpt_lazy *lazy = ckpt_lazy_now;
    struct ckpt_err err;

    (void)unused;
    if (atomic_load(&ckpt_lazy_phase) != CKPT_LAZY_LOADING)
        return 0;
    uint32_t given = atomic_load(&lazy->given);
    if (given == atomic_load(&lazy->obeyed))
        return 0;
    if (ckpt_stop_all(s->settings.signal, s->captor, &err) < 0)
        return -1;
    ckpt_lazy_carry_out(lazy);
    atomic_store(&lazy->obeyed, given);
    ckpt_futex_wake_all((uint32_t *)&lazy->obeyed);
    ckpt_stop_release();
    return 1;
}

/* --- begin and end ------------------------------------------------------ */

static void give_back(struct ckpt_lazy *lazy)
{
    ckpt_sys(SYS_munmap, lazy->table, lazy->table->bytes);
    ckpt_sys(SYS_munmap, lazy, sizeof *lazy + LOADER_STACK);
}

static void reap(int32_t loader)
{
    int status;

    while (ckpt_sys(SYS_wait4, loader, &status, __WALL, NULL) == -EINTR)
        ;
}

/* The last thread to leave cleans up. */
static void leave(struct ckpt_lazy *lazy)
{
    ckpt_lazy_trap_thread(false);
    if (atomic_fetch_add(&lazy->left, 1) + 1 < lazy->leaving)
        return;
    ckpt_lazy_untrap(lazy);
    reap(lazy->loader);
    give_back(lazy);
    atomic_store(&ckpt_lazy_phase, CKPT_LAZY_OVER);
    __atomic_store_n(&ckpt_lazy_now, NULL, __ATOMIC_RELEASE);
    ckpt_capture_log("memory loaded");
    ckpt_capture_requeue_postponed();
}

void ckpt_lazy_pass(void)
{
    if (!ckpt_lazy_active())
        return;
    if (atomic_load(&ckpt_lazy_phase) == CKPT_LAZY_LOADING)
        ckpt_lazy_trap_thread(true);
    else
        leave(ckpt_lazy_now);
}

/* All but standard error and what the loader reads from. */
static void drop_descriptors(const struct ckpt_lazy *lazy)
{
    int last = lazy->uffd >= 0 ? lazy->uffd : lazy->fd; /* the higher one */

    if (lazy->fd > 1)
        ckpt_sys(SYS_close_range, 0, 1, 0);
    if (lazy->fd > 3)
        ckpt_sys(SYS_close_range, 3, lazy->fd - 1, 0);
    if (last > lazy->fd + 1)
        ckpt_sys(SYS_close_range, lazy->fd + 1, last - 1, 0);
    ckpt_sys(SYS_close_range, last + 1, ~0u, 0);
}

static void load(struct ckpt_lazy *lazy)
{
    if (ckpt_lazy_is_paged(lazy->table))
        ckpt_lazy_await_pager(lazy);
    else
        ckpt_lazy_load(lazy);
}

static __attribute__((noreturn)) void loader(void)
{
    struct ckpt_lazy *lazy = ckpt_lazy_now;

    ckpt_sys(SYS_prctl, PR_SET_NAME, "ckpt-loader");
    drop_descriptors(lazy);
    load(lazy);
    for (;;)
        ckpt_sys(SYS_exit_group, 0);
}

/* Another process with this memory: no thread of the program, and no child
 * that its wait() would see. */
static long make_loader(struct ckpt_lazy *lazy)
{
    struct ckpt_context *context = &lazy->context; /* read by the child */
    uint64_t stack = (uint64_t)(uintptr_t)(lazy + 1) + LOADER_STACK;

    ckpt_context_save(context); /* for the floating-point modes */
    context->rip = (uint64_t)(uintptr_t)loader;
    context->rsp = (stack & ~15ull) - 8;
    context->rbp = 0;
    return ckpt_clone_resume(CLONE_VM, NULL, NULL, 0, context);
}

/* A thread that blocks SIGSYS would not survive a trapped call. */
static bool sigsys_is_blocked(void)
{
    size_t count;

    for (struct ckpt_thread *t = ckpt_stop_threads(&count); t; t = t->next) {
        const ucontext_t *uc = t->ucontext;
        if (sigismember(&uc->uc_sigmask, SIGSYS))
            return true;
    }
    return false;
}

static void load_here(struct ckpt_lazy *lazy)
{
    lazy->here = true;
    load(lazy);
    give_back(lazy);
    ckpt_lazy_now = NULL;
}

static struct ckpt_lazy *make(const struct ckpt_lazy_table *table)
{
    enum { PROT = PROT_READ | PROT_WRITE, FLAGS = MAP_PRIVATE | MAP_ANONYMOUS };
    long at = ckpt_sys(SYS_mmap, NULL, sizeof(struct ckpt_lazy) + LOADER_STACK,
                       PROT, FLAGS, -1, 0);
    long copy = ckpt_sys(SYS_mmap, NULL, table->bytes, PROT, FLAGS, -1, 0);

    if (ckpt_sys_errno(at) == -1 || ckpt_sys_errno(copy) == -1)
        return NULL;
    struct ckpt_lazy *lazy = (struct ckpt_lazy *)at;
    lazy->table = memcpy((void *)copy, table, table->bytes);
    return lazy;
}

int ckpt_lazy_start(const struct ckpt_lazy_table *table, int fd, bool at_once,
                    struct ckpt_err *err)
{
    struct ckpt_lazy *lazy = make(table);

    if (!lazy)
        return ckpt_err_sys(err, "no memory to load the rest of the image");
    lazy->fd = fd;
    lazy->uffd = -1;
    lazy->pid = s->pid;
    if (ckpt_lazy_is_paged(table) && ckpt_lazy_take_pages(lazy))
        return ckpt_err_set(err, EPIPE, "the pager of its memory has died");
    int uffd = lazy->uffd; /* nothing may be left of `lazy` below */
    ckpt_lazy_now = lazy;
    if (at_once || sigsys_is_blocked()) {
        load_here(lazy);
    } else {
        atomic_store(&ckpt_lazy_phase, CKPT_LAZY_LOADING);
        ckpt_lazy_trap(lazy);
        long pid = make_loader(lazy);
        if (pid < 0) {
            atomic_store(&ckpt_lazy_phase, CKPT_LAZY_OVER);
            ckpt_lazy_untrap(lazy);
            load_here(lazy);
        } else {
            lazy->loader = (int32_t)pid;
        }
    }
    ckpt_sys(SYS_close, fd);
    if (uffd >= 0)
        ckpt_sys(SYS_close, uffd);
    return 0;
}
