/* policy_params.c - what a policy may be tuned with, by configuration key */
#include "scheduler/core/policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { NUMBER, COUNT, SECONDS, OR_NEVER, SHARE };

static const struct key {
    const char *name;
    size_t at;
    enum kind kind;
    const char *fallback;
    const char *meaning;
} keys[] = {
#define PAR(name) offsetof(struct policy_params, name)
    {"threshold", PAR(threshold), NUMBER, "2",
     "T: a station that has fewer jobs keeps an arrival"},
    {"fetch_below", PAR(fetch_below), NUMBER, "1",
     "a station with fewer jobs looks for work"},
    {"fetch_from", PAR(fetch_from), NUMBER, "2",
     "and takes it from those with at least this many"},
    {"high_load", PAR(high_load), NUMBER, "2",
     "above this load running jobs leave"},
    {"place_margin", PAR(place_margin), NUMBER, "1",
     "place elsewhere where at least that many fewer jobs are"},
    {"probe_limit", PAR(probe_limit), COUNT, "3", "L: stations probed at most"},
    {"adapt_rate", PAR(adapt_rate), SHARE, "0.2",
     "alpha: how fast the threshold follows the least load"},
    {"adapt_floor", PAR(adapt_floor), NUMBER, "1",
     "T0: the threshold never goes below"},
    {"offload", PAR(offload), NUMBER, "1",
     "K: least difference in load worth an exchange"},
    {"buddy_lease", PAR(buddy_lease_s), SECONDS, "60s",
     "a leased pair is bound at most this long"},
    {"residence", PAR(residence_s), SECONDS, "60s",
     "least stay of a job before it may move again"},
    {"candidate", PAR(candidate_s), SECONDS, "1s",
     "processor time that makes a job a candidate"},
    {"io_weight", PAR(io_weight), NUMBER, "0",
     "pull of the station a job does its I/O with"},
    {"fork_weight", PAR(fork_weight), SECONDS, "0",
     "worth of one forked child, as time of age"},
    {"move_fixed", PAR(move_fixed_s), SECONDS, "0",
     "fixed cost of moving a job that has started"},
    {"move_mb_s", PAR(move_mb_s), NUMBER, "100",
     "bandwidth that the cost of a move is reckoned with, MB/s"},
    {"info_period", PAR(info_period_s), SECONDS, "10s",
     "refresh of the table (0: at every change), of gossip, adverts; "
     "balancing"},
    {"info_max_age", PAR(info_max_age_s), SECONDS, "60s",
     "older knowledge is not used"},
    {"view_size", PAR(view_size), COUNT, "8",
     "entries of a gossip or advert view"},
    {"idle_start", PAR(idle_start_s), SECONDS, "15m",
     "a station is idle when its owner has been away this long"},
    {"load_start", PAR(load_start), NUMBER, "0.3",
     "and its load without our own jobs is at most this"},
    {"suspend_grace", PAR(suspend_grace_s), SECONDS, "5m",
     "a suspended job waits this long for the owner to leave again"},
    {"vacate_limit", PAR(vacate_limit_s), SECONDS, "10m",
     "then it has this long to checkpoint and go"},
    {"cycle", PAR(cycle_s), SECONDS, "120s", "length of a negotiation cycle"},
    {"preempt_after", PAR(preempt_after_s), OR_NEVER, "1h",
     "a job runs this long before a better claim may end it; or never"},
    {"updown_step", PAR(shares.step), NUMBER, "10",
     "change of the Up-Down index in an interval"},
    {"updown_interval", PAR(shares.interval_s), SECONDS, "120s",
     "length of that interval"},
    {"half_life", PAR(shares.half_life_s), SECONDS, "1d",
     "half-life of the decaying usage"},
#undef PAR
};

#define N_KEYS (sizeof keys / sizeof keys[0])

