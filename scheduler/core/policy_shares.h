/* policy_shares.h - who has had his share: Up-Down and decaying usage
 *
 * Both keep one number per user (or home station); larger is a worse claim.
 *
 * Up-Down (Mutka and Livny 1987; SEED-SYSTEMS section B): each interval the
 * index goes up with every machine held, down when machines are wanted and
 * denied, and decays to exactly 0 when nothing is wanted; each grant inside a
 * cycle counts 1.  Decaying usage (HTCondor's user priority): tends to the
 * number of machines held with a half-life, and never goes below 0.5.
 */
#ifndef CKPT_POLICY_SHARES_H
#define CKPT_POLICY_SHARES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum policy_share_kind {
    POLICY_SHARE_UPDOWN,
    POLICY_SHARE_USAGE,
    POLICY_SHARE_NONE /* first come, first served; the index stays 0 */
};

struct policy_share {
    double index;   /* larger: a worse claim */
    uint32_t held;  /* machines this user's jobs run on */
    uint32_t wants; /* jobs that wait */
};

struct policy_share_rule {
    enum policy_share_kind kind;
    double step;        /* Up-Down: change per interval; default 10 */
    double interval_s;  /* Up-Down: length of an interval; default 120 */
    double half_life_s; /* usage; default 86400 */
};

void policy_share_rule_default(struct policy_share_rule *rule);

/* A user nobody has heard of yet. */
void policy_share_init(struct policy_share *share,
                       const struct policy_share_rule *rule);

/* Let `elapsed_s` pass with share->held and share->wants as they are. */
void policy_share_pass(struct policy_share *share,
                       const struct policy_share_rule *rule, double elapsed_s);

#endif
