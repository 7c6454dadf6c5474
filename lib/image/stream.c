/* stream.c - see stream.h */
#include "lib/image/stream.h"

#include "lib/common/io.h"
#include "lib/common/sys.h"
#include "lib/image/format.h"

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <string.h>
#include <sys/mman.h>

enum { SLOTS = CKPT_STREAM_SLOTS, SLOT_LEN = CKPT_STREAM_SLOT_LEN };

/* The kernel is told to start writing whenever this much has been gathered
 * without O_DIRECT, so that there is little left to wait for at the end. */
static const uint64_t writeback_len = 8u << 20;

/* Writes that make a file longer are done one at a time: so it is made longer
 * beforehand, by as much as it has already, within these bounds. */
static const uint64_t least_room = 16u << 20, most_room = 1u << 30;

static void set_direct(struct ckpt_stream *s, bool direct)
{
    long flags = ckpt_sys(SYS_fcntl, s->fd, F_GETFL);
    long wanted = direct ? flags | O_DIRECT : flags & ~(long)O_DIRECT;

    s->direct = flags >= 0 &&
                ckpt_sys(SYS_fcntl, s->fd, F_SETFL, wanted) == 0 && direct;
}

void ckpt_stream_begin(struct ckpt_stream *s, int fd)
{
    memset(s, 0, sizeof *s);
    s->fd = fd;
    for (unsigned i = 0; i < CKPT_STREAM_LANES; i++)
        s->lanes[i].pipe[0] = s->lanes[i].pipe[1] = -1;
    long p = ckpt_sys(SYS_mmap, 0, SLOTS * SLOT_LEN, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p < 0 && p > -4096)
        return;
    s->slots = (uint8_t *)p;
    set_direct(s, true);
    s->refused = !s->direct;
}

/* Begin to write back what is new; a hint, so failure means nothing.  Not the
 * last page if it is half full: the next write would wait for it. */
static void start_writeback(struct ckpt_stream *s, uint64_t end)
{
    end -= end % CKPT_IMAGE_PAGE;
    if (end < s->started + writeback_len)
        return;
    ckpt_sys(SYS_sync_file_range, s->fd, s->started, end - s->started,
             SYNC_FILE_RANGE_WRITE);
    s->started = end;
}

/* Write and wait; without O_DIRECT if it is refused for these bytes. */
static int write_now(struct ckpt_stream *s, const void *buf, size_t len,
                     uint64_t place)
{
    if (s->direct) {
        if (len % CKPT_IMAGE_PAGE == 0 &&
            ckpt_pwrite_full(s->fd, buf, len, (off_t)place) == 0)
            return 0;
        s->refused = s->refused || len % CKPT_IMAGE_PAGE == 0;
        set_direct(s, false);
        s->started = place;
    }
    if (ckpt_pwrite_full(s->fd, buf, len, (off_t)place))
        return -1;
    start_writeback(s, place + len);
    return 0;
}

static int write_slot(struct ckpt_stream *s, unsigned slot)
{
    return write_now(s, s->slots + (size_t)slot * SLOT_LEN, SLOT_LEN,
                     s->place[slot]);
}

/* Wait until at least one slot has arrived. */
static int reap(struct ckpt_stream *s)
{
    struct io_event event[SLOTS];
    long n;

    do
        n = ckpt_sys(SYS_io_getevents, s->aio, 1, SLOTS, event, NULL);
    while (n == -EINTR);
    if (ckpt_sys_errno(n) < 0)
        return -1;
    int rc = 0;
    for (long i = 0; i < n; i++) {
        unsigned slot = (unsigned)event[i].data;
        s->busy[slot] = false;
        if (event[i].res != SLOT_LEN && write_slot(s, slot) < 0)
            rc = -1;
    }
    return rc;
}

static bool any_busy(const struct ckpt_stream *s)
{
    for (unsigned i = 0; i < SLOTS; i++)
        if (s->busy[i])
            return true;
    return false;
}

static void make_room(struct ckpt_stream *s, uint64_t end)
{
    uint64_t more = end < least_room ? least_room : end;

    if (end <= s->room)
        return;
    s->room = end + (more < most_room ? more : most_room);
    if (ckpt_sys(SYS_fallocate, s->fd, 0, 0, s->room) < 0)
        ckpt_sys(SYS_ftruncate, s->fd, s->room);
}

/* Only for who needs it: to end it takes 30 to 40 ms, be it at the process's
 * end. */
