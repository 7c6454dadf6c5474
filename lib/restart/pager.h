/* pager.h - a process that brings a restarted program its memory
 *
 *     restarter               pager                      revived program
 *     ---------               -----                      ---------------
 *     forks it         -->
 *     userfaultfd      -->
 *     stages the rest,
 *     jumps (lib/bare)
 *     "in place"       -->    registers the memory
 *                      <--    "go on"
 *                             userfaultfd        -->     holds it
 *                      <--    fault                      touches a page
 *                             reads, checks, unpacks
 *                             the chunk; copies it -->   goes on
 *                             all the other chunks -->
 *                             word               -->     traps end (lazy.h)
 *
 * For images that cannot be mapped: compressed ones, increments with their
 * bases.  No byte gets to the program unchecked: damage ends it.  The memory is
 * anonymous all the time; a page that is missing makes whoever touches it
 * wait, the kernel on behalf of a system call included.  For that the kernel
 * asks for privilege (CAP_SYS_PTRACE), for vm.unprivileged_userfaultfd = 1, or
 * for access to /dev/userfaultfd: where there is none of these all memory is
 * read first.  (Faults of the user's mode alone are free for all, but a signal
 * frame on a stack that is missing would kill the program.)
 */
#ifndef CKPT_RESTART_PAGER_H
#define CKPT_RESTART_PAGER_H

#include "lib/common/err.h"
#include "lib/image/load.h"

#include <stdbool.h>

/* The kernel would let us. */
bool ckpt_pager_is_possible(void);

/* Leave a pager behind for these pieces (their `to` being the program's
 * addresses), in the spans; it reads the image by the descriptors that are
 * open.  Returns the socket to it, or -1.  The pager ends when all other ends
 * of the socket are closed. */
int ckpt_pager_start(struct ckpt_image *image,
                     const struct ckpt_image_piece *pieces, size_t npieces,
                     const struct ckpt_span *spans, size_t nspans,
                     struct ckpt_err *err);

/* Give it a userfaultfd for the memory of this process.  0, or -1: the caller
 * closes the socket and does without. */
int ckpt_pager_arm(int sock, struct ckpt_err *err);

/* --- the other side ------------------------------------------------------ */

/* Be the pager. */
void ckpt_pager_serve(int sock, const struct ckpt_load *load,
                      const struct ckpt_span *spans, size_t nspans)
    __attribute__((noreturn));

/* A message of one byte with (or, -1, without) a descriptor. */
int ckpt_pager_send(int sock, char byte, int fd);

#endif
