/* ckpt.h - the interface of libckpt for programs that want a say
 *
 * A program needs none of this to be checkpointed.
 */
#ifndef CKPT_H
#define CKPT_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Take a checkpoint now, into `path` (NULL: the image the program was started
 * with).  Returns 0 when the image is durable and the program goes on, 1 when
 * the program has just been restarted from it, -1 with errno when it was
 * refused.  Not async-signal-safe.  May be called by any thread. */
int ckpt_checkpoint(const char *path);

/* Critical sections: between disable and enable no checkpoint is taken; a
 * request that comes inside is carried out at the last enable.  They nest and
 * hold for the whole process.  Async-signal-safe. */
void ckpt_disable(void);
void ckpt_enable(void);

/* Leave whole pages inside [addr, addr + len) out of images; they are zero
 * after a restart.  0, or -1 with ENOSPC (at most 1024 ranges) or EINVAL. */
int ckpt_exclude(void *addr, size_t len);
/* Take back an exclusion of exactly this range.  0, or -1 with ENOENT. */
int ckpt_include(void *addr, size_t len);

/* Call fn(arg) before each checkpoint, in the thread that takes it while all
 * others are stopped, or after each restart before the program goes on.  Hooks
 * run in the order (checkpoint) or reverse order (restart) of registration and
 * must be async-signal-safe.  0, or -1 with ENOSPC (at most 64). */
int ckpt_on_checkpoint(void (*fn)(void *arg), void *arg);
int ckpt_on_restart(void (*fn)(void *arg), void *arg);

/* Ask, as a job of a pool, to be moved: to the station of this name, or (NULL)
 * to any other.  0 when home has noted it: the program goes on, and is
 * checkpointed and moved a moment later.  -1 with ENOTSUP outside of a pool,
 * with EINVAL for a name that cannot be, or with what home answered. */
int ckpt_migrate(const char *station);

#ifdef __cplusplus
}
#endif

#endif
