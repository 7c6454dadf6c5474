/* stream.h - a file written once, in order, at the speed of the disk
 *
 *     write ->  [ slot | slot | slot | ... ]  -> several O_DIRECT writes in
 *               page-aligned, own memory         flight (Linux AIO)
 *
 * The bytes are copied once, into memory of the stream: pages that a forked
 * writer shares with the program would be copied by the kernel for O_DIRECT
 * anyway, and kept.  Where the file system refuses O_DIRECT or AIO is not to
 * be had, the same slots are written the ordinary way.
 *
 * Runs in the stopped process: system calls through the gate only.
 */
#ifndef CKPT_IMAGE_STREAM_H
#define CKPT_IMAGE_STREAM_H

#include "lib/common/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CKPT_STREAM_SLOTS = 8, CKPT_STREAM_SLOT_LEN = 1 << 20 };

struct ckpt_stream {
    int fd; /* the caller's */
    bool direct;
    uint64_t offset;  /* bytes that were handed in... */
    uint64_t room;    /* ...the length that the file has for now... */
    uint64_t started; /* ...and what is on its way without O_DIRECT */
    uint8_t *slots;   /* NULL: no memory, every write goes through at once */
    unsigned slot;    /* being filled... */
    size_t fill;      /* ...so far */
    uint64_t place[CKPT_STREAM_SLOTS]; /* offset of each */
    bool busy[CKPT_STREAM_SLOTS];      /* on its way */
    unsigned long aio;                 /* 0: none */
};

/* Begin to write `fd`, a new empty file.  Cannot fail: it makes do. */
void ckpt_stream_begin(struct ckpt_stream *stream, int fd);

/* Add bytes; an error may be one of an earlier call's bytes.  0, or -1 with
 * errno. */
int ckpt_stream_write(struct ckpt_stream *stream, const void *buf, size_t len);

/* Write what is left, wait for everything, and give the file its length.  Not
 * synced.  0, or -1 with errno. */
int ckpt_stream_finish(struct ckpt_stream *stream);

/* Wait for what is on its way and give everything back; may be called
 * again. */
void ckpt_stream_end(struct ckpt_stream *stream);

#endif
