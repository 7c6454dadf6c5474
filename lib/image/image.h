/* image.h - the checkpoint image as a file: writing and reading
 *
 * An uncompressed image is an ELF core file (doc/image-format.md): gdb,
 * readelf and elfutils open it.  A compressed one is the same bytes as a
 * sequence of independent zstd frames or gzip members with an index at the
 * end, so that `zstd -d` or `gunzip` gives the core file back.
 *
 * Writing happens in the stopped process: no malloc, no stdio, no locks; the
 * caller lends the working memory.  Reading happens in the tools and trusts
 * nothing: every length is checked before it is used.
 */
#ifndef CKPT_IMAGE_IMAGE_H
#define CKPT_IMAGE_IMAGE_H

#include "lib/common/err.h"
#include "lib/image/stream.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum ckpt_codec { CKPT_CODEC_NONE, CKPT_CODEC_ZSTD, CKPT_CODEC_ZLIB };

/* "none", "zstd", "zlib" -> codec.  0, or -1 with EINVAL (unknown) or
 * ENOTSUP (zstd not compiled in). */
int ckpt_codec_parse(const char *name, enum ckpt_codec *codec,
                     struct ckpt_err *err);
const char *ckpt_codec_name(enum ckpt_codec codec);

/* Where the bytes of an image go.  All of these return 0, or -1 with errno and
 * err. */
struct ckpt_sink {
    /* Strictly in order, by one thread at a time. */
    int (*write)(struct ckpt_sink *sink, const void *buf, size_t len,
                 struct ckpt_err *err);
    /* Instead of it, for a sink that can and an image whose size is known (NULL
     * for others): first told the size; then pieces of whole pages, at
     * offsets of whole pages, in any order, by several threads, each on its
     * own lane (0 to CKPT_STREAM_LANES - 1).  Only the last piece of the
     * image may be torn. */
    int (*expect)(struct ckpt_sink *sink, uint64_t bytes, struct ckpt_err *err);
    int (*write_at)(struct ckpt_sink *sink, unsigned lane,
                    const struct iovec *pieces, size_t n, uint64_t offset,
                    struct ckpt_err *err);
    /* All bytes are written: make them durable and make them *the* image. */
    int (*commit)(struct ckpt_sink *sink, struct ckpt_err *err);
    /* Leave no trace. */
    void (*abort)(struct ckpt_sink *sink);
};

/* Writes PATH.tmp.PID next to PATH, mode 0600; commit syncs, renames and syncs
 * the directory.  With keep > 1, PATH becomes PATH.1, PATH.1 becomes PATH.2,
 * ... PATH.(keep-1), before. */
struct ckpt_file_sink {
    struct ckpt_sink sink;
    const char *path; /* caller's, must outlive the sink */
    unsigned keep;
    const char *member; /* the caller's to set: its name among the bases
                           (bases.h); NULL: none */
    bool ends;          /* the caller's to set: the process ends soon, so that
                           commit leaves it to that to free the image that it
                           replaced, which can take as long as writing did */
    int fd;
    struct ckpt_stream stream;
    char tmp[4096 + 32];
};
int ckpt_file_sink_open(struct ckpt_file_sink *sink, const char *path,
                        unsigned keep, struct ckpt_err *err);

/* One range of memory: a PT_LOAD.  `filesz` bytes stand in the image; the rest
 * up to memsz is zero, or not ours to save. */
struct ckpt_segment {
    uint64_t vaddr;  /* page-aligned */
    uint64_t filesz; /* multiple of the page size */
    uint64_t memsz;
    const void *data; /* usually (void *)vaddr */
    uint32_t prot;    /* PROT_READ | PROT_WRITE | PROT_EXEC */
    bool unstable;    /* others may change it: copied, then hashed */
};

/* One ELF note.  `name` is "CORE", "LINUX" or "CKPT". */
struct ckpt_note {
    const char *name;
    uint32_t type;
    const void *data;
    size_t len;
};

/* Notes of owner "CKPT".  Their contents are in notes.h.  Some readers look at
 * the type alone: the numbers are far from those of other owners. */
enum ckpt_note_type {
    CKPT_NOTE_META = 0x434b0001,
    CKPT_NOTE_MAPS = 0x434b0002,
    CKPT_NOTE_THREADS = 0x434b0003,
    CKPT_NOTE_FILES = 0x434b0004,
    CKPT_NOTE_PROCESS = 0x434b0005,
    CKPT_NOTE_CHECKSUMS = 0x434b0006, /* by the writer; last in the file */
    CKPT_NOTE_FORMAT = 0x434b0007,    /* by the writer; first in the file */
    CKPT_NOTE_OBJECTS = 0x434b0008,   /* may be missing: none */
    CKPT_NOTE_CONTENT = 0x434b0009,   /* any number of them */
    CKPT_NOTE_BASE = 0x434b000a,      /* of an increment only */
    CKPT_NOTE_TAKEN = 0x434b000b,     /* may be missing */
    CKPT_NOTE_KEPT = 0x434b000c,      /* may be missing: files are tracked */
    CKPT_NOTE_AROUND = 0x434b000d,    /* may be missing */
    CKPT_NOTE_HABITS = 0x434b000e,    /* may be missing: as when opened */
};

/* A range of addresses, page-aligned. */
struct ckpt_span {
    uintptr_t start, end;
};

/* How to write. */
struct ckpt_image_options {
    enum ckpt_codec codec;
    unsigned threads; /* that compress; 0 is 1 */
    /* Segments' data that may change meanwhile: it is copied, then hashed.  In
     * order, apart. */
    const struct ckpt_span *unstable;
    size_t nunstable;
    /* Told, by any of the threads, of each piece of a segment's data that is
     * written and will not be read again.  May be NULL. */
    void (*written)(void *arg, const void *data, size_t len);
    void *arg;
};

