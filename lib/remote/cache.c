/* cache.c - write-behind and read-ahead, one cache for each file
 *
 * All descriptions of a file share its node, so they see one another's bytes.
 * Dirty bytes are one run, sent when it is full, when a write does not
 * continue it, before any call to the shadow that is not about this cache's
 * own reads and writes, and when the last burst is over (a write after a
 * pause is sent at once).  Sent is enough for order: the shadow works in order.
 * Errors of late writes are kept in the node and told once.
 */
#include "lib/remote/state.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum {
    WINDOW_MIN = 1 << 14,
    DIRECT_LEN = CKPT_POOL_LEN / 2, /* longer transfers go past the cache */
    PAUSE_TSC = 100 * 1000 * 1000,  /* some tens of milliseconds */
};

/* --- nodes ------------------------------------------------------------------
 */

int ckpt_node_index(const struct ckpt_node *node)
{
    return (int)(node - ckpt_state->nodes);
}

static struct ckpt_node *node_find(const struct shadow_attr *attr)
{
    struct ckpt_node *nodes = ckpt_state->nodes, *spare = NULL;

    for (uint32_t i = 0; i < ckpt_state->nodes_top; i++) {
        if (nodes[i].refs > 0 && nodes[i].ino == attr->ino &&
            nodes[i].dev == attr->dev)
            return &nodes[i];
        if (nodes[i].refs == 0)
            spare = &nodes[i];
    }
    if (!spare && ckpt_state->nodes_top < CKPT_NODES)
        spare = &nodes[ckpt_state->nodes_top++];
    return spare;
}

struct ckpt_node *ckpt_node_get(const struct shadow_attr *attr)
{
    struct ckpt_node *node = node_find(attr);

    if (!node)
        return NULL;
    if (node->refs++ == 0) {
        uint32_t refs = node->refs;
        memset(node, 0, sizeof *node);
        node->refs = refs;
        node->dev = attr->dev;
        node->ino = attr->ino;
    }
    ckpt_cache_drop(node); /* close-to-open */
    return node;
}

void ckpt_node_put(struct ckpt_node *node)
{
    if (node->refs == 1) {
        ckpt_cache_drop(node);
        ckpt_request_settle(ckpt_node_index(node));
    }
    node->refs--;
}

/* --- buffers ----------------------------------------------------------------
 */

static uint8_t *buffer(uint16_t id)
{
    return ckpt_link->pool + (size_t)(id - 1) * CKPT_POOL_LEN;
}

static void buffer_free(uint16_t *id)
{
    if (*id)
        ckpt_link->pool_owner[*id - 1] = 0;
    *id = 0;
}

/* A buffer for *id; when all are taken, the next in turn loses its own. */
static void buffer_take(struct ckpt_node *node, uint16_t *id)
{
    uint16_t *owner = ckpt_link->pool_owner;

    for (uint32_t tries = 0; tries <= CKPT_POOL && !*id; tries++) {
        uint32_t i = ckpt_link->pool_next++ % CKPT_POOL;
        if (owner[i] != 0 && tries < CKPT_POOL)
            continue;
        if (owner[i] != 0) {
            struct ckpt_node *loser = &ckpt_state->nodes[owner[i] - 1];
            ckpt_cache_send(loser);
            ckpt_cache_drop(loser);
        }
        owner[i] = (uint16_t)(ckpt_node_index(node) + 1);
        *id = (uint16_t)(i + 1);
    }
}

void ckpt_cache_drop(struct ckpt_node *node)
{
    buffer_free(&node->rbuf);
    node->rlen = 0;
    if (node->dirty == 0)
        buffer_free(&node->wbuf);
}

/* --- writing ----------------------------------------------------------------
 */

static void send_write(struct ckpt_node *node, uint32_t handle, const void *buf,
                       uint32_t len, uint64_t offset, bool append)
{
    shadow_write_args args = {.handle = handle,
                              .offset = offset,
                              .append = append,
                              .data = {len, (char *)(uintptr_t)buf}};
    struct ckpt_slot *slot =
        ckpt_request(SHADOW_WRITE, (xdrproc_t)xdr_shadow_write_args, &args);

    slot->node = ckpt_node_index(node);
    slot->count = len;
    node->inflight++;
    ckpt_request_send(slot);
}

void ckpt_cache_send(struct ckpt_node *node)
{
    uint32_t len = node->dirty;

    if (len == 0)
        return;
    node->dirty = 0;
    ckpt_link->dirty_nodes--;
    node->sent_tsc = __builtin_ia32_rdtsc();
    send_write(node, node->whandle, buffer(node->wbuf), len, node->wstart,
               node->append);
}

void ckpt_cache_send_all(void)
{
    for (uint32_t i = 0;
         ckpt_link->dirty_nodes > 0 && i < ckpt_state->nodes_top; i++)
        ckpt_cache_send(&ckpt_state->nodes[i]);
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
        ckpt_request_settle(ckpt_node_index(node));
    return take_error(node);
}

