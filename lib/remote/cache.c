/* cache.c - one cache for each file: its buffers, and write-behind
 *
 * All descriptions of a file share its node, so they see one another's bytes.
 * Dirty bytes are one run, sent when it is full, when a write does not
 * continue it, before any call to the shadow that is not about this cache's
 * own reads and writes, and when the last burst is over (a write after a
 * pause is sent at once).  Sent is enough for order: the shadow works in order.
 * Errors of late writes are kept in the node and told once.
 */
#include "lib/remote/cache.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

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
        ckpt_wire_settle(ckpt_node_index(node));
    }
    node->refs--;
}

/* --- buffers ----------------------------------------------------------------
 */

uint8_t *ckpt_buffer(uint16_t id)
{
    return ckpt_link->pool + (size_t)(id - 1) * CKPT_POOL_LEN;
}

void ckpt_buffer_free(uint16_t *id)
{
    if (*id)
        ckpt_link->pool_owner[*id - 1] = 0;
    *id = 0;
}

bool ckpt_buffer_try(struct ckpt_node *node, uint16_t *id)
{
    for (uint32_t i = 0; i < CKPT_POOL; i++) {
        if (ckpt_link->pool_owner[i] != 0)
            continue;
        ckpt_link->pool_owner[i] = (uint16_t)(ckpt_node_index(node) + 1);
        *id = (uint16_t)(i + 1);
        return true;
    }
    return false;
}

/* Buffers into which an answer is still coming stay with their owners; there
 * are fewer slots than buffers, so some are not. */
void ckpt_buffer_take(struct ckpt_node *node, uint16_t *id)
{
    while (!*id && !ckpt_buffer_try(node, id)) {
        uint32_t i = ckpt_link->pool_next++ % CKPT_POOL;
        struct ckpt_node *loser =
            &ckpt_state->nodes[ckpt_link->pool_owner[i] - 1];
        ckpt_cache_send(loser);
        ckpt_cache_drop(loser);
    }
}

void ckpt_cache_drop(struct ckpt_node *node)
{
    ckpt_buffer_free(&node->rbuf);
    node->rlen = 0;
    node->ended = false;
    node->end_tsc = 0;
    ckpt_ahead_forget(node);
    if (node->dirty == 0)
        ckpt_buffer_free(&node->wbuf);
}

/* --- followers --------------------------------------------------------------
 *
 * While one description writes on at the end of the dirty bytes, their number
 * is all that changes (fast.c); its offset is derived from it when somebody
 * asks.
 */

void ckpt_node_unfollow(struct ckpt_node *node)
{
    if (node->follower == 0)
        return;
    struct ckpt_file *file = &ckpt_state->files[node->follower - 1];
    file->offset = node->wstart + node->dirty;
    file->at_dirty = false;
    node->follower = 0;
}

void ckpt_node_follow(struct ckpt_node *node, struct ckpt_file *file)
{
    if (node->dirty == 0 || node->append)
        return;
    node->follower = (uint16_t)(file - ckpt_state->files + 1);
    file->at_dirty = true;
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
        ckpt_wire_begin(SHADOW_WRITE, (xdrproc_t)xdr_shadow_write_args, &args);

    slot->node = ckpt_node_index(node);
    slot->count = len;
    node->inflight++;
    ckpt_wire_issue(slot);
}

void ckpt_cache_send(struct ckpt_node *node)
{
    uint32_t len = (uint32_t)node->dirty;

    if (len == 0)
        return;
    ckpt_node_unfollow(node);
    node->dirty = 0;
    ckpt_link->dirty_nodes--;
    node->sent_tsc = __builtin_ia32_rdtsc();
    send_write(node, node->whandle, ckpt_buffer(node->wbuf), len, node->wstart,
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
        ckpt_wire_settle(ckpt_node_index(node));
    return take_error(node);
}

/* What has been read stays right; what is coming might not. */
static void patch_read_ahead(struct ckpt_node *node, const uint8_t *buf,
                             size_t len, uint64_t offset)
{
    uint64_t from = offset > node->rstart ? offset : node->rstart;
    uint64_t to = offset + len, end = node->rstart + node->rlen;

    ckpt_ahead_forget(node);
    if (to > end)
        to = end;
    if (node->rlen > 0 && from < to)
        memcpy(ckpt_buffer(node->rbuf) + (from - node->rstart),
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
        ckpt_buffer_take(node, &node->wbuf);
        node->wstart = offset;
        node->append = append;
        node->whandle = file->handle;
        ckpt_link->dirty_nodes++;
    }
    ckpt_node_unfollow(node);
    memcpy(ckpt_buffer(node->wbuf) + node->dirty, buf, len);
    node->dirty += len;
    if (__builtin_ia32_rdtsc() - node->sent_tsc > CKPT_PAUSE_TSC)
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
    node->end_tsc = 0;
    if (append || offset + len > node->rstart + node->rlen)
        node->ended = false;
    if (!append)
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