int policy_seconds_parse(const char *text, double *seconds)
{
    char *end;
    double v = strtod(text, &end);

    if (end == text || !(v >= 0) || v > 1e300)
        goto bad;
    if (strcmp(end, "ms") == 0)
        v /= 1000;
    else if (strcmp(end, "m") == 0)
        v *= 60;
    else if (strcmp(end, "h") == 0)
        v *= 3600;
    else if (strcmp(end, "d") == 0)
        v *= 86400;
    else if (*end && strcmp(end, "s") != 0)
        goto bad;
    *seconds = v;
    return 0;
bad:
    errno = EINVAL;
    return -1;
}

static int number_parse(const char *text, double *value)
{
    char *end;
    double v = strtod(text, &end);

    if (end == text || *end || !(v > -1e300 && v < 1e300)) {
        errno = EINVAL;
        return -1;
    }
    *value = v;
    return 0;
}

static int key_set(const struct key *k, struct policy_params *par,
                   const char *text)
{
    void *at = (char *)par + k->at;
    double v = 0;

    switch (k->kind) {
    case OR_NEVER:
        if (strcmp(text, "never") == 0 || strcmp(text, "-1") == 0) {
            *(double *)at = -1;
            return 0;
        }
        return policy_seconds_parse(text, at);
    case SECONDS:
        return policy_seconds_parse(text, at);
    case NUMBER:
        return number_parse(text, at);
    case SHARE:
    case COUNT:
        break;
    }
    if (number_parse(text, &v) < 0)
        return -1;
    if (k->kind == SHARE && v > 0 && v <= 1) {
        *(double *)at = v;
        return 0;
    }
    if (k->kind == COUNT && v >= 0 && v <= POLICY_PROBES_MAX) {
        *(uint32_t *)at = (uint32_t)v;
        return 0;
    }
    errno = EINVAL;
    return -1;
}

/* "low.cpu", "high.runq" */
static int mark_set(struct policy_params *par, const char *key,
                    const char *value)
{
    bool low = strncmp(key, "low.", 4) == 0;
    const char *name = key + (low ? 4 : 5);
    enum policy_factor f;

    if (!low && strncmp(key, "high.", 5) != 0)
        goto unknown;
    for (f = 0; f < POLICY_FACTORS; f++)
        if (strcmp(policy_factor_name(f), name) == 0)
            return number_parse(value,
                                low ? &par->marks.low[f] : &par->marks.high[f]);
unknown:
    errno = ENOENT;
    return -1;
}

int policy_params_set(struct policy_params *par, const char *key,
                      const char *value)
{
    size_t i;

    for (i = 0; i < N_KEYS; i++)
        if (strcmp(keys[i].name, key) == 0)
            return key_set(&keys[i], par, value);
    if (strcmp(key, "share") != 0)
        return mark_set(par, key, value);
    if (strcmp(value, "up-down") == 0)
        par->shares.kind = POLICY_SHARE_UPDOWN;
    else if (strcmp(value, "usage") == 0)
        par->shares.kind = POLICY_SHARE_USAGE;
    else if (strcmp(value, "none") == 0)
        par->shares.kind = POLICY_SHARE_NONE;
    else {
        errno = EINVAL;
        return -1;
    }
    return 0;
}

const char *policy_params_key(size_t i, const char **fallback,
                              const char **meaning)
{
    if (i == N_KEYS) {
        *fallback = "up-down";
        *meaning = "who goes first: up-down, usage or none";
        return "share";
    }
    if (i > N_KEYS)
        return NULL;
    *fallback = keys[i].fallback;
    *meaning = keys[i].meaning;
    return keys[i].name;
}

/* "key=value key=value", all of it ours and valid. */
static void apply(struct policy_params *par, const char *text)
{
    char pair[64];
    int used;

    while (sscanf(text, " %63s%n", pair, &used) == 1) {
        char *eq = strchr(pair, '=');

        text += used;
        if (!eq)
            continue;
        *eq = '\0';
        policy_params_set(par, pair, eq + 1);
    }
}

void policy_params_default(struct policy_params *par,
                           const struct policy *policy)
{
    size_t i;

    memset(par, 0, sizeof *par);
    policy_share_rule_default(&par->shares);
    policy_marks_default(&par->marks);
    for (i = 0; i < N_KEYS; i++)
        key_set(&keys[i], par, keys[i].fallback);
    if (policy)
        apply(par, policy->params);
}
