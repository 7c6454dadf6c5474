/* cache_read.c - reading: windows, and what is asked for ahead
 *
 * A sequential reader's window grows fourfold to a whole buffer; from then on
 * the next windows are asked for without waiting, as many as the reader takes
 * in the time of a round trip and two more: so their number grows until the way
 * to the shadow is filled. Long reads at random go past the cache.
 */
#include "lib/remote/cache.h"

#include <string.h>

enum { WINDOW_MIN = 1 << 14, DEPTH_MIN = 2, SLOTS_KEPT = 3 };

int ckpt_take_data(XDR *xdr, void *to, uint32_t len)
{
    u_int got;
    int status;

    if (!xdr_int(xdr, &status))
        return -EIO;
    if (status != 0)
        return status > 0 && status < 4096 ? -status : -EIO;
    if (!xdr_u_int(xdr, &got) || got > len || !xdr_opaque(xdr, to, got))
        return -EIO;
    return (int)got;
}

/* One READ; the bytes arrive at `to`.  The count, or -errno. */
static long fetch(struct ckpt_file *file, void *to, uint32_t len,
                  uint64_t offset)
{
    shadow_read_args args = {file->handle, offset, len};
    XDR xdr;

    struct ckpt_slot *slot =
        ckpt_wire_begin(SHADOW_READ, (xdrproc_t)xdr_shadow_read_args, &args);
    ckpt_wire_issue(slot);
    ckpt_wire_wait(slot, &xdr);
    return ckpt_take_data(&xdr, to, len);
}

static void make_visible(struct ckpt_node *node, uint64_t offset, size_t len)
{
    if (ckpt_cache_overlaps(node, offset, len))
        ckpt_cache_send(node);
}

/* Copy what is there; the count. */
static size_t read_cached(struct ckpt_node *node, uint8_t *buf, size_t len,
                          uint64_t offset)
{
    if (offset < node->rstart || offset >= node->rstart + node->rlen)
        return 0;
    size_t skip = (size_t)(offset - node->rstart), there = node->rlen - skip;
    size_t n = len < there ? len : there;
    memcpy(buf, ckpt_buffer(node->rbuf) + skip, n);
    return n;
}

/* --- ahead ---------------------------------------------------------------- */

enum { AHEAD_NONE, AHEAD_COMING, AHEAD_DEAD, AHEAD_HERE };

void ckpt_ahead_forget(struct ckpt_node *node)
{
    for (int i = 0; i < CKPT_AHEAD; i++) {
        struct ckpt_ahead *a = &node->ahead[i];
        if (a->state == AHEAD_COMING)
            a->state = AHEAD_DEAD;
        if (a->state != AHEAD_HERE)
            continue;
        a->state = AHEAD_NONE;
        ckpt_buffer_free(&a->buf);
    }
}

void ckpt_ahead_arrived(int index, int which, XDR *xdr)
{
    struct ckpt_ahead *a = &ckpt_state->nodes[index].ahead[which];

    a->got = ckpt_take_data(xdr, ckpt_buffer(a->buf), a->want);
    if (a->state == AHEAD_COMING) {
        a->state = AHEAD_HERE;
    } else {
        a->state = AHEAD_NONE;
        ckpt_buffer_free(&a->buf);
    }
}

static struct ckpt_ahead *ahead_at(struct ckpt_node *node, uint64_t start)
{
    for (int i = 0; i < CKPT_AHEAD; i++) {
        struct ckpt_ahead *a = &node->ahead[i];
        if ((a->state == AHEAD_COMING || a->state == AHEAD_HERE) &&
            a->start == start)
            return a;
    }
    return NULL;
}

static struct ckpt_ahead *ahead_free(struct ckpt_node *node)
{
    for (int i = 0; i < CKPT_AHEAD; i++)
        if (node->ahead[i].state == AHEAD_NONE)
            return &node->ahead[i];
    return NULL;
}

/* Ask for the windows after the one that is there, up to what the file's end
 * was at the open. */
static void ask_ahead(struct ckpt_file *file, struct ckpt_node *node)
{
    uint64_t next = node->rstart + node->rlen;
    uint64_t end = next + (uint64_t)node->depth * CKPT_POOL_LEN;
    struct ckpt_ahead *a;

    while (next < file->attr.size && next < end) {
        uint32_t want = CKPT_POOL_LEN;
        if (ahead_at(node, next)) {
            next += want;
            continue;
        }
        if (!(a = ahead_free(node)) || ckpt_wire_room() < SLOTS_KEPT ||
            !ckpt_buffer_try(node, &a->buf))
            return;
        make_visible(node, next, want);
        a->start = next;
        a->want = want;
        a->state = AHEAD_COMING;
        shadow_read_args args = {file->handle, next, want};
        struct ckpt_slot *slot = ckpt_wire_begin(
            SHADOW_READ, (xdrproc_t)xdr_shadow_read_args, &args);
        slot->node = ckpt_node_index(node);
        slot->ahead = (int)(a - node->ahead);
        ckpt_wire_issue(slot);
        next += want;
    }
}

/* A window has been taken. */
static void adapt_depth(struct ckpt_node *node)
{
    uint64_t now = __builtin_ia32_rdtsc();
    uint64_t between = now - node->taken_tsc;

    node->between_tsc =
        node->taken_tsc ? (3 * node->between_tsc + between) / 4 : 0;
    node->taken_tsc = now;
    if (node->between_tsc == 0)
        return;
    uint64_t depth = DEPTH_MIN + 2 * ckpt_link->rtt_tsc / node->between_tsc;
    node->depth = depth < CKPT_AHEAD ? (uint32_t)depth : CKPT_AHEAD;
}

