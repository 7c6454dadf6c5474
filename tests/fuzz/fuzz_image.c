/* fuzz_image.c - any bytes as an image
 *
 * With libFuzzer (image_search.sh) it searches; without it runs the files that
 * it is given, and every file with its bytes changed.  Each input is tried as
 * it is and with its checksums made right.
 */
#include "lib/image/image.h"
#include "lib/image/notes.h"
#include "tests/unit/image_sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void use(struct ckpt_image *image)
{
    struct ckpt_notes notes;
    struct ckpt_err err;
    const struct ckpt_image_segment *segments;
    uint8_t page[4096];
    size_t n = ckpt_image_segments(image, &segments);

    if (ckpt_notes_read(image, &notes, &err) == 0)
        ckpt_notes_clear(&notes);
    for (size_t i = 0; i < n && i < 16; i++)
        if (segments[i].filesz > 0)
            ckpt_image_read(image, segments[i].offset, page, sizeof page, &err);
    ckpt_image_verify(image, &err);
}

static void open_bytes(const uint8_t *data, size_t len)
{
    char path[64];
    int fd = memfd_create("image", MFD_CLOEXEC);
    struct ckpt_err err;

    if (fd < 0 || write(fd, data, len) != (ssize_t)len)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct ckpt_image *image = ckpt_image_open(path, &err);
    if (image)
        use(image);
    ckpt_image_close(image);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t *forged = malloc(len + 1);

    open_bytes(data, len);
    memcpy(forged, data, len);
    sample_forge(forged, len);
    if (memcmp(forged, data, len) != 0)
        open_bytes(forged, len);
    free(forged);
    return 0;
}

#ifndef CKPT_LIBFUZZER
static int run_file(const char *path)
{
    static uint8_t data[1 << 20];
    FILE *f = fopen(path, "rb");

    if (!f) {
        perror(path);
        return 1;
    }
    size_t len = fread(data, 1, sizeof data, f);
    fclose(f);
    LLVMFuzzerTestOneInput(data, len);
    for (size_t i = 0; i < len; i += 1 + i / 256) {
        data[i] ^= 0x41;
        LLVMFuzzerTestOneInput(data, len);
        data[i] ^= 0x41;
    }
    return 0;
}

int main(int argc, char **argv)
{
    int rc = 0;

    for (int i = 1; i < argc; i++)
        rc |= run_file(argv[i]);
    printf("%d files\n", argc - 1);
    return rc;
}
#endif
