/* policies.c - see policies.h */
#include "lib/capture/policies.h"

#include "lib/common/sys.h"

#include <linux/mempolicy.h>

enum { NODE_BITS = CKPT_NODE_WORDS * 64 };

static int look_map(struct ckpt_policies *p, const struct ckpt_map *m,
                    struct ckpt_err *err)
{
    uint64_t nodes[CKPT_NODE_WORDS] = {0};
    size_t n = p->count;
    int mode = MPOL_DEFAULT;

    if (ckpt_sys(SYS_get_mempolicy, &mode, nodes, NODE_BITS, m->start,
                 MPOL_F_ADDR) < 0 ||
        mode == MPOL_DEFAULT)
        return 0;
    if (n == CKPT_POLICIES_MAX)
        return ckpt_err_set(err, EBUSY,
                            "more than %d pieces of memory are bound to nodes "
                            "(mbind)",
                            CKPT_POLICIES_MAX);
    p->list[n].start = m->start;
    p->list[n].end = m->end;
    p->list[n].mode = mode;
    for (int i = 0; i < CKPT_NODE_WORDS; i++)
        p->list[n].nodes[i] = nodes[i];
    p->count++;
    return 0;
}

int ckpt_policies_look(struct ckpt_policies *p,
                       const struct ckpt_memory *memory, struct ckpt_err *err)
{
    p->count = 0;
    for (size_t i = 0; i < memory->nmaps; i++)
        if ((memory->maps[i].kind == CKPT_MAP_ANON ||
             memory->maps[i].kind == CKPT_MAP_SHARED) &&
            look_map(p, &memory->maps[i], err) < 0)
            return -1;
    return 0;
}

void ckpt_policies_give(const struct ckpt_policies *p)
{
    for (size_t i = 0; i < p->count; i++)
        ckpt_sys(SYS_mbind, p->list[i].start, p->list[i].end - p->list[i].start,
                 p->list[i].mode, p->list[i].nodes, NODE_BITS, 0);
}