/* Bytes of working memory that ckpt_image_write needs with these options and
 * at most this many bytes of segments' contents and notes, headers included
 * (56 for each segment).  An estimate that is too high only costs address
 * space: 1 MiB to 4 MiB are touched for each thread, and 8 to 36 bytes for
 * each MiB written. */
size_t ckpt_image_workspace(const struct ckpt_image_options *options,
                            uint64_t max_bytes);

/* Write a whole image and commit it; on failure the sink has been aborted.
 * Segments are in order of address and do not overlap; their data must be
 * readable.  `workspace` is page-aligned.  Starts threads and ends them
 * (workers.h).  errno is that of the sink, EINVAL, or ENOMEM for a small
 * workspace.  *image_bytes (may be NULL) gets the size of the file. */
int ckpt_image_write(struct ckpt_sink *sink,
                     const struct ckpt_image_options *options,
                     const struct ckpt_segment *segments, size_t nsegments,
                     const struct ckpt_note *notes, size_t nnotes,
                     void *workspace, size_t workspace_len,
                     uint64_t *image_bytes, struct ckpt_err *err);

/* --- reading ------------------------------------------------------------ */

struct ckpt_image; /* opaque */

/* Open and check everything but the memory's contents: headers, notes,
 * checksums of both; of an increment, its bases as well.  NULL with EPROTO
 * (malformed or foreign), ENODATA (cut short), ENOTSUP (newer version), EBADMSG
 * (checksum), ENOLINK (a base is missing), or what open left. */
struct ckpt_image *ckpt_image_open(const char *path, struct ckpt_err *err);
void ckpt_image_close(struct ckpt_image *image);

/* The image that an increment refers to, owned by it; NULL when it stands by
 * itself.  The functions below that have no word about bases are about the
 * one file. */
const struct ckpt_image *ckpt_image_base(const struct ckpt_image *image);
const char *ckpt_image_path(const struct ckpt_image *image);

/* Check every checksum of the file and of its bases.  0, or -1 with EBADMSG or
 * EIO and a text that names the offset. */
int ckpt_image_verify(struct ckpt_image *image, struct ckpt_err *err);

/* Every file of it is known to be whole, and has not been written to since
 * (stamp.h); and say so of them. */
bool ckpt_image_is_stamped(const struct ckpt_image *image);
void ckpt_image_stamp(const struct ckpt_image *image);

/* From now on read the memory of an uncompressed image without checking it
 * (headers and notes have been checked).  For who would rather be quick. */
void ckpt_image_trust(struct ckpt_image *image);

enum ckpt_codec ckpt_image_codec(const struct ckpt_image *image);
uint64_t ckpt_image_file_size(const struct ckpt_image *image);
/* The size of the (uncompressed) core file. */
uint64_t ckpt_image_core_size(const struct ckpt_image *image);
/* The descriptor, owned by the image.  When the codec is NONE, core offsets
 * are file offsets and it can be mapped. */
int ckpt_image_fd(const struct ckpt_image *image);

/* The checksums of the core file, one for each MiB of the first *covered
 * bytes. */
const uint64_t *ckpt_image_sums(const struct ckpt_image *image, size_t *count,
                                uint64_t *covered);

/* Segments in order of address, those of the bases that still hold included;
 * `offset` is where the contents are in the (uncompressed) core file, or,
 * beyond its end, in a base's: for ckpt_image_read() and ckpt_image_owner(). */
struct ckpt_image_segment {
    uint64_t vaddr, filesz, memsz, offset;
    uint32_t prot;
};
size_t ckpt_image_segments(const struct ckpt_image *image,
                           const struct ckpt_image_segment **segments);

/* The first note of this owner and type, or NULL; owned by the image. */
const void *ckpt_image_note(const struct ckpt_image *image, const char *name,
                            uint32_t type, size_t *len);
/* All notes, by index; false past the last. */
bool ckpt_image_note_at(const struct ckpt_image *image, size_t index,
                        struct ckpt_note *note);

/* Read core-file bytes, decompressing and checking as needed.  0 or -1. */
int ckpt_image_read(struct ckpt_image *image, uint64_t offset, void *buf,
                    size_t len, struct ckpt_err *err);

/* Bytes that are wanted somewhere. */
struct ckpt_image_piece {
    uint64_t offset, len; /* as of ckpt_image_read() */
    uint64_t to;          /* address */
};

/* The same for any number of pieces, by several threads at once; the pieces'
 * memory is apart.  On failure some of it has been written to. */
int ckpt_image_load(struct ckpt_image *image,
                    const struct ckpt_image_piece *pieces, size_t n,
                    struct ckpt_err *err);

/* Every byte of the file and of its bases has been checked since it was
 * opened (or has been trusted). */
bool ckpt_image_is_checked(const struct ckpt_image *image);

/* The image of the chain that holds the bytes at an offset; *offset becomes
 * one of its own core file.  Owned by `image`. */
struct ckpt_image *ckpt_image_owner(struct ckpt_image *image, uint64_t *offset);

/* Write the image of an increment and its bases as one that stands by itself.
 * All is checked first.  Memory for compressed contents is allocated, the rest
 * is mapped.  0 or -1. */
int ckpt_image_merge(struct ckpt_image *image, struct ckpt_sink *sink,
                     enum ckpt_codec codec, struct ckpt_err *err);

#endif
