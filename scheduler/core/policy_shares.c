/* policy_shares.c - see policy_shares.h */
#include "scheduler/core/policy_shares.h"

#include "scheduler/core/policy_rng.h"

#define USAGE_FLOOR 0.5

void policy_share_rule_default(struct policy_share_rule *rule)
{
    rule->kind = POLICY_SHARE_UPDOWN;
    rule->step = 10;
    rule->interval_s = 120;
    rule->half_life_s = 86400;
}

void policy_share_init(struct policy_share *share,
                       const struct policy_share_rule *rule)
{
    share->index = rule->kind == POLICY_SHARE_USAGE ? USAGE_FLOOR : 0;
    share->held = 0;
    share->wants = 0;
}

static double toward_zero(double index, double by)
{
    if (index > by)
        return index - by;
    if (index < -by)
        return index + by;
    return 0;
}

static void updown_pass(struct policy_share *share,
                        const struct policy_share_rule *rule, double intervals)
{
    double step = rule->step * intervals;

    if (share->held > 0)
        share->index += step * share->held;
    if (share->wants > 0)
        share->index -= step;
    if (share->held == 0 && share->wants == 0)
        share->index = toward_zero(share->index, step);
}

static void usage_pass(struct policy_share *share,
                       const struct policy_share_rule *rule, double elapsed_s)
{
    double keep =
        policy_exp(-0.6931471805599453 * elapsed_s / rule->half_life_s);

    share->index = share->held + (share->index - share->held) * keep;
    if (share->index < USAGE_FLOOR)
        share->index = USAGE_FLOOR;
}

void policy_share_pass(struct policy_share *share,
                       const struct policy_share_rule *rule, double elapsed_s)
{
    if (rule->kind == POLICY_SHARE_USAGE)
        usage_pass(share, rule, elapsed_s);
    else if (rule->kind == POLICY_SHARE_UPDOWN)
        updown_pass(share, rule, elapsed_s / rule->interval_s);
}
