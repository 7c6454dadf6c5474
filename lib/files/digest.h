/* digest.h - has a file been changed in place?
 *
 * The digest covers the first `size` bytes of the file: all of them up to
 * 4 MiB; of a longer file 64 blocks of 64 KiB, evenly spread, with the first
 * and the last.  What is appended later does not change it.  It is a test
 * against accidents and not against malice (XXH3, 64 bits).
 */
#ifndef CKPT_FILES_DIGEST_H
#define CKPT_FILES_DIGEST_H

#include <stdint.h>

/* 0 when the file cannot be read (then nothing is known); never 0 otherwise.
 * Async-signal-safe. */
uint64_t ckpt_file_digest(const char *path, uint64_t size);

/* The same of an open file, from wherever its offset is. */
uint64_t ckpt_file_digest_fd(int fd, uint64_t size);

#endif
