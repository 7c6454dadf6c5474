/* scenario_keys.c - the keys of a scenario, and how their values are read */
#include "scheduler/sim/scenario_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sim_setter set_discipline, set_diurnal, set_policy, set_vary;

const struct sim_key sim_keys[] = {
#define AT(name) offsetof(struct sim_scenario, name), NULL
#define CLASS0(name) offsetof(struct sim_scenario, class[0].name), NULL
    {"title", TEXT, AT(title), "", "heading of reports and plots"},
    {"stations", COUNT, AT(stations), "20", "how many machines"},
    {"discipline", OWN, 0, set_discipline, "ps",
     "ps: jobs of a station share it; fcfs: one after the other"},
    {"speed", LAW, AT(speed), "const 1", "speed of each machine, relative"},
    {"memory", NUMBER, AT(memory_mb), "0", "MB of each machine; 0: plenty"},
    {"load", NUMBER, AT(load), "0",
     "work that arrives per station and second; sets the rate"},
    {"rate", NUMBER, CLASS0(rate), "0", "jobs per second, pool-wide"},
    {"users", COUNT, CLASS0(users), "0",
     "users who bring them; 0: one at every station"},
    {"backlog", COUNT, CLASS0(backlog), "0",
     "jobs each user has from the start"},
    {"keep", COUNT, CLASS0(keep), "0",
     "each user always has that many in the pool"},
    {"size", LAW, CLASS0(size), "exp 1", "processor time of a job"},
    {"image", LAW, CLASS0(image), "const 0", "MB of its image"},
    {"io", LAW, CLASS0(io), "const 0",
     "share of a job's time spent on I/O with one station"},
    {"io_remote", NUMBER, AT(io_remote), "1",
     "I/O takes so many times longer from another station"},
    {"io_servers", COUNT, AT(io_servers), "0",
     "that station is one of the first so many; 0: any"},
    {"forks", LAW, CLASS0(forks), "const 0", "children that a job makes"},
    {"fork_every", SECONDS, AT(fork_every), "1s",
     "time from one child to the next"},
    {"fork_size", LAW, CLASS0(fork_size), "exp 1", "processor time of a child"},
    {"workload", OWN, 0, sim_set_workload, "", "file of a recorded workload"},
    {"movable", NUMBER, AT(movable), "1",
     "share of the jobs that can be checkpointed"},
    {"jobs", COUNT, AT(jobs), "0", "measure that many jobs"},
    {"warmup_jobs", COUNT, AT(warmup_jobs), "0", "after that many others"},
    {"duration", SECONDS, AT(duration), "0", "or: run that long"},
    {"warmup", SECONDS, AT(warmup), "0", "after that much unmeasured time"},
    {"seeds", COUNT, AT(seeds), "1", "repetitions, for the intervals"},
    {"owner_idle", LAW, AT(owner_idle), "const 0",
     "how long owners stay away; const 0: no owners"},
    {"owner_busy", LAW, AT(owner_busy), "const 0", "and how long they stay"},
    {"owner_load", NUMBER, AT(owner_load), "0",
     "share of the processor an owner uses"},
    {"owner_trace", OWN, 0, sim_set_owner_trace, "",
     "file of recorded presence: STATION FROM TO"},
    {"diurnal", OWN, 0, set_diurnal, "",
     "24 weights of activity (arrivals, owners' returns) by hour"},
    {"bandwidth", NUMBER, AT(bandwidth), "100", "MB/s of a transfer"},
    {"home_link", NUMBER, AT(home_link), "0",
     "MB/s of a home's link, shared by images on their way to and from it; "
     "0: plenty"},
    {"place_cost", SECONDS, AT(place_cost), "0",
     "time to start a job elsewhere"},
    {"ckpt_fixed", SECONDS, AT(ckpt_fixed), "0", "time of a checkpoint: this"},
    {"ckpt_mb_s", NUMBER, AT(ckpt_mb_s), "100", "plus image over this, MB/s"},
    {"restart_cost", SECONDS, AT(restart_cost), "0", "time of a restart"},
    {"checkpoint_every", SECONDS, AT(checkpoint_every), "0",
     "periodic checkpoints; 0: none"},
    {"mtbf", SECONDS, AT(mtbf), "0", "mean time between a station's crashes"},
    {"repair", LAW, AT(repair), "const 0", "and how long it is down"},
    {"message_delay", SECONDS, AT(message_delay), "0",
     "one way, between any two"},
    {"message_loss", NUMBER, AT(message_loss), "0", "share that is lost"},
    {"message_timeout", SECONDS, AT(message_timeout), "1s",
     "a lost answer is given up"},
    {"home_per_mb", NUMBER, AT(home.per_mb_s), "0.01",
     "home's processor seconds per MB of image moved"},
    {"home_per_call", NUMBER, AT(home.per_call_s), "0.00005",
     "and per remote system call"},
    {"home_daemons", NUMBER, AT(home.daemon_share), "0.0001",
     "and per second of remote processor time"},
    {"calls_per_s", NUMBER, AT(calls_per_s), "1",
     "remote system calls per second of processor time"},
    {"policy", OWN, 0, set_policy, "none", "policies to run, by name"},
    {"vary", OWN, 0, set_vary, "",
     "KEY VALUE VALUE...: each policy with each value, side by side"},
#undef AT
#undef CLASS0
    {NULL, OWN, 0, NULL, NULL, NULL},
};

