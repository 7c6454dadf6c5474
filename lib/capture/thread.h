/* thread.h - one stopped thread, as its record on its own stack describes it
 *
 * The record lies in the frame of the signal handler in which the thread is
 * parked, so it travels with the thread's stack in the image, and no table of
 * threads is needed.  Everything else that makes up the thread is in the
 * signal frame just above, which the kernel restores when the handler
 * returns.
 *
 * All functions are async-signal-safe.
 */
#ifndef CKPT_CAPTURE_THREAD_H
#define CKPT_CAPTURE_THREAD_H

#include "lib/arch/x86_64.h"
#include "lib/capture/attributes.h"
#include "lib/image/notes.h"

#include <stdbool.h>
#include <stdint.h>

struct ckpt_thread {
    struct ckpt_thread *next;
    struct ckpt_context context;
    void *ucontext; /* of the signal frame */
    uint64_t fs_base, gs_base;
    int32_t *tid_address; /* cleared by the kernel when the thread ends */
    void *robust_list;
    uint64_t robust_list_len;
    void *rseq; /* registered area, NULL when there is none */
    uint32_t rseq_len, rseq_signature;
    uint64_t affinity[CKPT_AFFINITY_WORDS]; /* when the program has set one */
    int32_t has_affinity;
    int32_t policy, priority;
    struct ckpt_attributes attributes;
    int32_t tid;
    int32_t parked;
    bool is_filtered; /* under seccomp */
    char comm[CKPT_COMM_MAX];
};

/* Fill in everything but the context; called by the thread itself. */
void ckpt_thread_describe(struct ckpt_thread *thread, void *ucontext);

/* It holds a lock that names it and is robust: an entry in its robust list. */
bool ckpt_thread_holds_robust(const struct ckpt_thread *thread);

/* Called by a thread that has just been made anew: register with the kernel
 * what `thread` had registered, and give libc the new thread id. */
void ckpt_thread_revive(struct ckpt_thread *thread);

/* Fill in a note about a parked thread; called by any thread. */
void ckpt_thread_note(const struct ckpt_thread *thread,
                      struct ckpt_thread_note *note);

/* Keep in the record what a revival restores of the note; an affinity only
 * when it is not the one that the program was started with. */
void ckpt_thread_keep_scheduling(struct ckpt_thread *thread,
                                 const struct ckpt_thread_note *note,
                                 const uint64_t *initial_affinity);

#endif
