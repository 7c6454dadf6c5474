/* record.c - see record.h and segment.h: reading a segment's log */
#include "lib/undo/record.h"

#include "lib/undo/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

uint32_t record_crc(const uint8_t *record, size_t len)
{
    uLong crc = crc32(0, record, RECORD_CRC_AT);

    return (uint32_t)crc32_z(crc, record + RECORD_HEAD_LEN, len);
}

struct record {
    uint16_t type;
    uint32_t batch;
    const uint8_t *payload;
    size_t len;
};

/* A whole, undamaged record at `at`: its length with padding, else 0. */
static size_t parse_record(const uint8_t *at, size_t left,
                           struct record *record)
{
    if (left < RECORD_HEAD_LEN)
        return 0;
    struct ckpt_bytes b =
        ckpt_bytes_over((void *)(uintptr_t)at, RECORD_HEAD_LEN);
    uint32_t magic = ckpt_get_u32(&b);
    uint16_t type = ckpt_get_u16(&b);
    ckpt_get_u16(&b);
    uint32_t len = ckpt_get_u32(&b);
    uint32_t batch = ckpt_get_u32(&b);
    uint32_t crc = ckpt_get_u32(&b);
    if (magic != RECORD_MAGIC || len > RECORD_LEN_MAX ||
        RECORD_PAD((size_t)len) > left - RECORD_HEAD_LEN)
        return 0;
    if (record_crc(at, len) != crc)
        return 0;
    *record = (struct record){type, batch, at + RECORD_HEAD_LEN, len};
    return RECORD_HEAD_LEN + RECORD_PAD((size_t)len);
}

static int visit_head(struct ckpt_bytes *b,
                      const struct segment_visitor *visitor, void *arg)
{
    struct segment_head head = {0};
    uint32_t version = ckpt_get_u32(b);

    head.number = ckpt_get_u32(b);
    ckpt_get_str(b, head.boot, sizeof head.boot);
    ckpt_get_str(b, head.from, sizeof head.from);
    ckpt_get_str(b, head.to, sizeof head.to);
    head.dev = ckpt_get_u64(b);
    head.ino = ckpt_get_u64(b);
    if (b->failed || version != SEGMENT_VERSION) {
        errno = EPROTO;
        return -1;
    }
    return visitor->head ? visitor->head(arg, &head) : 0;
}

static int visit_name(struct ckpt_bytes *b,
                      const struct segment_visitor *visitor, void *arg)
{
    struct segment_name name = {0};

    name.kind = (enum segment_kind)ckpt_get_u32(b);
    name.id = ckpt_get_u32(b);
    name.mode = ckpt_get_u32(b);
    name.uid = ckpt_get_u32(b);
    name.gid = ckpt_get_u32(b);
    ckpt_get_str(b, name.path, sizeof name.path);
    ckpt_get_str(b, name.target, sizeof name.target);
    if (b->failed || name.kind > SEGMENT_DIR) {
        errno = EPROTO;
        return -1;
    }
    return visitor->name ? visitor->name(arg, &name) : 0;
}

static void get_time(struct ckpt_bytes *b, struct timespec *time)
{
    time->tv_sec = (time_t)ckpt_get_u64(b);
    time->tv_nsec = (long)ckpt_get_u32(b);
}

static int visit_inode(struct ckpt_bytes *b,
                       const struct segment_visitor *visitor, void *arg)
{
    struct segment_inode inode = {0};

    inode.id = ckpt_get_u32(b);
    inode.mode = ckpt_get_u32(b);
    inode.uid = ckpt_get_u32(b);
    inode.gid = ckpt_get_u32(b);
    inode.dev = ckpt_get_u64(b);
    inode.ino = ckpt_get_u64(b);
    inode.size = ckpt_get_u64(b);
    get_time(b, &inode.atime);
    get_time(b, &inode.mtime);
    ckpt_get_str(b, inode.path, sizeof inode.path);
    if (b->failed) {
        errno = EPROTO;
        return -1;
    }
    return visitor->inode ? visitor->inode(arg, &inode) : 0;
}

static int visit_block(struct ckpt_bytes *b,
                       const struct segment_visitor *visitor, void *arg)
{
    uint32_t id = ckpt_get_u32(b);
    uint64_t offset = ckpt_get_u64(b);
    const uint8_t *data = NULL;
    size_t len = ckpt_get_blob(b, &data);

    if (b->failed) {
        errno = EPROTO;
        return -1;
    }
    return visitor->block ? visitor->block(arg, id, offset, data, len) : 0;
}

static int visit(const struct record *record,
                 const struct segment_visitor *visitor, void *arg)
{
    struct ckpt_bytes b =
        ckpt_bytes_over((void *)(uintptr_t)record->payload, record->len);

    switch (record->type) {
    case SEGMENT_HEAD:
        return visit_head(&b, visitor, arg);
    case SEGMENT_NAME:
        return visit_name(&b, visitor, arg);
    case SEGMENT_INODE:
        return visit_inode(&b, visitor, arg);
    case SEGMENT_BLOCK:
        return visit_block(&b, visitor, arg);
    default:
        errno = EPROTO;
        return -1;
    }
}

/* A whole record of a later batch behind the end: the log is damaged. */
static bool goes_on(const uint8_t *at, const uint8_t *end, uint32_t batch)
{
    struct record record;

    for (; end - at >= RECORD_HEAD_LEN; at += 8)
        if (parse_record(at, (size_t)(end - at), &record) > 0 &&
            record.batch > batch)
            return true;
    return false;
}

static int read_mapped(const uint8_t *at, size_t size,
                       const struct segment_visitor *visitor, void *arg,
                       struct ckpt_err *err)
{
    static const uint8_t zeros[RECORD_HEAD_LEN];
    const uint8_t *end = at + size;
    struct record record = {0};
    uint32_t torn = 0; /* batch of the record that ends the log */

    for (size_t len; (len = parse_record(at, (size_t)(end - at), &record)) > 0;
         at += len) {
        if (visit(&record, visitor, arg) != 0)
            return ckpt_err_sys(err, "journal log");
        torn = record.batch + 1;
    }
    if (end - at >= RECORD_HEAD_LEN) {
        struct ckpt_bytes b = ckpt_bytes_over((void *)(uintptr_t)(at + 12), 4);
        uint32_t batch = ckpt_get_u32(&b);
        if (memcmp(at, zeros, sizeof zeros) != 0 && batch < torn)
            torn = batch;
    }
    if (goes_on(at, end, torn))
        return ckpt_err_set(err, EPROTO, "journal log is damaged");
    return 0;
}

int segment_read(int dirfd, const struct segment_visitor *visitor, void *arg,
                 struct ckpt_err *err)
{
    struct stat st;
    int fd = openat(dirfd, "log", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return errno == ENOENT ? 0 : ckpt_err_sys(err, "journal log");
    if (fstat(fd, &st) < 0 || st.st_size == 0) {
        int rc = st.st_size == 0 ? 0 : ckpt_err_sys(err, "journal log");
        close(fd);
        return rc;
    }
    size_t size = (size_t)st.st_size;
    void *map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (map == MAP_FAILED)
        return ckpt_err_sys(err, "journal log");
    int rc = read_mapped(map, size, visitor, arg, err);
    munmap(map, size);
    return rc;
}
