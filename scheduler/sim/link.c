/* link.c - a home's link to the network, shared by what goes over it
 *
 *     served   |---------- grows at min(bandwidth, home_link / n) ----->
 *     image        |--a--|      each of the n transfers is done when
 *                    |----b----|  `served` has grown by its image
 *
 * All transfers of a link go at the same rate, so one number says how far
 * each of them is, and the one with the least `until` is done next.
 */
#include "scheduler/sim/world.h"

#include <stdlib.h>

static double rate_of(const struct sim *w, const struct sim_link *link)
{
    double share = w->sc->home_link / (link->n > 0 ? link->n : 1);

    return share < w->sc->bandwidth ? share : w->sc->bandwidth;
}

static void advance(const struct sim *w, struct sim_link *link)
{
    if (link->n > 0)
        link->served += (w->now - link->last) * rate_of(w, link);
    link->last = w->now;
}

static uint32_t next_done(const struct sim_link *link)
{
    uint32_t best = 0, i;

    for (i = 1; i < link->n; i++)
        if (link->load[i].until < link->load[best].until)
            best = i;
    return best;
}

static void plan(struct sim *w, uint32_t home)
{
    struct sim_link *link = &w->link[home];
    double left;

    link->stamp++;
    if (link->n == 0)
        return;
    left = link->load[next_done(link)].until - link->served;
    sim_at(w, w->now + (left > 0 ? left : 0) / rate_of(w, link), SIM_EV_LINK,
           home, link->stamp);
}

void sim_link_start(struct sim *w, uint32_t home, double mb, uint32_t kind,
                    uint32_t a, uint32_t b)
{
    struct sim_link *link = &w->link[home];

    if (link->n == link->room) {
        uint32_t room = link->room ? 2 * link->room : 4;
        void *more = realloc(link->load, room * sizeof *link->load);

        if (!more) {
            w->out_of_memory = true;
            return;
        }
        link->load = more;
        link->room = room;
    }
    advance(w, link);
    link->load[link->n++] = (struct sim_load){link->served + mb, kind, a, b};
    plan(w, home);
}

void sim_link_drop(struct sim *w, uint32_t home, uint32_t kind, uint32_t a)
{
    struct sim_link *link = &w->link[home];
    uint32_t i, kept = 0;

    advance(w, link);
    for (i = 0; i < link->n; i++)
        if (link->load[i].kind != kind || link->load[i].a != a)
            link->load[kept++] = link->load[i];
    link->n = kept;
    plan(w, home);
}

void sim_link_event(struct sim *w, uint32_t home)
{
    struct sim_link *link = &w->link[home];
    uint32_t i = next_done(link);
    struct sim_load done = link->load[i];

    advance(w, link);
    link->served = done.until > link->served ? done.until : link->served;
    link->load[i] = link->load[--link->n];
    if (link->n == 0)
        link->served = 0;
    plan(w, home);
    sim_at(w, w->now, done.kind, done.a, done.b);
}
