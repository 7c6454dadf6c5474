/* start.c - before main: read the settings and arm the checkpoint signal
 *
 * This is linked into every relinked program and is all that runs of libckpt
 * until a checkpoint is asked for.
 */
#include "lib/ckpt.h"

#include "lib/capture/capture.h"
#include "lib/capture/environment.h"
#include "lib/capture/filters.h"
#include "lib/capture/kept.h"
#include "lib/capture/marker.h"
#include "lib/capture/state.h"
#include "lib/capture/unsaved.h"
#include "lib/common/io.h"
#include "lib/common/sys.h"
#include "lib/remote/remote.h"
#include "lib/wrap/wrap.h"

#include <elf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <time.h>

/* `ckpt` knows a relinked program by this note. */
__asm__(".pushsection .note.ckpt, \"a\", @note\n"
        ".balign 4\n"
        ".long 5, 4, 1\n"
        ".asciz \"CKPT\"\n"
        ".balign 4\n"
        ".long 1\n"
        ".popsection\n");

static struct ckpt_capture_state *const s = &ckpt_capture_state;

static int install(int sig, struct ckpt_err *err)
{
    struct sigaction sa;

    memset(&sa, 0, sizeof sa);
    sa.sa_sigaction = ckpt_capture_signal;
    sa.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
    sigfillset(&sa.sa_mask);
    /* hooks, and handlers that are told, may make remote calls */
    sigdelset(&sa.sa_mask, SIGSYS);
    if (ckpt_wrap_sigaction(sig, &sa) < 0)
        return ckpt_err_sys(err, "cannot handle signal %d", sig);
    return 0;
}

int ckpt_capture_mark(struct ckpt_err *err)
{
    char name[64];

    snprintf(name, sizeof name, CKPT_MARKER_PREFIX "%d", s->settings.signal);
    long fd = ckpt_sys(SYS_memfd_create, name, MFD_CLOEXEC);
    if (fd < 0) {
        errno = (int)-fd;
        return ckpt_err_sys(err, "memfd");
    }
    long p =
        ckpt_sys(SYS_mmap, 0, CKPT_PAGE_SIZE, PROT_READ, MAP_SHARED, fd, 0);
    ckpt_sys(SYS_close, fd);
    if (ckpt_sys_errno(p) == -1)
        return ckpt_err_sys(err, "mmap");
    s->marker = (struct ckpt_range){(uint64_t)p, (uint64_t)p + CKPT_PAGE_SIZE};
    return 0;
}

int ckpt_capture_arm(struct ckpt_err *err)
{
    s->pid = (int32_t)ckpt_sys(SYS_getpid);
    if (install(s->settings.signal, err) < 0 ||
        (s->settings.exit_on && install(s->settings.exit_on, err) < 0))
        return -1;
    if (ckpt_rhythm_start() < 0)
        return ckpt_err_sys(err, "timer for periodic checkpoints");
    return 0;
}

static void unblock(int sig)
{
    uint64_t mask = 1ull << (sig - 1);

    ckpt_sys(SYS_rt_sigprocmask, SIG_UNBLOCK, &mask, NULL, sizeof mask);
}

static void find_vdso(void)
{
    const Elf64_Ehdr *eh = (const void *)getauxval(AT_SYSINFO_EHDR);

    if (!eh)
        return;
    const Elf64_Phdr *ph = (const void *)((const char *)eh + eh->e_phoff);
    for (unsigned i = 0; i < eh->e_phnum; i++) {
        uint64_t at = (uint64_t)(uintptr_t)eh + ph[i].p_offset;
        if (ph[i].p_type == PT_LOAD)
            s->vdso = (struct ckpt_range){at, at + ph[i].p_memsz};
    }
}

/* The new marker comes first: somebody who looks must find one. */
static int arm_instead(int sig, struct ckpt_err *err)
{
    struct ckpt_range old = s->marker;

    s->settings.signal = sig;
    unblock(sig);
    if (s->has_timer)
        ckpt_sys(SYS_timer_delete, s->timer);
    s->has_timer = false;
    if (ckpt_capture_arm(err) < 0 || ckpt_capture_mark(err) < 0)
        return -1;
    ckpt_sys(SYS_munmap, old.start, old.end - old.start);
    s->yielded = sig;
    return 0;
}

int ckpt_capture_yield(void)
{
    struct ckpt_err err;
    int own = s->settings.signal, other = CKPT_OTHER_SIGNAL;

    if ((int32_t)ckpt_sys(SYS_getpid) != s->pid || s->yielded ||
        s->settings.exit_on == other || own == other ||
        !ckpt_wrap_is_free(other))
        return -1;
    ckpt_disable();
    int rc = arm_instead(other, &err);
    ckpt_enable();
    if (rc < 0)
        ckpt_capture_log("signal %d: %s", other, err.text);
    return rc;
}

static int start(char **argv, struct ckpt_err *err)
{
    const char *remote = getenv("CKPT_REMOTE_FD");
    int remote_fd = remote && *remote ? atoi(remote) : -1;

    if (ckpt_settings_from_env(&s->settings, err) < 0 ||
        (remote_fd < 0 && ckpt_kept_start(argv, err) < 0))
        return -1;
    find_vdso();
    ckpt_sys(SYS_sched_getaffinity, 0, sizeof s->affinity, s->affinity);
    ckpt_files_inherited(&s->inherited);
    s->stack = ckpt_unsaved_memory(CKPT_STACK_SIZE);
    if (!s->stack)
        return ckpt_err_sys(err, "stack");
    ckpt_unsaved_advise();
    /* the marker comes last: it invites requests */
    atomic_store(&s->disabled, 1);
    if (ckpt_capture_arm(err) < 0 || ckpt_capture_mark(err) < 0)
        return -1;
    unblock(s->settings.signal);
    ckpt_environment_take();
    if (remote_fd >= 0 && ckpt_remote_start(remote_fd, err) < 0)
        return -1;
    s->filters = ckpt_filters_count();
    ckpt_enable();
    return 0;
}

/* libc's own constructor, which comes later, says all of this again. */
static void be_first(char **argv, char **envp)
{
    if (environ)
        return;
    environ = envp;
    if (!argv[0])
        return;
    char *slash = strrchr(argv[0], '/');
    program_invocation_name = argv[0];
    program_invocation_short_name = slash ? slash + 1 : argv[0];
}

static void ckpt_start(int argc, char **argv, char **envp)
{
    struct ckpt_err err;
    char line[600];

    (void)argc;
    be_first(argv, envp);
    if (start(argv, &err) == 0)
        return;
    int n = snprintf(line, sizeof line, "%s: ckpt: %s\n",
                     program_invocation_short_name, err.text);
    ckpt_write_full(2, line, n > 0 ? (size_t)n : 0);
    _exit(1);
}

/* The constructors of the program's libraries come after this one: what they
 * find out about files must be true of home, in a remote job.  (In libckpt.so,
 * which cannot have such a section, it is a constructor, linked with -z
 * initfirst.) */
__attribute__((section(".preinit_array"),
               used)) static void (*const first)(int, char **,
                                                 char **) = ckpt_start;
