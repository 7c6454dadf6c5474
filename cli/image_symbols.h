/* image_symbols.h - the function at an address of an ELF file
 *
 * The file is one that an image names; it may be another one by now, or
 * anything: nothing in it is trusted.
 */
#ifndef CKPT_CLI_IMAGE_SYMBOLS_H
#define CKPT_CLI_IMAGE_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The function that holds `addr` (an address in the file), by .symtab or
 * .dynsym.  False when the file cannot be read or knows none. */
bool image_symbol(const char *path, uint64_t addr, char *name, size_t size,
                  uint64_t *offset);

#endif
