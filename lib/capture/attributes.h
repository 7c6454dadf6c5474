/* attributes.h - small properties of threads and of the process
 *
 * A thread looks at its own when it is stopped, and sets them again when it has
 * been made anew; the captor does the same for the process.  What this machine
 * or our rights do not allow is left as it is: nothing computes wrongly for it.
 * Async-signal-safe.
 */
#ifndef CKPT_CAPTURE_ATTRIBUTES_H
#define CKPT_CAPTURE_ATTRIBUTES_H

#include <stdbool.h>
#include <stdint.h>

enum { CKPT_NODE_WORDS = 16 }; /* 1024 memory nodes */

struct ckpt_attributes {
    uint32_t caps[6]; /* as capget(2) tells them, version 3 */
    int32_t nice, ioprio;
    int32_t death_signal; /* when the parent ends; 0: none */
    int32_t no_new_privs, securebits;
    int32_t personality;
    int64_t timer_slack_ns;
    int32_t memory_policy; /* -1: not known */
    uint64_t memory_nodes[CKPT_NODE_WORDS];
    uint64_t deadline[3]; /* SCHED_DEADLINE: run time, deadline, period in ns;
                             0: another policy */
    uint64_t deadline_flags;
    int32_t no_tsc;        /* reading the time stamp counter is a fault */
    int32_t on_bad_memory; /* PR_MCE_KILL_* */
};

/* `has_parent`: `ckpt restart` is the parent, and has set the death signal. */
void ckpt_attributes_look(struct ckpt_attributes *a, bool has_parent);

/* `drop`: not more capabilities than it had. */
void ckpt_attributes_set(const struct ckpt_attributes *a, bool drop);

struct ckpt_process_attributes {
    int32_t dumpable;
    int32_t subreaper, no_huge_pages, memory_merge;
    int32_t oom_score_adj;
    int32_t barriers;    /* the commands of membarrier(2) that registered it */
    int32_t no_new_code; /* PR_GET_MDWE: no memory becomes executable */
    uint64_t components; /* of the processor's state that had to be asked for:
                            bits of XCR0 (AMX) */
};

void ckpt_process_attributes_look(struct ckpt_process_attributes *a);
void ckpt_process_attributes_set(const struct ckpt_process_attributes *a);

#endif
