/* bases.h - the images that others build on, under names that stay
 *
 *     sim.ckpt                             the newest image
 *     sim.ckpt.1 ...                       older ones (--keep)
 *     sim.ckpt.bases/4f1d0c...2a.0         a whole image...
 *     sim.ckpt.bases/4f1d0c...2a.1         ...an increment on it, and so on
 *
 * Every image of a chain has a second name (hard link) CHAIN.DEPTH in that
 * directory.  One is needed as long as it, or one further up in its chain, has
 * a name elsewhere, whatever that is: a kept generation, or one that somebody
 * gave it.
 *
 * Runs in the stopped process: system calls through the gate only.
 */
#ifndef CKPT_IMAGE_BASES_H
#define CKPT_IMAGE_BASES_H

#include "lib/common/err.h"

#include <stdbool.h>
#include <stddef.h>

#define CKPT_BASES_SUFFIX ".bases"

/* "PATH.bases/MEMBER"; false when it does not fit. */
bool ckpt_bases_member(const char *path, const char *member, char *name,
                       size_t size);

/* Give the file `tmp`, about to become the image PATH, its name among the
 * bases.  0, or -1 with errno: then nothing can build on it. */
int ckpt_bases_link(const char *path, const char *tmp, const char *member);

/* Make such names durable: to be done before anything builds on them.  After
 * the image has its own name both are in one commit of many a file system's
 * journal. */
int ckpt_bases_sync(const char *path);

/* Remove what no image needs any more.  Never fails; looks at a bounded number
 * of entries.  `ends`: as in struct ckpt_file_sink. */
void ckpt_bases_collect(const char *path, bool ends);

#endif
