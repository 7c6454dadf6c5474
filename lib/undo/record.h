/* record.h - the frame of a journal record, shared by writer and reader */
#ifndef CKPT_UNDO_RECORD_H
#define CKPT_UNDO_RECORD_H

#include <stddef.h>
#include <stdint.h>

enum {
    RECORD_MAGIC = 0x524a4b43, /* "CKJR" */
    RECORD_HEAD_LEN = 24,
    RECORD_CRC_AT = 16,
    RECORD_BLOCK_LEN = 16, /* before the bytes of a block */
    RECORD_LEN_MAX = (4 << 20) + 65536,
};

/* Payloads are padded to a multiple of 8, so that records begin at one. */
#define RECORD_PAD(len) (((len) + 7) & ~(size_t)7)

/* CRC-32 over the head without the sum itself, and the payload. */
uint32_t record_crc(const uint8_t *record, size_t len);

#endif
