/* pty.h - what a pseudo-terminal holds, and how that is put into it
 *
 *     master  --- what was typed --->  input: lines, and a line begun
 *             <-- output: bytes -----  slave
 *
 * Both ends are in the program.  The kernel lets nobody look into a terminal:
 * what is in it is read, and put back (lib/files/look_pty.c), or put into a new
 * one (lib/restart/files_pty.c).  doc/image-format.md has the layout.
 *
 * Async-signal-safe; system calls go through the gate.
 */
#ifndef CKPT_FILES_PTY_H
#define CKPT_FILES_PTY_H

#include "lib/common/bytes.h"
#include "lib/common/err.h"
#include "lib/image/notes.h"

#include <asm/termbits.h>
#include <stdbool.h>
#include <stdint.h>

enum ckpt_pty_role { CKPT_PTY_MASTER = 0, CKPT_PTY_SLAVE = 1 };

/* How a piece of the input ends: with the character that ends a line; where an
 * end of file was typed; not yet. */
enum ckpt_pty_end { CKPT_PTY_LINE = 0, CKPT_PTY_EOF = 1, CKPT_PTY_OPEN = 2 };

/* At most this is in either direction. */
enum { CKPT_PTY_BYTES_MAX = 64 << 10 };

struct ckpt_pty {
    uint32_t number;
    struct termios2 modes;
    uint16_t size[4]; /* struct winsize */
    uint32_t locked, packet, slave_closed;
    struct ckpt_blob input;  /* pieces: u32 how it ends, blob */
    struct ckpt_blob output; /* bytes */
};

/* The state of a master; of a slave only role and number. */
void ckpt_pty_encode(struct ckpt_bytes *b, const struct ckpt_pty *pty);
bool ckpt_pty_decode(struct ckpt_bytes b, enum ckpt_pty_role *role,
                     struct ckpt_pty *pty);

/* Put all of that into an empty pseudo-terminal.  `slave` must be open for
 * reading and writing; both ends must not block.  0, or -1 with err. */
int ckpt_pty_fill(int master, int slave, const struct ckpt_pty *pty,
                  struct ckpt_err *err);

/* Modes in which every byte goes through unchanged. */
struct termios2 ckpt_pty_raw(const struct termios2 *modes);
/* Through the master: a program in the background may do that. */
int ckpt_pty_set_modes(int master, const struct termios2 *modes);

/* Does poll(2) report one of `events`?  After `ms` at the latest. */
bool ckpt_pty_polls(int fd, short events, int ms);

#endif
