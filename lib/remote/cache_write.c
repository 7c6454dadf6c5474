/* cache_write.c - writing: what is written behind, and when it is sent
 *
 * Dirty bytes lie where they belong in a window of the file, the write buffer:
 *
 *     wbase          part    part              wstart        the buffer's end
 *       |.............####....##................#########>......|
 *                                                 dirty
 *
 * The last run grows by one word (fast.c).  A write elsewhere in the window
 * makes it a part, and begins another; so a program that rewrites some records
 * again and again sends each of them once.  Appended bytes are one run, without
 * a place.
 *
 * All of it is sent when the window or the list of parts is full, before any
 * call to the shadow that is not about this cache's own reads and writes, and
 * at the first write, to whatever file, that comes a pause after the last
 * sending of its own.  The pause is a second; it grows while the file is
 * written all the time, unless it is a standard stream.  Sent is enough for
 * order: the shadow works in order.  Errors of late writes are kept in the node
 * and told once.
 */
#include "lib/remote/cache.h"

#include <fcntl.h>
#include <string.h>

enum {
    WINDOW_STEP = 1 << 16,
    STANDARD_HANDLES = 3, /* 0, 1 and 2 */
};

/* Dirty bytes are sent some seconds after the last sending: a second, and four
 * more for who writes all the time. */
#define PAUSE_TSC 2500000000ull
#define LONGER_TSC (4 * PAUSE_TSC)

/* --- parts ------------------------------------------------------------------
 */

/* Bytes [from, to) of the window become dirty: parts that they touch are
 * joined.  False when there is no room for one more. */
static bool part_add(struct ckpt_node *node, uint32_t from, uint32_t to)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < node->parts; i++) {
        struct ckpt_part p = node->part[i];
        if (p.to < from || p.from > to) {
            node->part[n++] = p;
            continue;
        }
        from = p.from < from ? p.from : from;
        to = p.to > to ? p.to : to;
    }
    node->parts = n;
    if (n == CKPT_PARTS)
        return false;
    node->part[node->parts++] = (struct ckpt_part){from, to};
    return true;
}

/* The last run becomes a part. */
static bool part_from_run(struct ckpt_node *node)
{
    uint32_t from = (uint32_t)(node->wstart - node->wbase);

    return part_add(node, from, from + (uint32_t)node->dirty);
}

bool ckpt_cache_overlaps(const struct ckpt_node *node, uint64_t offset,
                         size_t len)
{
    if (node->dirty == 0 || node->append)
        return node->dirty > 0;
    if (offset < node->wstart + node->dirty && node->wstart < offset + len)
        return true;
    for (uint32_t i = 0; i < node->parts; i++)
        if (offset < node->wbase + node->part[i].to &&
            node->wbase + node->part[i].from < offset + len)
            return true;
    return false;
}

/* --- sending ----------------------------------------------------------------
 */

static void send_write(struct ckpt_node *node, uint32_t handle, const void *buf,
                       uint32_t len, uint64_t offset, bool append)
{
    shadow_write_args args = {.handle = handle,
                              .offset = offset,
                              .append = append,
                              .data = {len, (char *)(uintptr_t)buf}};
    struct ckpt_slot *slot =
        ckpt_wire_begin(SHADOW_WRITE, (xdrproc_t)xdr_shadow_write_args, &args);

    slot->node = ckpt_node_index(node);
    slot->count = len;
    node->inflight++;
    ckpt_wire_issue(slot);
}

static void send_part(struct ckpt_node *node, uint64_t offset, uint64_t len)
{
    send_write(node, node->whandle,
               ckpt_buffer(node->wbuf) + (offset - node->wbase), (uint32_t)len,
               offset, node->append);
}

void ckpt_cache_send(struct ckpt_node *node)
{
    if (node->dirty == 0)
        return;
    ckpt_node_unfollow(node);
    node->sent_tsc = __builtin_ia32_rdtsc();
    if (node->parts == 0 || !part_from_run(node))
        send_part(node, node->wstart, node->dirty);
    for (uint32_t i = 0; i < node->parts; i++)
        send_part(node, node->wbase + node->part[i].from,
                  node->part[i].to - node->part[i].from);
    node->parts = 0;
    node->dirty = 0;
    ckpt_link->dirty_nodes--;
}

void ckpt_cache_send_all(void)
{
    for (uint32_t i = 0;
         ckpt_link->dirty_nodes > 0 && i < ckpt_state->nodes_top; i++)
        ckpt_cache_send(&ckpt_state->nodes[i]);
}

static uint64_t pause_of(const struct ckpt_node *node)
{
    return PAUSE_TSC + node->longer_tsc;
}

/* Since the last sending; after a restart elsewhere long ago, too. */
static uint64_t ago(const struct ckpt_node *node)
{
    return __builtin_ia32_rdtsc() - node->sent_tsc;
}

/* It is dirty: until when may it wait? */
static void wait_for(const struct ckpt_node *node)
{
    uint64_t now = __builtin_ia32_rdtsc(), since = ago(node);
    uint64_t left = pause_of(node) > since ? pause_of(node) - since : 0;

    if (now + left < ckpt_link->due_tsc)
        ckpt_link->due_tsc = now + left;
}

/* Who has written again so soon is going to do so again. */
static void choose_pause(struct ckpt_node *node)
{
    uint64_t pause = pause_of(node);
    bool steady =
        ago(node) < pause + pause / 2 && node->whandle >= STANDARD_HANDLES;

    node->longer_tsc = steady ? node->longer_tsc + pause / 4 : 0;
    if (node->longer_tsc > LONGER_TSC)
        node->longer_tsc = LONGER_TSC;
}

