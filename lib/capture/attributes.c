/* attributes.c - see attributes.h */
#include "lib/capture/attributes.h"

#include "lib/common/io.h"
#include "lib/common/sys.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <linux/membarrier.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

enum {
    CAPS_VERSION = _LINUX_CAPABILITY_VERSION_3,
    PERSONALITY_ASK = -1,
    GET_MEMORY_MERGE = 68, /* Linux 6.4 */
    SET_MEMORY_MERGE = 67,
    SET_MDWE = 65, /* Linux 6.3 */
    GET_MDWE = 66,
    BARRIERS_ASK = 1 << 9,   /* MEMBARRIER_CMD_GET_REGISTRATIONS, Linux 6.3 */
    COMPONENTS_ASK = 0x1022, /* ARCH_GET_XCOMP_PERM, Linux 5.16 */
    COMPONENT_WANT = 0x1023, /* ARCH_REQ_XCOMP_PERM */
    POLICY_DEADLINE = 6,
};

/* struct sched_attr of the kernel's first version; libc's headers have it or
 * not. */
struct scheduling {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t deadline[3];
};

static void look_deadline(struct ckpt_attributes *a)
{
    struct scheduling now = {.size = sizeof now};

    if (ckpt_sys(SYS_sched_getattr, 0, &now, sizeof now, 0) < 0 ||
        now.policy != POLICY_DEADLINE)
        return;
    memcpy(a->deadline, now.deadline, sizeof a->deadline);
    a->deadline_flags = now.flags;
}

static void set_deadline(const struct ckpt_attributes *a)
{
    struct scheduling want = {
        .size = sizeof want,
        .policy = POLICY_DEADLINE,
        .flags = a->deadline_flags,
    };

    memcpy(want.deadline, a->deadline, sizeof want.deadline);
    if (a->deadline[0])
        ckpt_sys(SYS_sched_setattr, 0, &want, 0);
}

void ckpt_attributes_look(struct ckpt_attributes *a, bool has_parent)
{
    struct __user_cap_header_struct head = {CAPS_VERSION, 0};

    memset(a, 0, sizeof *a);
    ckpt_sys(SYS_capget, &head, a->caps);
    /* the system call, unlike libc's function, returns 20 - nice */
    a->nice = (int32_t)(20 - ckpt_sys(SYS_getpriority, PRIO_PROCESS, 0));
    a->ioprio = (int32_t)ckpt_sys(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0);
    ckpt_sys(SYS_prctl, PR_GET_PDEATHSIG, &a->death_signal);
    if (has_parent && a->death_signal == SIGKILL)
        a->death_signal = 0;
    a->no_new_privs = (int32_t)ckpt_sys(SYS_prctl, PR_GET_NO_NEW_PRIVS);
    a->securebits = (int32_t)ckpt_sys(SYS_prctl, PR_GET_SECUREBITS);
    a->personality = (int32_t)ckpt_sys(SYS_personality, PERSONALITY_ASK);
    a->timer_slack_ns = ckpt_sys(SYS_prctl, PR_GET_TIMERSLACK);
    if (ckpt_sys(SYS_get_mempolicy, &a->memory_policy, a->memory_nodes,
                 sizeof a->memory_nodes * 8, NULL, 0) < 0)
        a->memory_policy = -1;
    look_deadline(a);
    ckpt_sys(SYS_prctl, PR_GET_TSC, &a->no_tsc);
    a->on_bad_memory =
        (int32_t)ckpt_sys(SYS_prctl, PR_MCE_KILL_GET, 0, 0, 0, 0);
}

static void set_priorities(const struct ckpt_attributes *a)
{
    int64_t nice = 20 - ckpt_sys(SYS_getpriority, PRIO_PROCESS, 0);

    if (a->nice != nice)
        ckpt_sys(SYS_setpriority, PRIO_PROCESS, 0, a->nice);
    if (a->ioprio >= 0 &&
        a->ioprio != ckpt_sys(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0))
        ckpt_sys(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, a->ioprio);
    if (a->memory_policy > 0)
        ckpt_sys(SYS_set_mempolicy, a->memory_policy, a->memory_nodes,
                 sizeof a->memory_nodes * 8);
    set_deadline(a);
}

/* A new user namespace, or another caller, may have given more. */
static void drop_caps(const struct ckpt_attributes *a)
{
    struct __user_cap_header_struct head = {CAPS_VERSION, 0};
    uint32_t caps[6];

    if (ckpt_sys(SYS_capget, &head, caps) < 0)
        return;
    for (int i = 0; i < 6; i++)
        caps[i] &= a->caps[i];
    ckpt_sys(SYS_capset, &head, caps);
}

