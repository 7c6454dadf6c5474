/* revive.h - from the restarted process's first instruction to the program's
 *
 *     bare (memory is in place, one thread, all signals blocked)
 *       -> ckpt_revive_entry     on libckpt's own stack, FS set
 *            makes every other thread anew; each resumes its context in
 *            ckpt_stop_park and waits there
 *            resumes the first thread's context
 *       -> the captor, in its handler: ckpt_revive_finish
 *            timers, marker, remote session, hooks
 *            releases the threads; all return from their handlers
 */
#ifndef CKPT_CAPTURE_REVIVE_H
#define CKPT_CAPTURE_REVIVE_H

#include "lib/capture/settings.h"

#include <stdint.h>

/* What the restarter tells the revived program: fixed layout, in memory that
 * bare leaves mapped and ckpt_revive_finish() gives back. */
enum { CKPT_REVIVE_VERSION = 2 };
enum {
    CKPT_REVIVE_IDS = 1,    /* the threads get the ids that they had */
    CKPT_REVIVE_CAPS = 2,   /* and no more capabilities than they had */
    CKPT_REVIVE_PARENT = 4, /* `ckpt restart` is the parent */
};
struct ckpt_revive_args {
    uint32_t version;
    uint32_t size;                 /* of this struct */
    uint64_t hole_start, hole_end; /* to be unmapped */
    int32_t remote_fd;             /* boot record for remote mode, or -1 */
    uint32_t has_settings;
    uint32_t flags;  /* CKPT_REVIVE_* */
    uint64_t lazy;   /* struct ckpt_lazy_table in the hole, or 0 */
    int32_t lazy_fd; /* the image, when there is one */
    struct ckpt_settings settings; /* replace those of the image, when
                                      has_settings */
};

/* Where an image is entered. */
void ckpt_revive_entry(struct ckpt_revive_args *args) __attribute__((noreturn));

/* In the captor, when all threads are parked again.  Ends the process with a
 * message when the program cannot go on. */
void ckpt_revive_finish(void);

#endif
