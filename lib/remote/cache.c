/* cache.c - one cache for each file: its node, its buffers, its follower
 *
 * All descriptions of a file share its node, so they see one another's bytes.
 * Writing is in cache_write.c, reading in cache_read.c.
 */
#include "lib/remote/cache.h"

#include <string.h>

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
