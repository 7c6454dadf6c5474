/* image_unwind.h - walk the stacks in an image with libunwind
 *
 * Registers come from the threads' notes; memory, unwind tables and the
 * headers of program and libraries from the saved memory: neither the program
 * nor its libraries need be on this machine, and a compressed image is read
 * where it stands.
 */
#ifndef CKPT_CLI_IMAGE_UNWIND_H
#define CKPT_CLI_IMAGE_UNWIND_H

#include "lib/image/image.h"
#include "lib/image/notes.h"

#include <sys/procfs.h>

/* A program or library in the image. */
struct image_module {
    const char *path;
    uint64_t bias;                 /* address in memory - address in the file */
    uint64_t text_start, text_end; /* of the segment that was asked for */
    uint64_t unwind_table;         /* address of .eh_frame_hdr, 0: none */
};

struct image_frame {
    uint64_t pc, sp;
    bool called; /* pc is a return address */
    bool has_module;
    struct image_module module;
};

/* Read saved memory; what was not saved because it was zero reads as zero. */
int image_memory_read(struct ckpt_image *image, const struct ckpt_notes *notes,
                      uint64_t addr, void *buf, size_t len);

/* Call `each` for every frame of the thread with these registers, innermost
 * first.  0, or -1 with err. */
int image_unwind(struct ckpt_image *image, const struct ckpt_notes *notes,
                 const struct elf_prstatus *status,
                 void (*each)(const struct image_frame *frame, void *arg),
                 void *arg, struct ckpt_err *err);

#endif
