/* boot.h - what a launcher hands to a remote job through an inherited pipe
 *
 * The bytes are explicit (bytes.h) and never stored anywhere: not in argv, not
 * in the environment (which holds only the descriptor's number, in
 * CKPT_REMOTE_FD), not in an image, not in a log.
 */
#ifndef CKPT_PROTO_BOOT_H
#define CKPT_PROTO_BOOT_H

#include "lib/common/err.h"

#include <stddef.h>
#include <stdint.h>

enum {
    CKPT_TOKEN_LEN = 32,
    CKPT_BOOT_HOST_MAX = 256,
    CKPT_BOOT_MAX = 512, /* encoded size limit */
};

struct ckpt_boot {
    char host[CKPT_BOOT_HOST_MAX]; /* numeric address of the shadow */
    uint16_t port;
    uint64_t job;   /* job number, part of the handshake's prologue */
    uint32_t epoch; /* incarnation, part of the handshake's prologue */
    uint8_t token[CKPT_TOKEN_LEN];
};

/* Encode into buf (CKPT_BOOT_MAX bytes); returns the length. */
size_t ckpt_boot_encode(const struct ckpt_boot *boot, uint8_t *buf);

/* Read and decode one from `fd` to its end; closes nothing.  0, or -1 with
 * EPROTO.  Async-signal-safe. */
int ckpt_boot_read(int fd, struct ckpt_boot *boot, struct ckpt_err *err);

#endif
