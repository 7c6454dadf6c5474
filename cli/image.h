/* image.h - what the actions of `ckpt image` share
 *
 * Each takes the image's path and prints to stdout; 0, or 1 after it has said
 * on stderr what is wrong.
 */
#ifndef CKPT_CLI_IMAGE_H
#define CKPT_CLI_IMAGE_H

#include <stdbool.h>

int image_show(const char *path, bool json);
int image_backtrace(const char *path, bool json);

#endif