/* The window at offset, if it was asked for and is not empty. */
static bool take_ahead(struct ckpt_node *node, uint64_t offset)
{
    struct ckpt_ahead *a = ahead_at(node, offset);

    while (a && a->state == AHEAD_COMING)
        ckpt_wire_take();
    if (!a || a->state != AHEAD_HERE || a->got <= 0) {
        ckpt_ahead_forget(node);
        return false;
    }
    ckpt_buffer_free(&node->rbuf);
    node->rbuf = a->buf;
    node->rstart = offset;
    node->rlen = (uint32_t)a->got;
    node->rwindow = a->want;
    a->buf = 0;
    a->state = AHEAD_NONE;
    adapt_depth(node);
    return true;
}

/* --- windows -------------------------------------------------------------- */

/* Reads of fast.c do not tell where they ended. */
static bool is_sequential(const struct ckpt_node *node, uint64_t offset)
{
    return offset == node->rnext ||
           (node->rlen > 0 && offset == node->rstart + node->rlen);
}

static uint32_t window_for(const struct ckpt_node *node, uint64_t offset,
                           size_t want)
{
    bool sequential = is_sequential(node, offset);
    uint32_t window = sequential ? node->rwindow * 4 : 4096;

    if (window < want)
        window = (uint32_t)want;
    if (window < WINDOW_MIN && (sequential || offset == 0))
        window = WINDOW_MIN;
    return window > CKPT_POOL_LEN ? CKPT_POOL_LEN : window;
}

/* Whoever reads on after the last bytes of a file, at once, is told its end
 * without asking again: once. */
static bool is_end(struct ckpt_node *node, uint64_t offset)
{
    uint64_t seen = node->end_tsc;

    node->end_tsc = 0;
    return seen && offset == node->rstart + node->rlen && node->dirty == 0 &&
           node->inflight == 0 && __builtin_ia32_rdtsc() - seen < CKPT_END_TSC;
}

static void note_end(struct ckpt_node *node, uint32_t asked)
{
    bool end = node->rlen > 0 && node->rlen < asked;

    node->end_tsc = end ? __builtin_ia32_rdtsc() : 0;
    node->ended = end;
}

void ckpt_cache_fill(struct ckpt_file *file, const void *buf, size_t len)
{
    struct ckpt_node *node = &ckpt_state->nodes[file->node];

    if (len == 0 || node->dirty > 0)
        return;
    ckpt_buffer_take(node, &node->rbuf);
    memcpy(ckpt_buffer(node->rbuf), buf, len);
    node->rstart = 0;
    node->rlen = (uint32_t)len;
    node->rwindow = WINDOW_MIN;
    node->depth = DEPTH_MIN;
    note_end(node, (uint32_t)len + 1);
}

/* Read a window at offset; what the reader wanted is then in the cache. */
static long read_window(struct ckpt_file *file, struct ckpt_node *node,
                        uint64_t offset, size_t want)
{
    bool sequential = is_sequential(node, offset);

    if (is_end(node, offset))
        return 0;
    if (!take_ahead(node, offset)) {
        uint32_t window = window_for(node, offset, want);
        ckpt_buffer_take(node, &node->rbuf);
        make_visible(node, offset, window);
        long n = fetch(file, ckpt_buffer(node->rbuf), window, offset);
        if (n <= 0) /* what was there is there still */
            return n;
        node->rstart = offset;
        node->rlen = (uint32_t)n;
        node->rwindow = window;
        note_end(node, window);
        node->depth = DEPTH_MIN;
        node->taken_tsc = 0;
    }
    if (node->rwindow == CKPT_POOL_LEN && node->rlen == CKPT_POOL_LEN &&
        sequential)
        ask_ahead(file, node);
    return node->rlen;
}

/* Past the cache, in parts; ends at a short one. */
static long read_direct(struct ckpt_file *file, struct ckpt_node *node,
                        uint8_t *buf, size_t len, uint64_t offset)
{
    size_t done = 0;

    make_visible(node, offset, len);
    while (done < len) {
        size_t left = len - done;
        uint32_t part =
            left > SHADOW_DATA_MAX ? SHADOW_DATA_MAX : (uint32_t)left;
        long n = fetch(file, buf + done, part, offset + done);
        if (n < 0)
            return done > 0 ? (long)done : n;
        done += (size_t)n;
        if ((size_t)n < part)
            break;
    }
    return (long)done;
}

/* What can be had at one go: the count, 0 at the end, or -errno. */
static long read_some(struct ckpt_file *file, struct ckpt_node *node,
                      uint8_t *to, size_t len, uint64_t offset)
{
    size_t done = read_cached(node, to, len, offset);

    if (done > 0) /* writes have patched it */
        return (long)done;
    make_visible(node, offset, len);
    if (len >= CKPT_DIRECT_LEN && !is_sequential(node, offset))
        return read_direct(file, node, to, len, offset);
    long n = read_window(file, node, offset, len);
    return n > 0 ? (long)read_cached(node, to, len, offset) : n;
}

long ckpt_cache_read(struct ckpt_file *file, void *buf, size_t len,
                     uint64_t offset)
{
    struct ckpt_node *node = &ckpt_state->nodes[file->node];
    uint8_t *to = buf;

    size_t done = 0;
    long n = 1;
    while (done < len && n > 0) {
        n = read_some(file, node, to + done, len - done, offset + done);
        done += n > 0 ? (size_t)n : 0;
        if (n > 0 && node->ended && node->rlen > 0 &&
            offset + done == node->rstart + node->rlen)
            break; /* short, as at the end of a file */
    }
    if (n < 0 && done == 0)
        return n;
    node->rnext = offset + done;
    return (long)done;
}
