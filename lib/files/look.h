/* look.h - what the descriptors of this process are
 *
 * Asked of the kernel at the moment of the checkpoint (/proc/self/fd, fdinfo,
 * fstat, kcmp); nothing is recorded when files are opened.
 *
 *     descriptor -> open file description -> file
 *         3   \
 *              >----  flags, offset  ------ /home/ann/log
 *         7   /
 *         4   ------  flags, offset  ------ /home/ann/log
 *
 * Async-signal-safe.
 */
#ifndef CKPT_FILES_LOOK_H
#define CKPT_FILES_LOOK_H

#include "lib/capture/arena.h"
#include "lib/common/err.h"
#include "lib/image/notes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ckpt_file_table {
    struct ckpt_open_file *files;
    size_t nfiles;
    struct ckpt_descriptor *descriptors;
    size_t ndescriptors;
    uint32_t ncontents; /* files whose content goes into the image */
    uint64_t content_bytes;
};

/* What the caller of the program gave it besides 0, 1 and 2, seen before main:
 * like those, it is taken from the caller of a restart again. */
enum { CKPT_INHERITED_MAX = 64 };
struct ckpt_inherited {
    struct {
        int32_t fd;
        uint64_t dev, ino;
    } entries[CKPT_INHERITED_MAX];
    size_t count;
};
void ckpt_files_inherited(struct ckpt_inherited *inherited);

/* Forget what the program has closed since; and, in the revived program, learn
 * what the caller of the restart gave in place of the rest. */
void ckpt_files_inherited_prune(struct ckpt_inherited *inherited);
void ckpt_files_inherited_renew(struct ckpt_inherited *inherited);

/* Fill `table` with arena memory.  Descriptors for which skip(fd) is true are
 * left out.  0, or -1: EBUSY with the descriptor and the cause named when one
 * could not be restored, ENOMEM, or what /proc left. */
int ckpt_files_look(struct ckpt_file_table *table, struct ckpt_arena *arena,
                    const struct ckpt_inherited *inherited,
                    bool (*skip)(int fd), struct ckpt_err *err);

/* Map the `number`-th content (from 1) to be read, and unmap it again.  0, or
 * -1 with the file named. */
int ckpt_files_map_content(const struct ckpt_file_table *table, uint32_t number,
                           struct ckpt_blob *content, struct ckpt_err *err);
void ckpt_files_unmap_content(const struct ckpt_blob *content);

#endif
