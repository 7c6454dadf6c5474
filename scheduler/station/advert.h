/* advert.h - telling the coordinator about this station, without waiting
 *
 * One message is under way at a time; while the coordinator is silent or gone
 * the station goes on, and tries again later.
 */
#ifndef CKPT_SCHEDULER_ADVERT_H
#define CKPT_SCHEDULER_ADVERT_H

#include "lib/proto/coordinator.h"
#include "scheduler/pool/serving.h"

struct advert;

/* NULL with ENOMEM. */
struct advert *advert_create(struct ckpt_serve *serve,
                             const struct pooldir *pool);
void advert_destroy(struct advert *advert);

/* Send it.  False when it could not be sent now: say it again later. */
bool advert_send(struct advert *advert, pool_station *ad);

/* The coordinator need not wait for us any more; best effort. */
void advert_withdraw(struct advert *advert, const char *station,
                     uint64_t boot_id);

#endif