void ckpt_attributes_set(const struct ckpt_attributes *a, bool drop)
{
    set_priorities(a);
    ckpt_sys(SYS_prctl, PR_SET_TIMERSLACK, a->timer_slack_ns);
    if (a->personality != (int32_t)ckpt_sys(SYS_personality, PERSONALITY_ASK))
        ckpt_sys(SYS_personality, a->personality);
    if (a->securebits != (int32_t)ckpt_sys(SYS_prctl, PR_GET_SECUREBITS) &&
        ckpt_sys(SYS_prctl, PR_SET_SECUREBITS, a->securebits) < 0)
        ckpt_sys(SYS_prctl, PR_SET_KEEPCAPS,
                 a->securebits >> 4 & 1); /* SECURE_KEEP_CAPS: needs no right */
    if (a->no_new_privs == 1)
        ckpt_sys(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (drop)
        drop_caps(a);
    if (a->death_signal)
        ckpt_sys(SYS_prctl, PR_SET_PDEATHSIG, a->death_signal);
    if (a->on_bad_memory >= 0 && a->on_bad_memory != PR_MCE_KILL_DEFAULT)
        ckpt_sys(SYS_prctl, PR_MCE_KILL, PR_MCE_KILL_SET, a->on_bad_memory, 0,
                 0);
    if (a->no_tsc == PR_TSC_SIGSEGV)
        ckpt_sys(SYS_prctl, PR_SET_TSC, PR_TSC_SIGSEGV);
}

/* --- the process ---------------------------------------------------------- */

static int32_t read_number(const char *path)
{
    char text[32];
    long fd = ckpt_sys(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return 0;
    ssize_t n = ckpt_read_full((int)fd, text, sizeof text - 1);
    ckpt_sys(SYS_close, fd);
    text[n > 0 ? n : 0] = '\0';
    return atoi(text);
}

static void write_number(const char *path, int32_t number)
{
    char text[32];
    long fd = ckpt_sys(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC);
    int n = snprintf(text, sizeof text, "%d", number);

    if (fd < 0)
        return;
    ckpt_sys(SYS_write, fd, text, n);
    ckpt_sys(SYS_close, fd);
}

/* The commands that registered for a kind.  Older kernels do not tell; there
 * the barriers of the kinds that reach only this process fail without. */
static int32_t registered_barriers(void)
{
    static const int32_t kinds[] = {
        MEMBARRIER_CMD_PRIVATE_EXPEDITED,
        MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE,
        MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ,
    };
    long told = ckpt_sys(SYS_membarrier, BARRIERS_ASK, 0, 0);
    int32_t found = 0;

    if (told >= 0)
        return (int32_t)told;
    for (int i = 0; i < 3; i++)
        if (ckpt_sys(SYS_membarrier, kinds[i], 0, 0) == 0)
            found |= kinds[i] << 1;
    return found;
}

static void register_barriers(int32_t wanted)
{
    int32_t missing = wanted ? wanted & ~registered_barriers() : 0;

    for (int i = 0; i < 31; i++)
        if (missing >> i & 1)
            ckpt_sys(SYS_membarrier, 1 << i, 0, 0);
}

static uint64_t granted_components(void)
{
    uint64_t bits = 0;

    ckpt_sys(SYS_arch_prctl, COMPONENTS_ASK, &bits);
    return bits;
}

static void ask_for_components(uint64_t wanted)
{
    uint64_t missing = wanted & ~granted_components();

    for (int i = 0; i < 64; i++)
        if (missing >> i & 1)
            ckpt_sys(SYS_arch_prctl, COMPONENT_WANT, i);
}

void ckpt_process_attributes_look(struct ckpt_process_attributes *a)
{
    a->dumpable = (int32_t)ckpt_sys(SYS_prctl, PR_GET_DUMPABLE);
    a->subreaper = 0;
    ckpt_sys(SYS_prctl, PR_GET_CHILD_SUBREAPER, &a->subreaper);
    a->no_huge_pages =
        (int32_t)ckpt_sys(SYS_prctl, PR_GET_THP_DISABLE, 0, 0, 0, 0);
    a->memory_merge =
        (int32_t)ckpt_sys(SYS_prctl, GET_MEMORY_MERGE, 0, 0, 0, 0);
    a->oom_score_adj = read_number("/proc/self/oom_score_adj");
    a->barriers = registered_barriers();
    a->no_new_code = (int32_t)ckpt_sys(SYS_prctl, GET_MDWE, 0, 0, 0, 0);
    a->components = granted_components();
}

void ckpt_process_attributes_set(const struct ckpt_process_attributes *a)
{
    if (a->oom_score_adj != read_number("/proc/self/oom_score_adj"))
        write_number("/proc/self/oom_score_adj", a->oom_score_adj);
    if (a->subreaper)
        ckpt_sys(SYS_prctl, PR_SET_CHILD_SUBREAPER, 1);
    if (a->no_huge_pages > 0)
        ckpt_sys(SYS_prctl, PR_SET_THP_DISABLE, a->no_huge_pages, 0, 0, 0);
    if (a->memory_merge > 0)
        ckpt_sys(SYS_prctl, SET_MEMORY_MERGE, 1, 0, 0, 0);
    register_barriers(a->barriers);
    ask_for_components(a->components);
    if (a->no_new_code > 0)
        ckpt_sys(SYS_prctl, SET_MDWE, a->no_new_code, 0, 0, 0);
    if (a->dumpable != (int32_t)ckpt_sys(SYS_prctl, PR_GET_DUMPABLE))
        ckpt_sys(SYS_prctl, PR_SET_DUMPABLE, a->dumpable);
}
