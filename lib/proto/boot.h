/* boot.h - what a launcher hands to a remote job through an inherited pipe
 *
 * The bytes are explicit (bytes.h) and never stored anywhere: not in argv, not
 * in the environment (which holds only the descriptor's number, in
 * CKPT_REMOTE_FD), not in an image, not in a log.
 */
#ifndef CKPT_PROTO_BOOT_H
#define CKPT_PROTO_BOOT_H

#include "lib/common/bytes.h"
#include "lib/common/err.h"

#include <stdbool.h>
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
    bool plain; /* after the handshake nothing is encrypted */
};

/* Encode into buf (CKPT_BOOT_MAX bytes); returns the length. */
size_t ckpt_boot_encode(const struct ckpt_boot *boot, uint8_t *buf);

/* Read and decode one from `fd` to its end; closes nothing.  0, or -1 with
 * EPROTO.  Async-signal-safe. */
int ckpt_boot_read(int fd, struct ckpt_boot *boot, struct ckpt_err *err);

/* The handshake's prologue between shadow and job or starter: the same bytes on
 * both sides or no channel; so nobody talks one side into doing without
 * encryption.  Writes CKPT_BOOT_PROLOGUE_LEN bytes and returns
 * that. */
enum { CKPT_BOOT_PROLOGUE_LEN = 24 };
static inline size_t ckpt_boot_prologue(const struct ckpt_boot *boot,
                                        uint8_t *prologue)
{
    struct ckpt_bytes b = ckpt_bytes_over(prologue, CKPT_BOOT_PROLOGUE_LEN);

    ckpt_put_raw(&b, boot->plain ? "ckpt shadow\2" : "ckpt shadow\1", 12);
    ckpt_put_u64(&b, boot->job);
    ckpt_put_u32(&b, boot->epoch);
    return CKPT_BOOT_PROLOGUE_LEN;
}

#endif
