/* protocol.h - what libckpt says to the keeper of the program's files
 *
 * By a prctl(2) that no kernel knows: the keeper's seccomp filter hands it to
 * the keeper, which answers it.  Without a keeper it fails with EINVAL.  No
 * descriptor, no memory is shared; async-signal-safe.
 */
#ifndef CKPT_KEEP_PROTOCOL_H
#define CKPT_KEEP_PROTOCOL_H

#include "lib/common/sys.h"

#include <stdint.h>

enum { CKPT_KEEP_CALL = 0x434b5054 };

enum ckpt_keep_op {
    /* (address after the gate's system call): what comes from there is
     * libckpt's own work and changes no file of the program.  Before the
     * program runs, or goes on.  0. */
    CKPT_KEEP_HELLO = 1,
    /* (two halves of the image's id): all threads are stopped; what is changed
     * from now on is undone by a restart from that image.  The number of the
     * state, greater than 0, or -EIO. */
    CKPT_KEEP_BEGIN = 2,
    /* (images kept): the image of the last BEGIN is durable; older states than
     * that of the oldest image kept are not wanted any more.  0: it is not one
     * of the row, all stay.  0. */
    CKPT_KEEP_COMMIT = 3,
    /* (device, inode): links to it that the journal holds. */
    CKPT_KEEP_LINKS = 4,
};

static inline long ckpt_keep_ask(enum ckpt_keep_op op, uint64_t a, uint64_t b)
{
    return ckpt_sys(SYS_prctl, CKPT_KEEP_CALL, op, a, b);
}

#endif
