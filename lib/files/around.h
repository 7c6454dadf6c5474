/* around.h - the files near the program that it has not open
 *
 * They do not go back in time with it (lib/keep does that, on demand), but a
 * restart can tell which of them changed.  At the checkpoint the working
 * directory and those of the files that are open for writing are listed; large
 * ones are left out.  doc/image-format.md has the layout of the note, AROUND.
 */
#ifndef CKPT_FILES_AROUND_H
#define CKPT_FILES_AROUND_H

#include "lib/files/look.h"

enum {
    CKPT_AROUND_DIRS = 8,
    CKPT_AROUND_FILES = 256,
    /* as a size: files whose names begin so are not the program's */
    CKPT_AROUND_NOT_FOLLOWED = -1,
};

/* List them into arena memory; files whose paths begin with one of `skip` (up
 * to a NULL; "" is none) are not followed, which the note says.  What cannot be
 * read is left out. Async-signal-safe. */
void ckpt_files_around(const struct ckpt_file_table *table, const char *cwd,
                       const char *const *skip, struct ckpt_arena *arena,
                       struct ckpt_blob *note);

#endif
