/* policy_cost.h - what moving and checkpointing cost
 *
 * Closed forms that decide how and how often: transfer modes, the interval
 * between checkpoints, leverage.  Pure.
 */
#ifndef CKPT_POLICY_COST_H
#define CKPT_POLICY_COST_H

#include <stdint.h>

struct policy_transfer_cost {
    double freeze_s; /* the job stands still */
    double total_s;  /* until the source is free (obtrusiveness, MPVM) */
    double mb;       /* moved in all */
    uint32_t rounds; /* of pre-copying */
};

/* Stop, move everything, go on (DEMOS/MP, Condor, MPVM): freeze M/b + fixed. */
struct policy_transfer_cost policy_stop_and_copy(double image_mb, double mb_s,
                                                 double fixed_s);

/* Pre-copy (V): copy while the job runs on, again what it has dirtied
 * meanwhile, until a round would not be smaller than the one before, or
 * max_rounds, or what is left is at most `small_mb`; then stop and copy the
 * rest.  With dirty_mb_s >= mb_s one round, then stop-and-copy. */
struct policy_transfer_cost policy_precopy(double image_mb, double dirty_mb_s,
                                           double mb_s, double fixed_s,
                                           double small_mb,
                                           uint32_t max_rounds);

/* Expected time for `work_s` under failures (Poisson, mean time between them
 * mtbf_s), with a checkpoint of cost_s every interval_s and a restart of
 * restart_s (Daly 2006's complete model; C13). */
double policy_periodic_time(double work_s, double interval_s, double cost_s,
                            double restart_s, double mtbf_s);

/* Mean time between losses of a station that had `losses` of them in ran_s;
 * prior_s is what is believed before anything was seen, and counts as one. */
double policy_mtbf(double ran_s, uint32_t losses, double prior_s);

/* The interval that makes it least, by search; Young's and Daly's formulas. */
double policy_interval_best(double cost_s, double restart_s, double mtbf_s);
double policy_interval_young(double cost_s, double mtbf_s);
double policy_interval_daly(double cost_s, double mtbf_s);

struct policy_leverage_costs {
    double per_mb_s;     /* home's processor time per MB of image moved */
    double per_call_s;   /* per remote system call served */
    double daemon_share; /* of the home's processor, while the job is there */
};

/* Remote processor time / home processor time spent for it (CON-3). */
double policy_leverage(const struct policy_leverage_costs *costs,
                       double remote_cpu_s, double image_mb, double transfers,
                       double calls);

#endif
