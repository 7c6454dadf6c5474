/* image_kept.h - what of the files goes back in time with an image */
#ifndef CKPT_CLI_IMAGE_KEPT_H
#define CKPT_CLI_IMAGE_KEPT_H

#include "cli/json.h"
#include "lib/image/image.h"
#include "lib/image/notes.h"

void image_kept_print(const struct ckpt_notes *notes);
void image_kept_json(struct json *json, const struct ckpt_notes *notes);

/* Check everything that a restart would put back.  0 (also when files are only
 * tracked), or -1. */
int image_kept_verify(const struct ckpt_image *image, struct ckpt_err *err);

#endif
