/* fuzz_boot.c - boot records that are not what they should be */
#include "lib/proto/boot.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct ckpt_boot boot;
    uint8_t again[CKPT_BOOT_MAX];
    int fds[2];

    if (len > 2 * CKPT_BOOT_MAX || pipe(fds))
        return -1;
    if (write(fds[1], data, len) != (ssize_t)len)
        abort();
    close(fds[1]);
    int rc = ckpt_boot_read(fds[0], &boot, NULL);
    close(fds[0]);
    if (rc == 0 && (ckpt_boot_encode(&boot, again) != len ||
                    memcmp(again, data, len) != 0))
        abort(); /* one meaning, one encoding */
    return 0;
}