static bool have_aio(struct ckpt_stream *s)
{
    if (s->aio == 0 && !s->no_aio &&
        ckpt_sys(SYS_io_setup, SLOTS, &s->aio) < 0) {
        s->aio = 0;
        s->no_aio = true;
    }
    return s->aio != 0;
}

/* Send the slot that is full on its way, and get the next. */
static int send_slot(struct ckpt_stream *s)
{
    unsigned slot = s->slot;
    struct iocb iocb = {
        .aio_data = slot,
        .aio_lio_opcode = IOCB_CMD_PWRITE,
        .aio_fildes = (uint32_t)s->fd,
        .aio_buf = (uint64_t)(uintptr_t)(s->slots + (size_t)slot * SLOT_LEN),
        .aio_nbytes = SLOT_LEN,
        .aio_offset = (int64_t)(s->offset - SLOT_LEN),
    };
    struct iocb *list[] = {&iocb};

    s->place[slot] = s->offset - SLOT_LEN;
    if (s->direct)
        make_room(s, s->offset);
    if (s->direct && have_aio(s) &&
        ckpt_sys(SYS_io_submit, s->aio, 1, list) == 1)
        s->busy[slot] = true;
    else if (write_slot(s, slot) < 0)
        return -1;
    s->slot = (slot + 1) % SLOTS;
    s->fill = 0;
    while (s->busy[s->slot])
        if (reap(s) < 0)
            return -1;
    return 0;
}

int ckpt_stream_write(struct ckpt_stream *s, const void *buf, size_t len)
{
    const uint8_t *at = buf;

    if (!s->slots) {
        s->offset += len;
        return write_now(s, buf, len, s->offset - len);
    }
    while (len > 0) {
        size_t n = SLOT_LEN - s->fill;
        n = len < n ? len : n;
        memcpy(s->slots + (size_t)s->slot * SLOT_LEN + s->fill, at, n);
        s->fill += n;
        s->offset += n;
        at += n;
        len -= n;
        if (s->fill == SLOT_LEN && send_slot(s) < 0)
            return -1;
    }
    return 0;
}

/* --- any place, several threads ------------------------------------------ */

int ckpt_stream_reserve(struct ckpt_stream *s, uint64_t len)
{
    uint64_t room = ckpt_align(len, CKPT_IMAGE_PAGE);
    long rc = ckpt_sys(SYS_fallocate, s->fd, 0, 0, room);

    if (rc == -ENOSPC || rc == -EDQUOT || rc == -EFBIG)
        return (int)ckpt_sys_errno(rc);
    if (rc < 0)
        ckpt_sys(SYS_ftruncate, s->fd, room);
    s->room = room;
    s->offset = len;
    return 0;
}

static void close_pipe(struct ckpt_stream_lane *lane)
{
    for (int i = 0; i < 2; i++) {
        if (lane->pipe[i] >= 0)
            ckpt_sys(SYS_close, lane->pipe[i]);
        lane->pipe[i] = -1;
    }
}

/* A pipe that is too short only costs more calls. */
static bool have_pipe(struct ckpt_stream_lane *lane)
{
    if (lane->pipe[0] < 0 && ckpt_sys(SYS_pipe2, lane->pipe, O_CLOEXEC) == 0)
        ckpt_sys(SYS_fcntl, lane->pipe[1], F_SETPIPE_SZ, SLOT_LEN);
    return lane->pipe[0] >= 0;
}

/* Drop `n` bytes from the front of *count pieces. */
static struct iovec *advance(struct iovec *piece, size_t *count, size_t n)
{
    while (*count > 0 && n >= piece->iov_len) {
        n -= piece->iov_len;
        piece++;
        (*count)--;
    }
    if (n > 0) {
        piece->iov_base = (uint8_t *)piece->iov_base + n;
        piece->iov_len -= n;
    }
    return piece;
}

