/* format.h - the numbers of doc/image-format.md that writer and reader share
 */
#ifndef CKPT_IMAGE_FORMAT_H
#define CKPT_IMAGE_FORMAT_H

#include <elf.h>
#include <stdint.h>

/* Images that stand by themselves are of version 1; increments, which a reader
 * of version 1 would take for the whole memory, of version 2. */
#define CKPT_FORMAT_VERSION 2
#define CKPT_FORMAT_VERSION_WHOLE 1
/* Of what surrounds the chunks of a compressed one. */
#define CKPT_FRAMES_VERSION 1

/* File offsets of memory are multiples of this, so that it can be mapped. */
#define CKPT_IMAGE_PAGE 4096u

/* Checksums, and compressed frames, are over pieces of the core file of this
 * size; the last one is shorter. */
#define CKPT_IMAGE_CHUNK (1u << 20)

#define CKPT_IMAGE_CHECKSUM_XXH3 1

/* The note that opens the file: u32 version, u32 checksum algorithm, u32
 * chunk size, u32 0, u64 offset of the last note segment, u64 file size. */
#define CKPT_FORMAT_DESC_LEN 32u

/* The note that closes it: u64 bytes covered, u32 chunk size, u32 count,
 * count * u64, u64 checksum of the whole note before it. */
#define CKPT_CHECKSUMS_FIXED_LEN 24u

/* "CKPT", its NUL, padded to a multiple of 4. */
#define CKPT_NOTE_NAME "CKPT"
#define CKPT_NOTE_HEAD_LEN (sizeof(Elf64_Nhdr) + 8u)

_Static_assert(sizeof(Elf64_Ehdr) == 64, "ELF header");
_Static_assert(sizeof(Elf64_Phdr) == 56, "ELF program header");
_Static_assert(sizeof(Elf64_Shdr) == 64, "ELF section header");
_Static_assert(sizeof(Elf64_Nhdr) == 12, "ELF note header");

/* Round up to a power of two; the caller knows that it cannot overflow. */
static inline uint64_t ckpt_align(uint64_t n, uint64_t to)
{
    return (n + to - 1) & ~(to - 1);
}

static inline uint64_t ckpt_chunks(uint64_t len)
{
    return len / CKPT_IMAGE_CHUNK + (len % CKPT_IMAGE_CHUNK != 0);
}

#endif
