/* policy_info.h - views: what a station knows of a few others
 *
 * A view is a fixed array of stations with the time each entry was learned.
 * Gossip (MOS-4, MOS-12): each period a station puts itself into its view and
 * sends a part of it to one random station, which merges it: newer entries
 * win, the oldest make room.  Adverts (DEM-12, supply-driven): an under-loaded
 * station sends its own entry only.  Both are the same merge.
 */
#ifndef CKPT_POLICY_INFO_H
#define CKPT_POLICY_INFO_H

#include "scheduler/core/policy.h"

struct policy_info_view {
    uint32_t size; /* entries used, at most `max` */
    uint32_t max;  /* at most POLICY_ADVERTS_MAX */
    struct policy_station *entry;
};

/* `room` has space for `max` entries and stays the caller's. */
void policy_info_init(struct policy_info_view *view,
                      struct policy_station *room, uint32_t max);

/* Learn `news` (its heard says when it was true).  `self` is never entered.
 * An older entry than the one that is there changes nothing. */
void policy_info_learn(struct policy_info_view *view, uint32_t self,
                       const struct policy_station *news);

/* Forget what is older than `max_age_s`. */
void policy_info_expire(struct policy_info_view *view, double now,
                        double max_age_s);

/* Choose up to `max` entries to send on, the sender's own first; returns
 * their number.  The rest is a random half of the view (MOS-4). */
uint32_t policy_info_message(const struct policy_info_view *view,
                             const struct policy_station *self,
                             struct policy_rng *rng, struct policy_station *out,
                             uint32_t max);

/* A random station other than `self`. */
uint32_t policy_info_target(struct policy_rng *rng, uint32_t self,
                            uint32_t n_stations);

#endif
