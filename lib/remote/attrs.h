/* attrs.h - attributes by path, good for a moment (internal to lib/remote)
 *
 * From STAT and READDIR, until the job changes anything at home; by the name at
 * home, and by the words in which the program asked.
 */
#ifndef CKPT_REMOTE_ATTRS_H
#define CKPT_REMOTE_ATTRS_H

#include "lib/remote/state.h"

struct stat;

size_t ckpt_attrs_size(void);
/* Have the attributes of `path` (absolute, at home) been seen just now? */
bool ckpt_attrs_find(const char *path, bool follow, struct shadow_attr *attr);
/* `follow` as they were asked for. */
void ckpt_attrs_note(const char *path, bool follow,
                     const struct shadow_attr *attr);
/* One more call of this kind goes home. */
void ckpt_attrs_call(uint32_t proc);

/* The program wrote `text` (its memory) for `path`, relative to the working
 * directory, and this is the answer. */
void ckpt_words_note(uint64_t text, const char *path, bool follow,
                     const struct stat *answer);
/* The answer that is still good, or NULL.  For fast.c, under a lent lock:
 * may be nonsense when the lock is not ours any more. */
const struct stat *ckpt_words_find(const char *text, bool follow);
/* The working directory is another one. */
void ckpt_words_forget(void);

#endif
