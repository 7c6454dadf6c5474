/* policy_cost.c - see policy_cost.h */
#include "scheduler/core/policy_cost.h"

#include "lib/common/interval.h"
#include "scheduler/core/policy_rng.h"

struct policy_transfer_cost policy_stop_and_copy(double image_mb, double mb_s,
                                                 double fixed_s)
{
    struct policy_transfer_cost cost = {0, 0, image_mb, 0};

    cost.freeze_s = cost.total_s = image_mb / mb_s + fixed_s;
    return cost;
}

struct policy_transfer_cost policy_precopy(double image_mb, double dirty_mb_s,
                                           double mb_s, double fixed_s,
                                           double small_mb, uint32_t max_rounds)
{
    struct policy_transfer_cost cost = {0, 0, 0, 0};
    double left = image_mb;

    while (left > small_mb && cost.rounds < max_rounds) {
        double next = left / mb_s * dirty_mb_s;

        if (cost.rounds > 0 && next >= left)
            break;
        cost.mb += left;
        cost.rounds++;
        left = next < image_mb ? next : image_mb;
    }
    cost.mb += left;
    cost.freeze_s = left / mb_s + fixed_s;
    cost.total_s = cost.mb / mb_s + fixed_s;
    return cost;
}

double policy_periodic_time(double work_s, double interval_s, double cost_s,
                            double restart_s, double mtbf_s)
{
    return work_s / interval_s * mtbf_s * policy_exp(restart_s / mtbf_s) *
           (policy_exp((interval_s + cost_s) / mtbf_s) - 1);
}

double policy_interval_best(double cost_s, double restart_s, double mtbf_s)
{
    double low = cost_s / 1000, high = 20 * mtbf_s + cost_s;
    int i;

    /* The time has one minimum in the interval: ternary search. */
    for (i = 0; i < 200; i++) {
        double a = low + (high - low) / 3, b = high - (high - low) / 3;

        if (policy_periodic_time(1, a, cost_s, restart_s, mtbf_s) <
            policy_periodic_time(1, b, cost_s, restart_s, mtbf_s))
            high = b;
        else
            low = a;
    }
    return (low + high) / 2;
}

double policy_mtbf(double ran_s, uint32_t losses, double prior_s)
{
    return (ran_s + prior_s) / (losses + 1.0);
}

double policy_interval_young(double cost_s, double mtbf_s)
{
    return ckpt_interval_young(cost_s, mtbf_s);
}

double policy_interval_daly(double cost_s, double mtbf_s)
{
    return ckpt_interval_daly(cost_s, mtbf_s);
}

double policy_leverage(const struct policy_leverage_costs *costs,
                       double remote_cpu_s, double image_mb, double transfers,
                       double calls)
{
    double home = transfers * image_mb * costs->per_mb_s +
                  calls * costs->per_call_s +
                  costs->daemon_share * remote_cpu_s;

    return home > 0 ? remote_cpu_s / home : 1.0 / 0.0;
}