/* The shadow wakes up now: what is due goes, and what soon will be. */
static void send_due(void)
{
    ckpt_link->due_tsc = UINT64_MAX;
    for (uint32_t i = 0; i < ckpt_state->nodes_top; i++) {
        struct ckpt_node *node = &ckpt_state->nodes[i];
        uint64_t pause = pause_of(node);
        if (node->dirty == 0)
            continue;
        if (ago(node) > pause)
            choose_pause(node);
        if (ago(node) > pause / 2)
            ckpt_cache_send(node);
        else
            wait_for(node);
    }
}

void ckpt_cache_written(int index, uint32_t asked, int status,
                        const struct shadow_write_ok *ok)
{
    struct ckpt_node *node = &ckpt_state->nodes[index];

    node->inflight--;
    if (status == 0)
        node->end = ok->end;
    if (status == 0 && ok->count < asked)
        status = ENOSPC;
    if (status != 0 && node->error == 0)
        node->error = status;
}

static long take_error(struct ckpt_node *node)
{
    int error = node->error;
    node->error = 0;
    return -error;
}

long ckpt_cache_settle(struct ckpt_node *node)
{
    ckpt_cache_send(node);
    if (node->inflight > 0)
        ckpt_wire_settle(ckpt_node_index(node));
    return take_error(node);
}

/* --- writing ----------------------------------------------------------------
 */

/* What has been read stays right, and grows with the file; what is coming might
 * be out of date. */
static void patch_read_ahead(struct ckpt_node *node, const uint8_t *buf,
                             size_t len, uint64_t offset)
{
    uint64_t from = offset > node->rstart ? offset : node->rstart;
    uint64_t to = offset + len, end = node->rstart + node->rlen;

    ckpt_ahead_forget(node);
    if (node->ended && node->rlen > 0 && to > end) {
        if (from <= end && to - node->rstart <= CKPT_POOL_LEN)
            node->rlen = (uint32_t)(to - node->rstart);
        else
            node->ended = false;
        end = node->rstart + node->rlen;
    }
    if (to > end)
        to = end;
    if (node->rlen > 0 && from < to)
        memcpy(ckpt_buffer(node->rbuf) + (from - node->rstart),
               buf + (from - offset), to - from);
}

/* Nothing is dirty: begin. */
static void window_begin(struct ckpt_file *file, struct ckpt_node *node,
                         size_t len, uint64_t offset, bool append)
{
    ckpt_buffer_take(node, &node->wbuf);
    node->append = append;
    node->whandle = file->handle;
    node->wstart = offset;
    node->wbase = offset;
    if (!append)
        node->wbase =
            offset + len <= CKPT_POOL_LEN ? 0 : offset & ~(WINDOW_STEP - 1ull);
    ckpt_link->dirty_nodes++;
    wait_for(node);
}

/* May these bytes be added to what is dirty?  Then they go behind wstart +
 * dirty. */
static bool has_place(struct ckpt_node *node, size_t len, uint64_t offset,
                      bool append)
{
    uint64_t skip = node->wstart - node->wbase;

    if (node->append != append)
        return false;
    if (append || offset == node->wstart + node->dirty)
        return skip + node->dirty + len <= CKPT_POOL_LEN;
    if (offset < node->wbase || offset + len - node->wbase > CKPT_POOL_LEN ||
        !part_from_run(node))
        return false;
    ckpt_node_unfollow(node);
    node->wstart = offset;
    node->dirty = 0;
    return true;
}

/* Add to the dirty bytes. */
static void write_behind(struct ckpt_file *file, struct ckpt_node *node,
                         const uint8_t *buf, size_t len, uint64_t offset,
                         bool append)
{
    if (node->dirty > 0 && !has_place(node, len, offset, append)) {
        ckpt_cache_send(node);
        send_due();
    }
    if (node->dirty == 0 && node->parts == 0)
        window_begin(file, node, len, offset, append);
    ckpt_node_unfollow(node);
    memcpy(ckpt_buffer(node->wbuf) + (node->wstart - node->wbase) + node->dirty,
           buf, len);
    node->dirty += len;
    if (__builtin_ia32_rdtsc() > ckpt_link->due_tsc)
        send_due();
}

static void write_direct(struct ckpt_file *file, struct ckpt_node *node,
                         const uint8_t *buf, size_t len, uint64_t offset,
                         bool append)
{
    ckpt_cache_send(node);
    while (len > 0) {
        uint32_t part = len > SHADOW_DATA_MAX ? SHADOW_DATA_MAX : (uint32_t)len;
        send_write(node, file->handle, buf, part, offset, append);
        buf += part;
        offset += part;
        len -= part;
    }
}

long ckpt_cache_write(struct ckpt_file *file, const void *buf, size_t len,
                      uint64_t offset, bool append)
{
    struct ckpt_node *node = &ckpt_state->nodes[file->node];

    if (node->error)
        return take_error(node);
    if (len == 0)
        return 0;
    node->end_tsc = 0;
    if (append)
        node->ended = false;
    else
        patch_read_ahead(node, buf, len, offset);
    if (len >= CKPT_DIRECT_LEN || file->kind == CKPT_KIND_STREAM)
        write_direct(file, node, buf, len, offset, append);
    else
        write_behind(file, node, buf, len, offset, append);
    file->attr_fresh = false;
    if (file->flags & O_DSYNC) {
        long error = ckpt_cache_settle(node);
        if (error)
            return error;
    }
    return (long)len;
}
