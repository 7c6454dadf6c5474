/* cycle.h - the negotiation cycle: waiting jobs meet idle stations
 *
 * Puts what is known into the form of policy.h, lets policy_negotiate()
 * decide, and leaves the matches with the homes.
 */
#ifndef CKPT_SCHEDULER_CYCLE_H
#define CKPT_SCHEDULER_CYCLE_H

#include "scheduler/coordinator/table.h"
#include "scheduler/pool/settings.h"

/* One cycle at now_ms.  Returns how many matches were made, or -1 with
 * ENOMEM. */
int cycle_run(struct table *table, const struct settings *settings,
              struct policy_rng *rng, uint64_t now_ms);

/* Let the policy learn of the stations; every info_period. */
void cycle_tick(struct table *table, const struct settings *settings,
                struct policy_rng *rng, uint64_t now_ms);

/* Why did the home's first job not match? (a sentence, or "") */
void cycle_why(const struct table *table, const struct settings *settings,
               const struct known_home *home, char *text, size_t size);

#endif
