/* bytes.h - explicit little-endian layouts in bounded buffers
 *
 * A cursor walks a buffer; the first step over its end marks it failed and
 * every later step does nothing, so that one check at the end is enough.
 * Pure; async-signal-safe.
 */
#ifndef CKPT_COMMON_BYTES_H
#define CKPT_COMMON_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ckpt_bytes {
    uint8_t *at;
    uint8_t *end;
    bool failed;
};

struct ckpt_bytes ckpt_bytes_over(void *buf, size_t len);

void ckpt_put_u8(struct ckpt_bytes *b, uint8_t v);
void ckpt_put_u16(struct ckpt_bytes *b, uint16_t v);
void ckpt_put_u32(struct ckpt_bytes *b, uint32_t v);
void ckpt_put_u64(struct ckpt_bytes *b, uint64_t v);
void ckpt_put_raw(struct ckpt_bytes *b, const void *data, size_t len);
/* u32 length, then the bytes (no terminator). */
void ckpt_put_str(struct ckpt_bytes *b, const char *text);
void ckpt_put_blob(struct ckpt_bytes *b, const void *data, size_t len);

/* Reading past the end yields 0 and marks the cursor failed. */
uint8_t ckpt_get_u8(struct ckpt_bytes *b);
uint16_t ckpt_get_u16(struct ckpt_bytes *b);
uint32_t ckpt_get_u32(struct ckpt_bytes *b);
uint64_t ckpt_get_u64(struct ckpt_bytes *b);
void ckpt_get_raw(struct ckpt_bytes *b, void *data, size_t len);
/* Copies a string of less than `size` bytes and terminates it; a longer one,
 * or one with a NUL in it, fails the cursor. */
void ckpt_get_str(struct ckpt_bytes *b, char *text, size_t size);
/* Points into the buffer; returns the length. */
size_t ckpt_get_blob(struct ckpt_bytes *b, const uint8_t **data);

size_t ckpt_bytes_left(const struct ckpt_bytes *b);

#endif
