/* process.c - see process.h */
#include "lib/restart/process.h"

#include "lib/arch/x86_64_cpu.h"
#include "lib/common/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rseq.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));
enum { RSEQ_LEN = 32, RSEQ_SIGNATURE = 0x53053053 };

int ckpt_process_check(const struct ckpt_notes *notes, struct ckpt_err *err)
{
    uint32_t here[CKPT_CPU_FEATURE_WORDS];
    uint64_t xcr0;
    char name[64];

    if (notes->meta.page_size != (uint32_t)sysconf(_SC_PAGESIZE))
        return ckpt_err_set(err, ENOTSUP,
                            "the image has pages of %u bytes, this machine "
                            "has others",
                            notes->meta.page_size);
    ckpt_cpu_features(here, &xcr0);
    for (unsigned w = 0; w < CKPT_CPU_FEATURE_WORDS; w++) {
        uint32_t missing = notes->meta.cpu_features[w] & ~here[w];
        if (missing)
            return ckpt_err_set(
                err, ENOTSUP,
                "the image needs the processor feature %s, "
                "which this machine lacks",
                ckpt_cpu_feature_name(w, (unsigned)__builtin_ctz(missing), name,
                                      sizeof name));
    }
    if (notes->meta.xcr0 & ~xcr0)
        return ckpt_err_set(err, ENOTSUP,
                            "the image needs processor state (xcr0 %llx) that "
                            "this machine lacks",
                            (unsigned long long)(notes->meta.xcr0 & ~xcr0));
    return 0;
}

static void set_limits(const struct ckpt_process *p)
{
    for (int i = 0; i < RLIM_NLIMITS && i < 16; i++) {
        struct rlimit now;
        if (getrlimit((__rlimit_resource_t)i, &now) < 0)
            continue;
        struct rlimit then = {p->rlimit_cur[i], p->rlimit_max[i]};
        if (setrlimit((__rlimit_resource_t)i, &then) == 0)
            continue;
        /* a lower hard limit here stays; the soft one goes as far as it may */
        now.rlim_cur =
            then.rlim_cur < now.rlim_max ? then.rlim_cur : now.rlim_max;
        setrlimit((__rlimit_resource_t)i, &now);
    }
}

int ckpt_process_prepare(const struct ckpt_notes *notes, struct ckpt_err *err)
{
    const struct ckpt_process *p = &notes->process;
    bool remote = notes->meta.flags & CKPT_META_REMOTE;

    if (!remote && chdir(p->cwd) < 0)
        return ckpt_err_sys(err, "the working directory %s", p->cwd);
    if (!remote)
        umask(p->umask);
    for (size_t i = 0; i < notes->nthreads; i++)
        if (notes->threads[i].tid == p->pid &&
            notes->threads[i].nice > getpriority(PRIO_PROCESS, 0))
            setpriority(PRIO_PROCESS, 0, notes->threads[i].nice);
    return 0;
}

static void leave_rseq(void)
{
    if (!&__rseq_offset || !&__rseq_size || __rseq_size == 0)
        return;
    char *area = (char *)__builtin_thread_pointer() + __rseq_offset;
    unsigned len = __rseq_size > RSEQ_LEN ? __rseq_size : RSEQ_LEN;
    ckpt_sys(SYS_rseq, area, len, RSEQ_FLAG_UNREGISTER, RSEQ_SIGNATURE);
}

static struct timeval to_timeval(uint64_t us)
{
    return (struct timeval){(time_t)(us / 1000000),
                            (suseconds_t)(us % 1000000)};
}

void ckpt_process_commit(const struct ckpt_notes *notes)
{
    const struct ckpt_process *p = &notes->process;
    uint64_t all = ~0ull;

    ckpt_sys(SYS_rt_sigprocmask, SIG_BLOCK, &all, NULL, sizeof all);
    for (int sig = 1; sig <= CKPT_NSIG; sig++)
        if (sig != SIGKILL && sig != SIGSTOP)
            ckpt_sys(SYS_rt_sigaction, sig, &p->sigactions[sig - 1], NULL, 8);
    for (int i = 0; i < 3; i++) {
        uint64_t interval = p->itimer_interval_us[i];
        uint64_t value = p->itimer_value_us[i];
        /* it has expired, and goes on when its pending signal is taken */
        if (i == ITIMER_REAL && interval > 0 && value == 0)
            value = 1;
        struct itimerval it = {to_timeval(interval), to_timeval(value)};
        ckpt_sys(SYS_setitimer, i, &it, NULL);
    }
    if (!(notes->meta.flags & CKPT_META_REMOTE))
        set_limits(p); /* we needed more descriptors than the program may */
    leave_rseq();
}

void ckpt_process_mm(const struct ckpt_notes *notes,
                     struct ckpt_bare_plan *plan)
{
    const struct ckpt_process *p = &notes->process;
    struct prctl_mm_map *mm = &plan->mm;

    memset(mm, 0, sizeof *mm);
    mm->start_code = p->start_code;
    mm->end_code = p->end_code;
    mm->start_data = p->start_data;
    mm->end_data = p->end_data;
    mm->start_brk = p->start_brk;
    mm->brk = p->brk;
    mm->start_stack = p->start_stack;
    mm->arg_start = p->arg_start;
    mm->arg_end = p->arg_end;
    mm->env_start = p->env_start;
    mm->env_end = p->env_end;
    mm->auxv = (void *)(uintptr_t)p->auxv;
    mm->auxv_size = p->auxv_len;
    /* it may be absent on this machine: the program does not need it */
    mm->exe_fd = (uint32_t)open(notes->meta.program, O_RDONLY | O_CLOEXEC);
}
