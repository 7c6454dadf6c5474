/* bytes.c - see bytes.h */
#include "lib/common/bytes.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "integers are copied as they stand");

struct ckpt_bytes ckpt_bytes_over(void *buf, size_t len)
{
    return (struct ckpt_bytes){buf, (uint8_t *)buf + len, false};
}

size_t ckpt_bytes_left(const struct ckpt_bytes *b)
{
    return b->failed ? 0 : (size_t)(b->end - b->at);
}

static uint8_t *step(struct ckpt_bytes *b, size_t len)
{
    if (b->failed || (size_t)(b->end - b->at) < len) {
        b->failed = true;
        return NULL;
    }
    uint8_t *at = b->at;
    b->at += len;
    return at;
}

void ckpt_put_raw(struct ckpt_bytes *b, const void *data, size_t len)
{
    uint8_t *at = step(b, len);
    if (at && len > 0)
        memcpy(at, data, len);
}

void ckpt_get_raw(struct ckpt_bytes *b, void *data, size_t len)
{
    const uint8_t *at = step(b, len);
    if (len == 0)
        return;
    if (at)
        memcpy(data, at, len);
    else
        memset(data, 0, len);
}

#define PUT_GET(name, type)                                                    \
    void ckpt_put_##name(struct ckpt_bytes *b, type v)                         \
    {                                                                          \
        ckpt_put_raw(b, &v, sizeof v);                                         \
    }                                                                          \
    type ckpt_get_##name(struct ckpt_bytes *b)                                 \
    {                                                                          \
        type v;                                                                \
        ckpt_get_raw(b, &v, sizeof v);                                         \
        return v;                                                              \
    }

PUT_GET(u8, uint8_t)
PUT_GET(u16, uint16_t)
PUT_GET(u32, uint32_t)
PUT_GET(u64, uint64_t)

void ckpt_put_blob(struct ckpt_bytes *b, const void *data, size_t len)
{
    if (len > UINT32_MAX) {
        b->failed = true;
        return;
    }
    ckpt_put_u32(b, (uint32_t)len);
    ckpt_put_raw(b, data, len);
}

void ckpt_put_str(struct ckpt_bytes *b, const char *text)
{
    ckpt_put_blob(b, text, strlen(text));
}

size_t ckpt_get_blob(struct ckpt_bytes *b, const uint8_t **data)
{
    uint32_t len = ckpt_get_u32(b);
    const uint8_t *at = step(b, len);
    *data = at;
    return at ? len : 0;
}

void ckpt_get_str(struct ckpt_bytes *b, char *text, size_t size)
{
    const uint8_t *data;
    size_t len = ckpt_get_blob(b, &data);

    text[0] = '\0';
    if (b->failed)
        return;
    if (len >= size || (len > 0 && memchr(data, '\0', len))) {
        b->failed = true;
        return;
    }
    if (len > 0)
        memcpy(text, data, len);
    text[len] = '\0';
}