static long empty_pipe(struct ckpt_stream *s, struct ckpt_stream_lane *lane,
                       loff_t *at, size_t len)
{
    while (len > 0) {
        long n = ckpt_sys(SYS_splice, lane->pipe[0], NULL, s->fd, at, len, 0);
        if (n == -EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? n : -EIO;
        len -= (size_t)n;
    }
    return 0;
}

/* 0, or -errno: some of the pieces may have been written.  Uses up `pieces`. */
static long splice_at(struct ckpt_stream *s, struct ckpt_stream_lane *lane,
                      struct iovec *pieces, size_t n, uint64_t offset)
{
    loff_t at = (loff_t)offset;
    long rc = have_pipe(lane) ? 0 : -EMFILE;

    while (rc == 0 && n > 0) {
        long in = ckpt_sys(SYS_vmsplice, lane->pipe[1], pieces, n, 0);
        if (in == -EINTR)
            continue;
        if (in > 0)
            pieces = advance(pieces, &n, (size_t)in);
        rc = in > 0 ? empty_pipe(s, lane, &at, (size_t)in) : in < 0 ? in : -EIO;
    }
    if (rc < 0)
        close_pipe(lane); /* and what is left in it */
    return rc;
}

static uint8_t *lane_buffer(struct ckpt_stream_lane *lane)
{
    if (!lane->buffer) {
        long p = ckpt_sys(SYS_mmap, 0, SLOT_LEN, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (ckpt_sys_errno(p) == -1)
            return NULL;
        lane->buffer = (uint8_t *)p;
    }
    return lane->buffer;
}

/* From own memory, in whole pages: the file gets its length at the end. */
static int copy_at(struct ckpt_stream *s, struct ckpt_stream_lane *lane,
                   const struct iovec *pieces, size_t n, uint64_t offset)
{
    uint8_t *buffer = lane_buffer(lane);
    size_t len = 0;

    if (!buffer)
        return -1;
    for (size_t i = 0; i < n; i++) {
        memcpy(buffer + len, pieces[i].iov_base, pieces[i].iov_len);
        len += pieces[i].iov_len;
    }
    size_t whole = ckpt_align(len, CKPT_IMAGE_PAGE);
    memset(buffer + len, 0, whole - len);
    if (s->direct) {
        if (ckpt_pwrite_full(s->fd, buffer, whole, (off_t)offset) == 0)
            return 0;
        s->refused = true;
        set_direct(s, false);
    }
    return ckpt_pwrite_full(s->fd, buffer, len, (off_t)offset);
}

/* Splice whole pages, unless that was refused before.  Memory that cannot be
 * spliced (EFAULT) says nothing of the rest. */
static bool spliced(struct ckpt_stream *s, unsigned lane,
                    const struct iovec *pieces, size_t n, size_t len,
                    uint64_t offset)
{
    struct iovec left[CKPT_STREAM_PIECES];
    bool direct = s->direct;

    if (n > CKPT_STREAM_PIECES || len % CKPT_IMAGE_PAGE || s->copied)
        return false;
    memcpy(left, pieces, n * sizeof *left);
    long rc = splice_at(s, &s->lanes[lane], left, n, offset);
    if (rc < 0 && rc != -EFAULT && s->direct == direct)
        s->copied = true;
    return rc == 0;
}

int ckpt_stream_write_at(struct ckpt_stream *s, unsigned lane,
                         const struct iovec *pieces, size_t n, uint64_t offset)
{
    size_t len = 0;

    for (size_t i = 0; i < n; i++)
        len += pieces[i].iov_len;
    if (!spliced(s, lane, pieces, n, len, offset) &&
        copy_at(s, &s->lanes[lane], pieces, n, offset) < 0)
        return -1;
    if (!s->direct)
        ckpt_sys(SYS_sync_file_range, s->fd, offset, len,
                 SYNC_FILE_RANGE_WRITE);
    return 0;
}

const char *ckpt_stream_way(const struct ckpt_stream *s)
{
    if (s->refused)
        return "through the page cache: the file system refuses O_DIRECT";
    return s->copied ? "copied: the system refuses to splice" : "";
}

int ckpt_stream_finish(struct ckpt_stream *s)
{
    while (any_busy(s))
        if (reap(s) < 0)
            return -1;
    if (s->fill > 0 && write_now(s, s->slots + (size_t)s->slot * SLOT_LEN,
                                 s->fill, s->offset - s->fill) < 0)
        return -1;
    s->fill = 0;
    if (s->room <= s->offset)
        return 0;
    s->room = s->offset;
    return (int)ckpt_sys_errno(ckpt_sys(SYS_ftruncate, s->fd, s->offset));
}

void ckpt_stream_end(struct ckpt_stream *s)
{
    for (unsigned i = 0; i < CKPT_STREAM_LANES; i++) {
        close_pipe(&s->lanes[i]);
        if (s->lanes[i].buffer)
            ckpt_sys(SYS_munmap, s->lanes[i].buffer, SLOT_LEN);
        s->lanes[i].buffer = NULL;
    }
    if (s->aio && (!s->ends || any_busy(s)))
        ckpt_sys(SYS_io_destroy, s->aio); /* waits */
    s->aio = 0;
    if (s->slots)
        ckpt_sys(SYS_munmap, s->slots, SLOTS * SLOT_LEN);
    s->slots = NULL;
    s->fill = 0;
    memset(s->busy, 0, sizeof s->busy);
}
