/* thread.c - see thread.h */
#include "lib/capture/thread.h"

#include "lib/capture/revive.h"
#include "lib/capture/state.h"
#include "lib/common/sys.h"

#include <asm/prctl.h>
#include <linux/futex.h>
#include <linux/rseq.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <ucontext.h>

/* glibc 2.35 and later tell where they registered rseq; older ones do not
 * register it. */
extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));
enum {
    RSEQ_LEN = 32,
    RSEQ_SIGNATURE = 0x53053053,
};

static void describe_rseq(struct ckpt_thread *t)
{
    t->rseq = NULL;
    if (!&__rseq_offset || !&__rseq_size || __rseq_size == 0)
        return;
    struct rseq *area = (struct rseq *)(t->fs_base + (uint64_t)__rseq_offset);
    if ((int32_t)area->cpu_id < 0)
        return; /* registration failed or was never tried */
    t->rseq = area;
    t->rseq_len = __rseq_size > RSEQ_LEN ? __rseq_size : RSEQ_LEN;
    t->rseq_signature = RSEQ_SIGNATURE;
}

void ckpt_thread_describe(struct ckpt_thread *t, void *ucontext)
{
    memset(t, 0, sizeof *t);
    t->ucontext = ucontext;
    t->tid = (int32_t)ckpt_sys(SYS_gettid);
    ckpt_sys(SYS_arch_prctl, ARCH_GET_FS, &t->fs_base);
    ckpt_sys(SYS_arch_prctl, ARCH_GET_GS, &t->gs_base);
    ckpt_sys(SYS_prctl, PR_GET_TID_ADDRESS, &t->tid_address);
    ckpt_sys(SYS_get_robust_list, 0, &t->robust_list, &t->robust_list_len);
    ckpt_sys(SYS_prctl, PR_GET_NAME, t->comm);
    t->is_filtered = ckpt_sys(SYS_prctl, PR_GET_SECCOMP) > 0;
    describe_rseq(t);
    ckpt_attributes_look(&t->attributes, ckpt_capture_state.has_parent);
}

/* The list is a circle with its head in libc's record of the thread. */
bool ckpt_thread_holds_robust(const struct ckpt_thread *t)
{
    const struct robust_list_head *head = t->robust_list;

    if (!head || t->robust_list_len != sizeof *head)
        return false;
    return head->list.next != &head->list || head->list_op_pending;
}

/* As far as this machine and our rights allow; nothing computes wrongly for it.
 */
static void revive_scheduling(const struct ckpt_thread *t)
{
    struct sched_param param = {.sched_priority = t->priority};

    if (t->has_affinity)
        ckpt_sys(SYS_sched_setaffinity, 0, sizeof t->affinity, t->affinity);
    if (t->policy != SCHED_OTHER)
        ckpt_sys(SYS_sched_setscheduler, 0, t->policy, &param);
}

void ckpt_thread_revive(struct ckpt_thread *t)
{
    int32_t tid = (int32_t)ckpt_sys(SYS_gettid);

    if (t->gs_base)
        ckpt_sys(SYS_arch_prctl, ARCH_SET_GS, t->gs_base);
    if (t->tid_address) {
        ckpt_sys(SYS_set_tid_address, t->tid_address);
        /* libc keeps its copy of the id where the kernel clears it */
        if (*t->tid_address == t->tid)
            *t->tid_address = tid;
    }
    if (t->robust_list)
        ckpt_sys(SYS_set_robust_list, t->robust_list, t->robust_list_len);
    ckpt_sys(SYS_prctl, PR_SET_NAME, t->comm);
    if (t->rseq) {
        struct rseq *area = t->rseq;
        area->cpu_id = (uint32_t)RSEQ_CPU_ID_UNINITIALIZED;
        area->rseq_cs = 0;
        ckpt_sys(SYS_rseq, area, t->rseq_len, 0, t->rseq_signature);
    }
    revive_scheduling(t);
    ckpt_pending_queue(t);
    ckpt_attributes_set(&t->attributes,
                        ckpt_capture_state.args->flags & CKPT_REVIVE_CAPS);
    t->tid = tid;
}

void ckpt_thread_keep_scheduling(struct ckpt_thread *t,
                                 const struct ckpt_thread_note *note,
                                 const uint64_t *initial)
{
    t->policy = note->policy;
    t->priority = note->priority;
    t->has_affinity = memcmp(note->affinity, initial, sizeof t->affinity) != 0;
    memcpy(t->affinity, note->affinity, sizeof t->affinity);
}

void ckpt_thread_note(const struct ckpt_thread *t, struct ckpt_thread_note *n)
{
    const ucontext_t *uc = t->ucontext;
    struct sched_param param = {0};

    memset(n, 0, sizeof *n);
    n->tid = t->tid;
    n->policy = (int32_t)ckpt_sys(SYS_sched_getscheduler, t->tid);
    ckpt_sys(SYS_sched_getparam, t->tid, &param);
    n->priority = param.sched_priority;
    /* the system call, unlike libc's function, returns 20 - nice */
    n->nice = (int32_t)(20 - ckpt_sys(SYS_getpriority, PRIO_PROCESS, t->tid));
    ckpt_sys(SYS_sched_getaffinity, t->tid, sizeof n->affinity, n->affinity);
    n->record = (uint64_t)(uintptr_t)t;
    n->fs_base = t->fs_base;
    n->gs_base = t->gs_base;
    n->pc = (uint64_t)uc->uc_mcontext.gregs[REG_RIP];
    n->sp = (uint64_t)uc->uc_mcontext.gregs[REG_RSP];
    memcpy(n->comm, t->comm, sizeof n->comm);
}
