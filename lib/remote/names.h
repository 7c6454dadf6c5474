/* names.h - handlers that names.c calls without a trap (internal) */
#ifndef CKPT_REMOTE_NAMES_H
#define CKPT_REMOTE_NAMES_H

#include "lib/remote/state.h"

long ckpt_do_read(struct ckpt_call *call);
long ckpt_do_write(struct ckpt_call *call);
long ckpt_do_pread64(struct ckpt_call *call);
long ckpt_do_pwrite64(struct ckpt_call *call);
long ckpt_do_readv(struct ckpt_call *call);
long ckpt_do_writev(struct ckpt_call *call);
long ckpt_do_preadv(struct ckpt_call *call);
long ckpt_do_pwritev(struct ckpt_call *call);
long ckpt_do_lseek(struct ckpt_call *call);

/* Put a function of ours where the program's objects call libc's. */
struct ckpt_name {
    const char *name;
    void *ours;
    const void *seen;  /* what the name means in this program */
    const void *libcs; /* what it means in libc */
};

/* In every object that is loaded now, for names that mean libc's. */
void ckpt_names_patch(const struct ckpt_name *names, unsigned int count);

/* `function`, or NULL when it is not in the object that has __read: for names
 * of which libc has no second one. */
const void *ckpt_if_libcs(const void *function);

/* In what the loader has made read-only of the object to which the function
 * `libcs` belongs: `ours` wherever its address stands. */
void ckpt_values_patch(const void *libcs, void *ours);

/* The streams of a dynamic program come to stdio.c first. */
void ckpt_stdio_install(void);

ssize_t ckpt_name_read(int fd, void *buf, size_t len);
ssize_t ckpt_name_write(int fd, const void *buf, size_t len);

#endif
