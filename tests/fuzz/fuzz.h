/* fuzz.h - what the fuzz targets share: an open channel to themselves */
#ifndef CKPT_TESTS_FUZZ_H
#define CKPT_TESTS_FUZZ_H

#include "lib/proto/channel.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Two ends of one channel, in static memory; both sockets non-blocking. */
struct fuzz_pair {
    struct ckpt_channel *a, *b;
};

/* Make a new pair; the last one is closed. */
struct fuzz_pair fuzz_pair(void);

/* Send bytes from a; they fit the socket (64 KiB at most). */
void fuzz_send(struct fuzz_pair *pair, const void *data, size_t len);

#endif
