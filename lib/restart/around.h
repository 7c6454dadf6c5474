/* around.h - files that will not go back with the program (lib/files/around.h)
 */
#ifndef CKPT_RESTART_AROUND_H
#define CKPT_RESTART_AROUND_H

#include "lib/image/image.h"
#include "lib/image/notes.h"

/* Tell, in one line, which files near the program have changed since the
 * checkpoint without being put back, and may be the program's work: not
 * libckpt's, another user's, or another machine's.  `path` is the image's.  A
 * note that is malformed tells nothing. */
void ckpt_around_tell(const struct ckpt_image *image,
                      const struct ckpt_notes *notes, const char *path,
                      void (*tell)(const char *text));

#endif