int sim_bad_value(struct ckpt_err *err, const char *key, const char *value,
                  const char *wanted)
{
    return ckpt_err_set(err, EINVAL, "%s: \"%s\" is not %s", key, value,
                        wanted);
}

static int count_parse(const char *text, uint32_t *count)
{
    char *end;
    unsigned long v = strtoul(text, &end, 10);

    if (end == text || *end || text[0] == '-' || v > 2000000000) {
        errno = EINVAL;
        return -1;
    }
    *count = (uint32_t)v;
    return 0;
}

int sim_value_set(const struct sim_key *k, void *at, const char *value,
                  struct ckpt_err *err)
{
    struct sim_law law;
    double v;
    char *end;

    switch (k->kind) {
    case TEXT:
        snprintf(at, sizeof((struct sim_scenario *)0)->title, "%s", value);
        return 0;
    case COUNT:
        return count_parse(value, at) < 0
                   ? sim_bad_value(err, k->name, value, "a count")
                   : 0;
    case SECONDS:
        return policy_seconds_parse(value, at) < 0
                   ? sim_bad_value(err, k->name, value,
                                   "a time (90s, 15m, 2h, 1d)")
                   : 0;
    case LAW:
        if (sim_law_parse(&law, value, err) < 0)
            return ckpt_err_prefix(err, "%s", k->name);
        sim_law_clear(at);
        *(struct sim_law *)at = law;
        return 0;
    case NUMBER:
    case OWN:
        break;
    }
    v = strtod(value, &end);
    if (end == value || *end || !(v >= 0 && v < 1e300))
        return sim_bad_value(err, k->name, value, "a number of 0 or more");
    *(double *)at = v;
    return 0;
}

static int set_discipline(struct sim_scenario *s, const char *value,
                          struct ckpt_err *err)
{
    if (strcmp(value, "ps") != 0 && strcmp(value, "fcfs") != 0)
        return sim_bad_value(err, "discipline", value, "ps or fcfs");
    s->shared = strcmp(value, "ps") == 0;
    return 0;
}

static int set_diurnal(struct sim_scenario *s, const char *value,
                       struct ckpt_err *err)
{
    double sum = 0;
    int i, used;

    s->diurnal = *value != '\0';
    for (i = 0; s->diurnal && i < 24; i++) {
        if (sscanf(value, "%lf%n", &s->hour[i], &used) != 1 ||
            !(s->hour[i] > 0))
            return sim_bad_value(err, "diurnal", value, "24 positive weights");
        value += used;
        sum += s->hour[i];
    }
    for (i = 0; i < 24; i++)
        s->hour[i] = s->diurnal ? s->hour[i] * 24 / sum : 1;
    return 0;
}

static int set_policy(struct sim_scenario *s, const char *value,
                      struct ckpt_err *err)
{
    char name[SIM_NAME_MAX];
    int used;

    s->n_policies = 0;
    for (; sscanf(value, " %31s%n", name, &used) == 1; value += used) {
        if (!policy_find(name))
            return sim_bad_value(err, "policy", name,
                                 "a policy (ckpt sim --policies lists them)");
        if (s->n_policies == SIM_POLICIES_MAX)
            return ckpt_err_set(err, E2BIG, "policy: more than %d",
                                SIM_POLICIES_MAX);
        snprintf(s->policy[s->n_policies++], SIM_NAME_MAX, "%s", name);
    }
    return 0;
}

static int set_vary(struct sim_scenario *s, const char *value,
                    struct ckpt_err *err)
{
    int used = 0;

    s->n_vary = 0;
    if (!*value)
        return 0;
    if (sscanf(value, "%31s%n", s->vary_key, &used) != 1)
        return sim_bad_value(err, "vary", value, "KEY VALUE...");
    for (value += used; s->n_vary < SIM_VARY_MAX; value += used)
        if (sscanf(value, " %63s%n", s->vary[s->n_vary], &used) != 1)
            break;
        else
            s->n_vary++;
    return s->n_vary ? 0 : sim_bad_value(err, "vary", value, "KEY VALUE...");
}
