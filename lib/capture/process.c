/* process.c - see process.h */
#include "lib/capture/process.h"

#include "config.h"
#include "lib/arch/x86_64_cpu.h"
#include "lib/capture/children.h"
#include "lib/common/io.h"
#include "lib/common/sys.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <time.h>

/* struct sigaction as the kernel knows it */
struct kernel_sigaction {
    uint64_t handler, flags, restorer, mask;
};
_Static_assert(sizeof(struct kernel_sigaction) ==
                   sizeof(struct ckpt_sigaction_note),
               "the note holds what the kernel holds");

static ssize_t read_proc(const char *path, char *buf, size_t size,
                         struct ckpt_err *err)
{
    long fd = ckpt_sys(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        errno = (int)-fd;
        return ckpt_err_sys(err, "%s", path);
    }
    ssize_t n = ckpt_read_full((int)fd, buf, size - 1);
    ckpt_sys(SYS_close, fd);
    if (n < 0)
        return ckpt_err_sys(err, "%s", path);
    buf[n] = '\0';
    return n;
}

/* Fields of /proc/self/stat by their numbers in proc(5). */
static int look_stat(struct ckpt_process *p, struct ckpt_err *err)
{
    char buf[2048];
    uint64_t field[53] = {0};

    if (read_proc("/proc/thread-self/stat", buf, sizeof buf, err) < 0)
        return -1;
    char *at = strrchr(buf, ')');
    if (!at || at[1] == '\0')
        return ckpt_err_set(err, EPROTO, "/proc/thread-self/stat is malformed");
    at += 4; /* past the state, field 3 */
    for (int i = 4; i < 53 && at && *at; i++) {
        field[i] = strtoull(at, &at, 10);
        at += *at == ' ';
    }
    p->start_code = field[26];
    p->end_code = field[27];
    p->start_stack = field[28];
    p->start_data = field[45];
    p->end_data = field[46];
    p->start_brk = field[47];
    p->arg_start = field[48];
    p->arg_end = field[49];
    p->env_start = field[50];
    p->env_end = field[51];
    p->brk = (uint64_t)ckpt_sys(SYS_brk, 0);
    return 0;
}

static void look_signals(struct ckpt_process *p, int signal)
{
    for (int sig = 1; sig <= CKPT_NSIG; sig++) {
        struct kernel_sigaction old = {0};
        if (sig != signal)
            ckpt_sys(SYS_rt_sigaction, sig, NULL, &old, 8);
        memcpy(&p->sigactions[sig - 1], &old, sizeof old);
    }
}

static void look_limits(struct ckpt_process *p)
{
    for (int i = 0; i < 3; i++) {
        struct itimerval it = {0};
        ckpt_sys(SYS_getitimer, i, &it);
        p->itimer_value_us[i] =
            (uint64_t)(it.it_value.tv_sec * 1000000 + it.it_value.tv_usec);
        p->itimer_interval_us[i] = (uint64_t)(it.it_interval.tv_sec * 1000000 +
                                              it.it_interval.tv_usec);
    }
    for (int i = 0; i < RLIM_NLIMITS && i < 16; i++) {
        struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
        ckpt_sys(SYS_prlimit64, 0, i, NULL, &limit);
        p->rlimit_cur[i] = limit.rlim_cur;
        p->rlimit_max[i] = limit.rlim_max;
    }
}

int ckpt_process_look(struct ckpt_process *p, int signal, struct ckpt_err *err)
{
    memset(p, 0, sizeof *p);
    if (ckpt_children_refuse(err) < 0 || look_stat(p, err) < 0)
        return -1;
    p->pid = (int32_t)ckpt_sys(SYS_getpid);
    p->ppid = (int32_t)ckpt_sys(SYS_getppid);
    p->pgid = (int32_t)ckpt_sys(SYS_getpgid, 0);
    p->sid = (int32_t)ckpt_sys(SYS_getsid, 0);
    p->uid = (uint32_t)ckpt_sys(SYS_getuid);
    p->gid = (uint32_t)ckpt_sys(SYS_getgid);
    p->umask = (uint32_t)ckpt_sys(SYS_umask, 0);
    ckpt_sys(SYS_umask, p->umask);
    p->dumpable = (uint32_t)ckpt_sys(SYS_prctl, PR_GET_DUMPABLE);
    look_signals(p, signal);
    look_limits(p);
    ssize_t n = read_proc("/proc/thread-self/auxv", (char *)p->auxv,
                          sizeof p->auxv, err);
    if (n < 0)
        return -1;
    p->auxv_len = (uint32_t)n;
    long len = ckpt_sys(SYS_getcwd, p->cwd, sizeof p->cwd);
    if (len < 0 || p->cwd[0] != '/')
        return ckpt_err_set(err, EBUSY,
                            "the working directory has no name any more");
    return 0;
}

static uint64_t clock_ns(int clock)
{
    struct timespec ts = {0};

    ckpt_sys(SYS_clock_gettime, clock, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void ckpt_meta_look(struct ckpt_meta *m)
{
    struct utsname name = {0};

    memset(m, 0, sizeof *m);
    m->version = CKPT_IMAGE_VERSION_WHOLE;
    ckpt_sys(SYS_getrandom, m->id, sizeof m->id, 0);
    m->time_ns = clock_ns(CLOCK_REALTIME);
    m->monotonic_ns = clock_ns(CLOCK_MONOTONIC);
    m->boottime_ns = clock_ns(CLOCK_BOOTTIME);
    m->page_size = 4096;
    ckpt_cpu_features(m->cpu_features, &m->xcr0);
    ckpt_sys(SYS_uname, &name);
    snprintf(m->host, sizeof m->host, "%s", name.nodename);
    snprintf(m->kernel, sizeof m->kernel, "%s", name.release);
    snprintf(m->library, sizeof m->library, "%s", PACKAGE_VERSION);
}
