/* policy_info.c - see policy_info.h */
#include "scheduler/core/policy_info.h"

void policy_info_init(struct policy_info_view *view,
                      struct policy_station *room, uint32_t max)
{
    view->size = 0;
    view->max = max < POLICY_ADVERTS_MAX ? max : POLICY_ADVERTS_MAX;
    view->entry = room;
}

/* Where `news` belongs: its station's entry, a free one, or the oldest. */
static struct policy_station *slot_for(struct policy_info_view *view,
                                       uint32_t id)
{
    struct policy_station *oldest = NULL;
    uint32_t i;

    for (i = 0; i < view->size; i++) {
        struct policy_station *e = &view->entry[i];

        if (e->id == id)
            return e;
        if (!oldest || e->heard < oldest->heard)
            oldest = e;
    }
    if (view->size < view->max) {
        oldest = &view->entry[view->size++];
        oldest->id = POLICY_NOBODY;
        oldest->heard = -1;
    }
    return oldest;
}

void policy_info_learn(struct policy_info_view *view, uint32_t self,
                       const struct policy_station *news)
{
    struct policy_station *e;

    if (news->id == self || view->max == 0)
        return;
    e = slot_for(view, news->id);
    if (e->heard < news->heard)
        *e = *news;
}

void policy_info_expire(struct policy_info_view *view, double now,
                        double max_age_s)
{
    uint32_t i = 0;

    while (i < view->size) {
        if (now - view->entry[i].heard > max_age_s)
            view->entry[i] = view->entry[--view->size];
        else
            i++;
    }
}

uint32_t policy_info_message(const struct policy_info_view *view,
                             const struct policy_station *self,
                             struct policy_rng *rng, struct policy_station *out,
                             uint32_t max)
{
    uint32_t left = view->size, want, n = 0, i;

    if (max == 0)
        return 0;
    out[n++] = *self;
    want = (view->size + 1) / 2;
    want = want < max - 1 ? want : max - 1;
    /* Choose `want` of `size` entries, each set equally likely. */
    for (i = 0; i < view->size && want > 0; i++, left--)
        if (policy_rng_below(rng, left) < want) {
            out[n++] = view->entry[i];
            want--;
        }
    return n;
}

uint32_t policy_info_target(struct policy_rng *rng, uint32_t self,
                            uint32_t n_stations)
{
    uint32_t id = policy_rng_below(rng, n_stations - 1);

    return id + (id >= self);
}
