/* policy_rules.h - the rules that policy.c combines; for it and for tests */
#ifndef CKPT_POLICY_RULES_H
#define CKPT_POLICY_RULES_H

#include "scheduler/core/policy.h"

/* Places in the tables below. */
enum policy_transfer_index {
    TRANSFER_NEVER,
    TRANSFER_PLACE,
    TRANSFER_HARVEST,
    TRANSFER_EXEC,
    TRANSFER_EXCESS,
    TRANSFER_SENDER,
    TRANSFER_RECEIVER,
    TRANSFER_SYMMETRIC,
    TRANSFER_WATERMARK,
    TRANSFER_ADAPTIVE,
    TRANSFER_ADAPTIVE_PRINTED,
    TRANSFER_OFFLOAD,
    TRANSFER_BALANCE,
    TRANSFER_ARRIVAL,
};

enum policy_selection_index {
    SELECT_WAITING,
    SELECT_ANY,
    SELECT_UNSTARTED_OR_FOREIGN,
    SELECT_OLDEST,
    SELECT_AGE,
    SELECT_CANDIDATE,
    SELECT_SMALLEST,
};

enum policy_location_index {
    LOCATE_RANDOM,
    LOCATE_BELOW,
    LOCATE_SHORTEST,
    LOCATE_LOWEST,
    LOCATE_IDLE,
    LOCATE_LONGEST_IDLE,
    LOCATE_IN_TURN,
    LOCATE_LEAST,
    LOCATE_LEVEL,
    LOCATE_DIFFERENCE,
    LOCATE_CHEAPEST,
};

enum policy_information_index {
    INFO_NONE,
    INFO_PROBE,
    INFO_TABLE,
    INFO_GOSSIP,
    INFO_ADVERT,
    INFO_ORACLE,
};

/* Ended by an entry without a name. */
extern const struct policy_transfer_rule policy_transfer_rules[];
extern const struct policy_selection_rule policy_selection_rules[];
extern const struct policy_location_rule policy_location_rules[];
extern const struct policy_information_rule policy_information_rules[];

/* The adaptive threshold's next value, given the pool's least load: LT moves
 * towards Min by the share `rate` and never below `floor` (IIT-19 with the
 * signs its own text asks for). */
double policy_adapt(double threshold, double least, double rate, double floor);

/* IIT-19 as printed: moves away from Min.  Kept to show that it diverges. */
double policy_adapt_printed(double threshold, double least, double rate,
                            double floor);

/* Is it not for jobs now: its owner is there, or a job is on its way out? */
static inline bool policy_in_use(const struct policy_station *s)
{
    return s->state == POLICY_STATION_OWNER ||
           s->state == POLICY_STATION_SUSPENDED ||
           s->state == POLICY_STATION_VACATING;
}

/* Cost of moving this job, in seconds. */
double policy_move_cost(const struct policy_params *par,
                        const struct policy_job *job);

#endif
