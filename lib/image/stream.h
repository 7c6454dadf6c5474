/* stream.h - a file written once, at the speed of the disk
 *
 * At any place, by several threads, each on a lane of its own:
 *
 *     pages of the caller --vmsplice--> pipe --splice--> O_DIRECT write
 *
 * No byte is copied.  An O_DIRECT write straight from pages that a forked
 * writer shares with the program would have the kernel copy each of them first
 * (it unshares what it pins for I/O); pages in a pipe are only referred to.
 *
 * Or in order, by one thread, bytes of any number:
 *
 *     write ->  [ slot | slot | slot | ... ]  -> several O_DIRECT writes in
 *               page-aligned, own memory         flight (Linux AIO)
 *
 * Where the system refuses vmsplice, splice or AIO, bytes are copied and
 * written one piece at a time; where the file system refuses O_DIRECT, through
 * the page cache.  ckpt_stream_way() tells.
 *
 * Runs in the stopped process: system calls through the gate only.
 */
#ifndef CKPT_IMAGE_STREAM_H
#define CKPT_IMAGE_STREAM_H

#include "lib/common/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum {
    CKPT_STREAM_SLOTS = 8,
    CKPT_STREAM_SLOT_LEN = 1 << 20,
    CKPT_STREAM_LANES = 8,
    CKPT_STREAM_PIECES = 257, /* pages of a slot, and one that is torn */
};

/* One thread's way into the file. */
struct ckpt_stream_lane {
    int pipe[2];     /* -1: not made yet, or not to be had */
    uint8_t *buffer; /* for what cannot be spliced; NULL: not needed so far */
};

struct ckpt_stream {
    int fd; /* the caller's */
    bool direct;
    bool refused;     /* O_DIRECT, by the file system */
    uint64_t offset;  /* bytes that were handed in... */
    uint64_t room;    /* ...the length that the file has for now... */
    uint64_t started; /* ...and what is on its way without O_DIRECT */
    uint8_t *slots;   /* NULL: no memory, every write goes through at once */
    unsigned slot;    /* being filled... */
    size_t fill;      /* ...so far */
    uint64_t place[CKPT_STREAM_SLOTS]; /* offset of each */
    bool busy[CKPT_STREAM_SLOTS];      /* on its way */
    unsigned long aio;                 /* 0: none */
    bool no_aio;                       /* the system has refused it */
    bool ends;                         /* the process, soon, and with it this */
    struct ckpt_stream_lane lanes[CKPT_STREAM_LANES];
    bool copied; /* something could not be spliced */
};

/* Begin to write `fd`, a new empty file.  Cannot fail: it makes do. */
void ckpt_stream_begin(struct ckpt_stream *stream, int fd);

/* Add bytes; an error may be one of an earlier call's bytes.  0, or -1 with
 * errno. */
int ckpt_stream_write(struct ckpt_stream *stream, const void *buf, size_t len);

/* Get room for a file of `len` bytes, to be written by ckpt_stream_write_at().
 * 0, or -1 with errno when there is no such room. */
int ckpt_stream_reserve(struct ckpt_stream *stream, uint64_t len);

/* Write at `offset`, and wait.  Of several threads each uses another lane;
 * nobody uses ckpt_stream_write() beside.  Pieces and offset are multiples of
 * the page size, but for the very end of the file; at most
 * CKPT_STREAM_SLOT_LEN bytes.  0, or -1 with errno. */
int ckpt_stream_write_at(struct ckpt_stream *stream, unsigned lane,
                         const struct iovec *pieces, size_t n, uint64_t offset);

/* How it went, for a log: "" when as it should. */
const char *ckpt_stream_way(const struct ckpt_stream *stream);

/* Write what is left, wait for everything, and give the file its length.  Not
 * synced.  0, or -1 with errno. */
int ckpt_stream_finish(struct ckpt_stream *stream);

/* Wait for what is on its way and give everything back; may be called
 * again. */
void ckpt_stream_end(struct ckpt_stream *stream);

#endif