/* What is read ahead stays right. */
static void patch_read_ahead(struct ckpt_node *node, const uint8_t *buf,
                             size_t len, uint64_t offset)
{
    uint64_t from = offset > node->rstart ? offset : node->rstart;
    uint64_t to = offset + len, end = node->rstart + node->rlen;

    if (to > end)
        to = end;
    if (node->rlen > 0 && from < to)
        memcpy(buffer(node->rbuf) + (from - node->rstart),
               buf + (from - offset), to - from);
}

static bool continues(const struct ckpt_node *node, uint64_t offset,
                      bool append)
{
    return node->append == append &&
           (append || offset == node->wstart + node->dirty);
}

/* Add to the dirty bytes. */
static void write_behind(struct ckpt_file *file, struct ckpt_node *node,
                         const uint8_t *buf, size_t len, uint64_t offset,
                         bool append)
{
    if (node->dirty > 0 &&
        (!continues(node, offset, append) || node->dirty + len > CKPT_POOL_LEN))
        ckpt_cache_send(node);
    if (node->dirty == 0) {
        buffer_take(node, &node->wbuf);
        node->wstart = offset;
        node->append = append;
        node->whandle = file->handle;
        ckpt_link->dirty_nodes++;
    }
    memcpy(buffer(node->wbuf) + node->dirty, buf, len);
    node->dirty += (uint32_t)len;
    if (__builtin_ia32_rdtsc() - node->sent_tsc > PAUSE_TSC)
        ckpt_cache_send(node);
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
    if (!append)
        patch_read_ahead(node, buf, len, offset);
    if (len >= DIRECT_LEN || file->kind == CKPT_KIND_STREAM)
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

/* --- reading ----------------------------------------------------------------
 */

/* One READ; the bytes arrive at `to`.  The count, or -errno. */
static long fetch(struct ckpt_file *file, void *to, uint32_t len,
                  uint64_t offset)
{
    shadow_read_args args = {file->handle, offset, len};
    u_int got = 0;
    int status;
    XDR xdr;

    struct ckpt_slot *slot =
        ckpt_request(SHADOW_READ, (xdrproc_t)xdr_shadow_read_args, &args);
    ckpt_request_send(slot);
    ckpt_request_wait(slot, &xdr);
    if (!xdr_int(&xdr, &status))
        return -EIO;
    if (status != 0)
        return status > 0 && status < 4096 ? -status : -EIO;
    if (!xdr_u_int(&xdr, &got) || got > len || !xdr_opaque(&xdr, to, got))
        return -EIO;
    return (long)got;
}

static void make_visible(struct ckpt_node *node, uint64_t offset, size_t len)
{
    if (node->dirty > 0 &&
        (node->append ||
         (offset < node->wstart + node->dirty && node->wstart < offset + len)))
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
    memcpy(buf, buffer(node->rbuf) + skip, n);
    return n;
}

/* Read a window at offset; what the reader wanted is then in the cache. */
static long read_ahead(struct ckpt_file *file, struct ckpt_node *node,
                       uint64_t offset, size_t want)
{
    bool sequential = offset == node->rnext;
    uint32_t window = sequential ? node->rwindow * 4 : 4096;

    if (window < want)
        window = (uint32_t)want;
    if (window < WINDOW_MIN && (sequential || offset == 0))
        window = WINDOW_MIN;
    if (window > CKPT_POOL_LEN)
        window = CKPT_POOL_LEN;
    buffer_take(node, &node->rbuf);
    node->rlen = 0;
    make_visible(node, offset, window);
    long n = fetch(file, buffer(node->rbuf), window, offset);
    if (n < 0)
        return n;
    node->rstart = offset;
    node->rlen = (uint32_t)n;
    node->rwindow = window;
    return n;
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

long ckpt_cache_read(struct ckpt_file *file, void *buf, size_t len,
                     uint64_t offset)
{
    struct ckpt_node *node = &ckpt_state->nodes[file->node];
    uint8_t *to = buf;

    if (file->kind == CKPT_KIND_STREAM)
        return fetch(file, buf,
                     len > SHADOW_DATA_MAX ? SHADOW_DATA_MAX : (uint32_t)len,
                     offset);
    make_visible(node, offset, len);
    size_t done = read_cached(node, to, len, offset);
    long n = 0;
    if (len - done >= DIRECT_LEN) {
        n = read_direct(file, node, to + done, len - done, offset + done);
    } else if (done < len) {
        n = read_ahead(file, node, offset + done, len - done);
        if (n > 0)
            n = (long)read_cached(node, to + done, len - done, offset + done);
    }
    if (n < 0 && done == 0)
        return n;
    done += n > 0 ? (size_t)n : 0;
    node->rnext = offset + done;
    return (long)done;
}
