/* state.h - the one piece of memory that libckpt has inside a program
 *
 * It is ordinary data of the program, so it is in every image, and the
 * revived process finds it as it was at the moment of the capture.
 */
#ifndef CKPT_CAPTURE_STATE_H
#define CKPT_CAPTURE_STATE_H

#include "lib/capture/advice.h"
#include "lib/capture/guards.h"
#include "lib/capture/huge.h"
#include "lib/capture/memory.h"
#include "lib/capture/pending.h"
#include "lib/capture/policies.h"
#include "lib/capture/request.h"
#include "lib/capture/rhythm.h"
#include "lib/capture/seals.h"
#include "lib/capture/settings.h"
#include "lib/capture/thread.h"
#include "lib/capture/timers.h"
#include "lib/files/look.h"

#include <stdatomic.h>

enum {
    CKPT_UNSAVED_MAX = 32,
    CKPT_EXCLUDE_MAX = 1024,
    CKPT_HOOKS_MAX = 64,
    CKPT_STACK_SIZE = 512 * 1024,
    CKPT_PAGE_SIZE = 4096,
    CKPT_ENVIRONMENT_MAX = 18,
    CKPT_OTHER_SIGNAL = 64, /* when the program wants the checkpoint signal */
};

struct ckpt_child_page; /* child.h */

struct ckpt_hook {
    void (*fn)(void *arg);
    void *arg;
};

struct ckpt_capture_state {
    struct ckpt_settings settings;
    char program[CKPT_PATH_MAX]; /* the file that was executed */
    char started[CKPT_PATH_MAX]; /* the first, if it executed another one */
    /* what of the environment the next one is to find, "NAME=value" */
    char environment[CKPT_ENVIRONMENT_MAX][CKPT_PATH_MAX + 64];
    int32_t pid; /* of the process that was armed; a forked child is not */
    int32_t
        yielded; /* the signal in place of one that the program took, or 0 */
    struct sigaction program_action; /* what the program has set for the
                                        checkpoint signal */
    struct ckpt_process_attributes attributes;
    struct ckpt_advice advice;
    struct ckpt_guards guards;
    struct ckpt_seals seals;
    struct ckpt_huge huge;
    struct ckpt_policies policies;
    int32_t filters;            /* at the start, or after a restart */
    bool has_parent;            /* `ckpt restart` is its parent */
    _Atomic uint32_t knows_ids; /* it has asked for an id of its own */
    uint64_t captured_ns;       /* CLOCK_MONOTONIC of the capture */
    uint64_t affinity[CKPT_AFFINITY_WORDS]; /* at the start */
    struct ckpt_inherited inherited;
    _Atomic uint32_t capturing;
    _Atomic uint32_t disabled;  /* depth of critical sections */
    _Atomic uint32_t postponed; /* `postponed_info` waits for the last enable */
    siginfo_t postponed_info;
    uint64_t last_reply_id;
    int32_t timer; /* of periodic checkpoints */
    bool has_timer;
    struct ckpt_rhythm rhythm;

    /* the stack that captures and revivals run on; not in the image */
    uint8_t *stack;
    struct ckpt_range vdso; /* the kernel's, or stubs after a restart under
                               another one */
    int32_t put_off;        /* how often the request was, because of the vdso */
    uint64_t lock_since; /* when it was first, because of a lock (owners.h) */
    bool waits_for_lock; /* `request` is to be carried out a little later */
    struct ckpt_range marker; /* the mapping of marker.h */
    struct ckpt_range unsaved[CKPT_UNSAVED_MAX];
    size_t nunsaved;
    struct ckpt_range exclude[CKPT_EXCLUDE_MAX];
    size_t nexclude;
    struct ckpt_hook on_checkpoint[CKPT_HOOKS_MAX];
    size_t non_checkpoint;
    struct ckpt_hook on_restart[CKPT_HOOKS_MAX];
    size_t non_restart;

    /* one capture */
    char self_path[4096]; /* of ckpt_checkpoint() */
    struct ckpt_request request;
    struct ckpt_pending pending;
    struct ckpt_timers timers;
    struct ckpt_thread *captor;
    struct ckpt_err err;
    int32_t writer;               /* child that writes the last image, or 0 */
    struct ckpt_child_page *told; /* shared with it, or NULL */
    struct ckpt_chain *chain;     /* of increment.c, in unsaved memory */
    int32_t result;               /* as ckpt_checkpoint() returns it */

    char kept_dir[CKPT_PATH_MAX]; /* where the keeper (lib/keep) keeps what the
                                     program's files were; "": there is none */

    /* one revival */
    struct ckpt_revive_args *args;
    uint32_t leader_on_stack; /* a first thread that is about to end is still
                                 on libckpt's stack */
};

extern struct ckpt_capture_state ckpt_capture_state;

#endif
