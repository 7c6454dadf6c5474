/* digest.c - see digest.h */
#include "lib/files/digest.h"

#include "lib/common/io.h"
#include "lib/common/sys.h"
#include "lib/image/checksum.h"

#include <fcntl.h>
#include <stddef.h>

enum { BLOCK = 64 << 10, BLOCKS = 64 };

/* Where the i-th of the blocks to read begins. */
static uint64_t block_at(uint64_t size, uint64_t i)
{
    if (size <= (uint64_t)BLOCK * BLOCKS)
        return i * BLOCK;
    uint64_t last = size - BLOCK;
    return last / (BLOCKS - 1) * i + last % (BLOCKS - 1) * i / (BLOCKS - 1);
}

uint64_t ckpt_file_digest_fd(int fd, uint64_t size)
{
    uint8_t buf[BLOCK];
    uint64_t digest = size;

    for (uint64_t i = 0; i < BLOCKS && block_at(size, i) < size; i++) {
        uint64_t at = block_at(size, i);
        size_t len = size - at < BLOCK ? (size_t)(size - at) : BLOCK;
        ssize_t n = ckpt_pread_full(fd, buf, len, (off_t)at);
        if (n != (ssize_t)len) {
            digest = ~0ull; /* shorter than it was: certainly changed */
            break;
        }
        digest = digest * 0x9e3779b97f4a7c15ull + ckpt_checksum(buf, len);
    }
    return digest ? digest : 1;
}

uint64_t ckpt_file_digest(const char *path, uint64_t size)
{
    long fd = ckpt_sys(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return 0;
    uint64_t digest = ckpt_file_digest_fd((int)fd, size);
    ckpt_sys(SYS_close, fd);
    return digest;
}
