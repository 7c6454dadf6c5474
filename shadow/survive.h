/* survive.h - what of a shadow outlives its process
 *
 * DIR/session is a shared mapping: the kernel keeps it when the shadow is
 * killed with SIGKILL, and the next one goes on with the same epoch, token and
 * port; the job and its starter connect again and notice a pause.
 *
 *     token, port, epoch, boot
 *     sessions -> slots, each with its kept reply
 *     handles  -> path, access, inode
 *     the job's working directory, the image that is being put
 *     the call that was being done, with what must be known to do it again
 *
 * A call counts as done when its reply is in its slot.  The one that was being
 * done is sent again by its caller; it is then done again, and its `note`, made
 * before the change, tells whether the change had been made.
 *
 * It is not written to the disk on purpose: after a power loss (another boot
 * id), or when it makes no sense, the files are rolled back instead.
 */
#ifndef CKPT_SHADOW_SURVIVE_H
#define CKPT_SHADOW_SURVIVE_H

#include "lib/common/err.h"
#include "lib/proto/boot.h"
#include "lib/proto/shadow.h"
#include "shadow/note.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

enum {
    SURVIVE_HANDLES = 4096,
    SURVIVE_LOCKS = 4, /* of one handle */
    /* the longest kept reply: an open file with its content */
    REPLY_KEEP_MAX = SHADOW_OPEN_DATA_MAX + 256,
    SURVIVE_BOOT_LEN = 36,
};

struct slot {
    uint32_t seq;   /* of the last call */
    uint32_t waits; /* it is a WRITE that was put aside (stream.h) */
    uint64_t kept;  /* length of its reply; UINT64_MAX: not kept */
    uint8_t reply[REPLY_KEEP_MAX];
};

struct kept_session {
    bool open;
    uint8_t id[SHADOW_ID_LEN];
    struct slot slots[SHADOW_SLOTS];
    /* The call that was begun last. */
    uint32_t slot, seq;
    struct note note;
};

struct kept_lock {
    int16_t type; /* F_UNLCK: no lock */
    uint64_t start, len;
};

struct kept_handle {
    bool used;
    bool readable, writable, append, path_only, is_dir;
    bool lost; /* it cannot be opened again */
    uint16_t generation;
    uint64_t dev, ino;
    struct kept_lock locks[SURVIVE_LOCKS];
    char path[PATH_MAX];
};

struct kept_image {
    bool committed; /* one, in this epoch */
    bool putting;
    uint32_t coming;
    uint64_t put_len;
};

struct survive {
    uint64_t magic;
    uint64_t size;
    uint64_t job;
    uint32_t epoch;
    uint16_t port;
    uint8_t token[CKPT_TOKEN_LEN];
    char boot[SURVIVE_BOOT_LEN + 1];
    uint64_t magic_again; /* stored last: all of the above is there */
    char cwd[PATH_MAX];
    struct kept_image image;
    struct kept_session sessions[3]; /* by role */
    /* The renaming that is going on: open files may have either name. */
    char renamed_from[PATH_MAX], renamed_to[PATH_MAX];
    struct kept_handle handles[SURVIVE_HANDLES];
};

/* A new, empty one in `dirfd`.  NULL with errno. */
struct survive *survive_create(int dirfd, struct ckpt_err *err);
/* It is complete: the shadow serves. */
void survive_seal(struct survive *survive, uint64_t job, uint32_t epoch,
                  uint16_t port, const uint8_t token[CKPT_TOKEN_LEN]);
/* The one that a killed shadow left.  NULL with errno: ENOENT, ESTALE for
 * another epoch or boot, EPROTO when it makes no sense. */
struct survive *survive_open(int dirfd, uint64_t job, uint32_t epoch,
                             struct ckpt_err *err);
/* The incarnation is over. */
void survive_remove(int dirfd);

#endif
