/* xdr_memory.h - what the xdr_* routines get instead of malloc in a program
 *
 * lib/proto/inside.o is linked so that the calloc and free of libtirpc's
 * xdr_* routines are these.  The memory is one mapping, taken from the front;
 * it is empty again when everything was freed, which is at the end of each
 * call.  Async-signal-safe; any number of threads.
 */
#ifndef CKPT_PROTO_XDR_MEMORY_H
#define CKPT_PROTO_XDR_MEMORY_H

#include <stddef.h>

/* Zeroed memory, or NULL when 4 MiB are in use (then the decoding fails). */
void *ckpt_xdr_calloc(size_t count, size_t size);
void ckpt_xdr_free(void *memory);

/* For libtirpc's complaints: says nothing. */
void ckpt_xdr_warnx(const char *fmt, ...);

#endif
