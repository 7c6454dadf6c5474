/* boot.c - see boot.h
 *
 *     u32 magic "CKPB"   u32 version
 *     str host   u16 port   u64 job   u32 epoch   32 bytes token
 *
 * Version 1; a plain one is 2, which a library that does not know the
 * difference refuses.
 */
#include "lib/proto/boot.h"

#include "lib/common/bytes.h"
#include "lib/common/io.h"

#include <errno.h>
#include <string.h>

enum { BOOT_MAGIC = 0x42504b43, BOOT_VERSION = 1, BOOT_PLAIN = 2 };

_Static_assert(4 + 4 + 4 + CKPT_BOOT_HOST_MAX + 2 + 8 + 4 + CKPT_TOKEN_LEN <=
                   CKPT_BOOT_MAX,
               "a boot record fits its buffer");

size_t ckpt_boot_encode(const struct ckpt_boot *boot, uint8_t *buf)
{
    struct ckpt_bytes b = ckpt_bytes_over(buf, CKPT_BOOT_MAX);

    ckpt_put_u32(&b, BOOT_MAGIC);
    ckpt_put_u32(&b, boot->plain ? BOOT_PLAIN : BOOT_VERSION);
    ckpt_put_str(&b, boot->host);
    ckpt_put_u16(&b, boot->port);
    ckpt_put_u64(&b, boot->job);
    ckpt_put_u32(&b, boot->epoch);
    ckpt_put_raw(&b, boot->token, sizeof boot->token);
    return CKPT_BOOT_MAX - ckpt_bytes_left(&b);
}

static int decode(uint8_t *buf, size_t len, struct ckpt_boot *boot,
                  struct ckpt_err *err)
{
    struct ckpt_bytes b = ckpt_bytes_over(buf, len);
    uint32_t magic = ckpt_get_u32(&b);
    uint32_t version = ckpt_get_u32(&b);

    if (b.failed || magic != BOOT_MAGIC)
        return ckpt_err_set(err, EPROTO, "not a boot record");
    if (version != BOOT_VERSION && version != BOOT_PLAIN)
        return ckpt_err_set(err, EPROTO, "boot record of version %u, not %d",
                            version, BOOT_VERSION);
    boot->plain = version == BOOT_PLAIN;
    ckpt_get_str(&b, boot->host, sizeof boot->host);
    boot->port = ckpt_get_u16(&b);
    boot->job = ckpt_get_u64(&b);
    boot->epoch = ckpt_get_u32(&b);
    ckpt_get_raw(&b, boot->token, sizeof boot->token);
    if (b.failed || ckpt_bytes_left(&b) != 0)
        return ckpt_err_set(err, EPROTO, "boot record is malformed");
    return 0;
}

int ckpt_boot_read(int fd, struct ckpt_boot *boot, struct ckpt_err *err)
{
    uint8_t buf[CKPT_BOOT_MAX + 1];
    struct ckpt_boot got;
    int rc = -1;

    memset(&got, 0, sizeof got);
    ssize_t n = ckpt_read_full(fd, buf, sizeof buf);
    if (n < 0)
        ckpt_err_sys(err, "reading the boot record");
    else if (n > CKPT_BOOT_MAX)
        ckpt_err_set(err, EPROTO, "boot record is too long");
    else
        rc = decode(buf, (size_t)n, &got, err);
    if (rc == 0)
        *boot = got;
    int errnum = errno;
    explicit_bzero(buf, sizeof buf);
    explicit_bzero(&got, sizeof got);
    errno = errnum;
    return rc;
}
