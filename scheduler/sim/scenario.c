/* scenario.c - see scenario.h */
#include "scheduler/sim/scenario.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { TEXT, NUMBER, COUNT, SECONDS, LAW, OWN };

typedef int setter(struct sim_scenario *s, const char *value,
                   struct ckpt_err *err);

static setter set_discipline, set_workload, set_owner_trace, set_diurnal,
    set_policy, set_vary;

static const struct key {
    const char *name;
    enum kind kind;
    size_t at;
    setter *set;
    const char *fallback;
    const char *meaning;
} keys[] = {
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
    {"workload", OWN, 0, set_workload, "", "file of a recorded workload"},
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
    {"owner_trace", OWN, 0, set_owner_trace, "",
     "file of recorded presence: STATION FROM TO"},
    {"diurnal", OWN, 0, set_diurnal, "",
     "24 weights of activity (arrivals, owners' returns) by hour"},
    {"bandwidth", NUMBER, AT(bandwidth), "100", "MB/s of a transfer"},
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
};

#define N_KEYS (sizeof keys / sizeof keys[0])

static int bad(struct ckpt_err *err, const char *key, const char *value,
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

static int value_set(const struct key *k, void *at, const char *value,
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
        return count_parse(value, at) < 0 ? bad(err, k->name, value, "a count")
                                          : 0;
    case SECONDS:
        return policy_seconds_parse(value, at) < 0
                   ? bad(err, k->name, value, "a time (90s, 15m, 2h, 1d)")
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
        return bad(err, k->name, value, "a number of 0 or more");
    *(double *)at = v;
    return 0;
}

static int set_discipline(struct sim_scenario *s, const char *value,
                          struct ckpt_err *err)
{
    if (strcmp(value, "ps") != 0 && strcmp(value, "fcfs") != 0)
        return bad(err, "discipline", value, "ps or fcfs");
    s->shared = strcmp(value, "ps") == 0;
    return 0;
}

/* Call `take` with every line of a file that is not empty or a comment. */
static int each_line(const char *path, int (*take)(void *arg, char *line),
                     void *arg, struct ckpt_err *err)
{
    char line[1024];
    int number = 0, rc = 0;
    FILE *f = fopen(path, "re");

    if (!f)
        return ckpt_err_sys(err, "%s", path);
    while (rc == 0 && fgets(line, sizeof line, f)) {
        size_t len = strcspn(line, "\r\n");

        number++;
        line[len] = '\0';
        len = strspn(line, " \t");
        if (!line[len] || line[len] == '#')
            continue;
        if (err)
            err->text[0] = '\0';
        rc = take(arg, line + len);
        if (rc < 0 && err && !err->text[0])
            ckpt_err_set(err, EINVAL, "\"%.80s\" is not understood", line);
        if (rc < 0)
            ckpt_err_prefix(err, "%s:%d", path, number);
    }
    fclose(f);
    return rc;
}

/* Room for one more of `size` bytes in *array of n. */
static void *one_more(void *array, uint32_t n, size_t size)
{
    void *more;

    if (n & (n - 1))
        return array; /* grows by powers of two */
    more = realloc(array, (n ? 2 * (size_t)n : 1) * size);
    return more;
}

/* Names of a recorded workload's users, in the order they appear. */
struct names {
    struct sim_scenario *s;
    char (*name)[SIM_NAME_MAX];
};

static int user_number(struct names *names, const char *name, uint32_t *user)
{
    struct sim_scenario *s = names->s;
    uint32_t i;
    void *more;

    for (i = 0; i < s->n_record_users; i++)
        if (strcmp(names->name[i], name) == 0) {
            *user = i;
            return 0;
        }
    more = one_more(names->name, i, sizeof names->name[0]);
    if (!more)
        return -1;
    names->name = more;
    snprintf(names->name[i], sizeof names->name[0], "%s", name);
    *user = s->n_record_users++;
    return 0;
}

static int take_record(void *arg, char *line)
{
    struct names *names = arg;
    struct sim_scenario *s = names->s;
    struct sim_record r;
    char user[SIM_NAME_MAX];
    void *more;

    if (sscanf(line, "%lf %31s %lf %lf", &r.submit, user, &r.size,
               &r.image_mb) != 4 ||
        !(r.submit >= 0) || !(r.size > 0) || !(r.image_mb >= 0))
        return -1;
    if (s->n_records && r.submit < s->record[s->n_records - 1].submit)
        return -1; /* not in order of time */
    more = one_more(s->record, s->n_records, sizeof r);
    if (!more || user_number(names, user, &r.user) < 0)
        return -1;
    s->record = more;
    s->record[s->n_records++] = r;
    return 0;
}

static int set_workload(struct sim_scenario *s, const char *value,
                        struct ckpt_err *err)
{
    struct names names = {s, NULL};
    int rc;

    if (!*value)
        return 0;
    if (s->n_records)
        return ckpt_err_set(err, EINVAL, "workload: given twice");
    rc = each_line(value, take_record, &names, err);
    free(names.name);
    return rc;
}

static int take_presence(void *arg, char *line)
{
    struct sim_scenario *s = arg;
    struct sim_presence p, *last;
    void *more;

    if (sscanf(line, "%u %lf %lf", &p.station, &p.from, &p.to) != 3 ||
        !(p.from >= 0) || !(p.to > p.from))
        return -1;
    last = s->n_presence ? &s->presence[s->n_presence - 1] : NULL;
    if (last && (p.station < last->station ||
                 (p.station == last->station && p.from < last->to)))
        return -1; /* not in order */
    more = one_more(s->presence, s->n_presence, sizeof p);
    if (!more)
        return -1;
    s->presence = more;
    s->presence[s->n_presence++] = p;
    return 0;
}

static int set_owner_trace(struct sim_scenario *s, const char *value,
                           struct ckpt_err *err)
{
    return *value ? each_line(value, take_presence, s, err) : 0;
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
            return bad(err, "diurnal", value, "24 positive weights");
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
            return bad(err, "policy", name,
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
        return bad(err, "vary", value, "KEY VALUE...");
    for (value += used; s->n_vary < SIM_VARY_MAX; value += used)
        if (sscanf(value, " %63s%n", s->vary[s->n_vary], &used) != 1)
            break;
        else
            s->n_vary++;
    return s->n_vary ? 0 : bad(err, "vary", value, "KEY VALUE...");
}

void sim_scenario_init(struct sim_scenario *s)
{
    size_t i;

    memset(s, 0, sizeof *s);
    s->n_classes = 1;
    snprintf(s->class[0].name, SIM_NAME_MAX, "all");
    for (i = 0; i < N_KEYS; i++) {
        if (keys[i].set)
            keys[i].set(s, keys[i].fallback, NULL);
        else
            value_set(&keys[i], (char *)s + keys[i].at, keys[i].fallback, NULL);
    }
}

void sim_scenario_clear(struct sim_scenario *s)
{
    uint32_t i;

    for (i = 0; i < s->n_classes; i++) {
        sim_law_clear(&s->class[i].size);
        sim_law_clear(&s->class[i].image);
    }
    sim_law_clear(&s->speed);
    sim_law_clear(&s->owner_idle);
    sim_law_clear(&s->owner_busy);
    sim_law_clear(&s->repair);
    for (i = 0; i < s->n_lines; i++) {
        free(s->line[i].key);
        free(s->line[i].value);
    }
    free(s->line);
    free(s->record);
    free(s->presence);
    memset(s, 0, sizeof *s);
}

/* The class of that name, made when it is new. */
static struct sim_class *class_named(struct sim_scenario *s, const char *name,
                                     size_t len)
{
    struct sim_class *c;
    uint32_t i;

    for (i = 0; i < s->n_classes; i++)
        if (strlen(s->class[i].name) == len &&
            strncmp(s->class[i].name, name, len) == 0)
            return &s->class[i];
    if (i == SIM_CLASSES_MAX || len >= SIM_NAME_MAX || len == 0)
        return NULL;
    c = &s->class[s->n_classes++];
    memcpy(c->name, name, len);
    c->users = 1;
    sim_law_parse(&c->size, "exp 1", NULL);
    sim_law_parse(&c->image, "const 0", NULL);
    return c;
}

/* class.NAME.KEY, KEY being one of the first class's keys. */
static int class_set(struct sim_scenario *s, const char *key, const char *value,
                     struct ckpt_err *err)
{
    const char *name = key + strlen("class."), *dot = strrchr(name, '.');
    size_t begin = offsetof(struct sim_scenario, class[0]), i;
    struct sim_class *c;

    if (!dot)
        return ckpt_err_set(err, ENOENT, "%s: unknown key", key);
    for (i = 0; i < N_KEYS; i++)
        if (!keys[i].set && keys[i].at >= begin &&
            keys[i].at < begin + sizeof *c &&
            strcmp(keys[i].name, dot + 1) == 0)
            break;
    if (i == N_KEYS)
        return ckpt_err_set(err, ENOENT, "%s: unknown key", key);
    c = class_named(s, name, (size_t)(dot - name));
    if (!c)
        return ckpt_err_set(err, E2BIG, "%s: more than %d classes", key,
                            SIM_CLASSES_MAX);
    return value_set(&keys[i], (char *)c + (keys[i].at - begin), value, err);
}

static int is_rule(const char *key)
{
    return strcmp(key, "transfer") == 0 || strcmp(key, "selection") == 0 ||
           strcmp(key, "location") == 0 || strcmp(key, "information") == 0;
}

static int rule_set(struct policy *p, const char *key, const char *value)
{
    const void *found;

    if (key[0] == 't')
        found = p->transfer = policy_transfer_find(value);
    else if (key[0] == 's')
        found = p->selection = policy_selection_find(value);
    else if (key[0] == 'l')
        found = p->location = policy_location_find(value);
    else
        found = p->information = policy_information_find(value);
    return found ? 0 : -1;
}

/* Remember a policy's parameter or rule, after trying it. */
static int override_set(struct sim_scenario *s, const char *key,
                        const char *value, struct ckpt_err *err)
{
    struct policy_params par;
    struct policy scratch;
    struct sim_override *o;
    uint32_t i;

    memset(&par, 0, sizeof par);
    if (is_rule(key)) {
        if (rule_set(&scratch, key, value) < 0)
            return bad(err, key, value, "a rule of that kind");
    } else if (policy_params_set(&par, key, value) < 0) {
        if (errno == ENOENT)
            return ckpt_err_set(err, ENOENT, "%s: unknown key", key);
        return bad(err, key, value, "a value for it");
    }
    for (i = 0; i < s->n_overrides; i++)
        if (strcmp(s->override[i].key, key) == 0)
            break;
    if (i == SIM_OVERRIDES_MAX || strlen(value) >= SIM_VALUE_MAX)
        return ckpt_err_set(err, E2BIG, "%s: too long, or too many keys", key);
    o = &s->override[i];
    snprintf(o->key, sizeof o->key, "%s", key);
    snprintf(o->value, sizeof o->value, "%s", value);
    s->n_overrides += i == s->n_overrides;
    return 0;
}

static int set_any(struct sim_scenario *s, const char *key, const char *value,
                   struct ckpt_err *err)
{
    size_t i;

    for (i = 0; i < N_KEYS; i++)
        if (strcmp(keys[i].name, key) == 0) {
            if (keys[i].set)
                return keys[i].set(s, value, err);
            return value_set(&keys[i], (char *)s + keys[i].at, value, err);
        }
    if (strncmp(key, "class.", 6) == 0)
        return class_set(s, key, value, err);
    return override_set(s, key, value, err);
}

int sim_scenario_finish(struct sim_scenario *s, struct ckpt_err *err)
{
    struct sim_class *first = &s->class[0];
    bool work = s->n_records > 0;
    uint32_t i;

    if (s->stations == 0)
        return ckpt_err_set(err, EINVAL, "stations: at least one is needed");
    if (s->n_policies == 0)
        return ckpt_err_set(err, EINVAL, "policy: none is named");
    if (s->seeds == 0)
        s->seeds = 1;
    if (s->load > 0)
        first->rate = s->load * s->stations * sim_law_mean(&s->speed) /
                      sim_law_mean(&first->size);
    for (i = 0; i < s->n_classes; i++)
        work = work || s->class[i].rate > 0 || s->class[i].backlog > 0 ||
               s->class[i].keep > 0;
    if (!work)
        return ckpt_err_set(err, EINVAL,
                            "no work: set load, rate, backlog, keep or "
                            "workload");
    if (!(s->jobs > 0) && !(s->duration > 0) && s->n_records == 0)
        return ckpt_err_set(err, EINVAL, "no end: set jobs or duration");
    if (s->message_loss >= 1 || s->bandwidth <= 0 || s->ckpt_mb_s <= 0)
        return ckpt_err_set(err, EINVAL,
                            "message_loss must be below 1, bandwidth and "
                            "ckpt_mb_s above 0");
    s->owners = s->n_presence > 0 || (sim_law_mean(&s->owner_idle) > 0 &&
                                      sim_law_mean(&s->owner_busy) > 0);
    if (s->n_presence && s->presence[s->n_presence - 1].station >= s->stations)
        return ckpt_err_set(
            err, EINVAL, "owner_trace: station %u is beyond stations = %u",
            s->presence[s->n_presence - 1].station, s->stations);
    return 0;
}

int sim_scenario_policy(const struct sim_scenario *s, const char *name,
                        struct policy *policy, struct policy_params *par,
                        struct ckpt_err *err)
{
    const struct policy *found = policy_find(name);
    uint32_t i;

    if (!found)
        return bad(err, "policy", name, "a policy");
    *policy = *found;
    policy_params_default(par, policy);
    for (i = 0; i < s->n_overrides; i++) {
        const struct sim_override *o = &s->override[i];

        if (is_rule(o->key))
            rule_set(policy, o->key, o->value);
        else
            policy_params_set(par, o->key, o->value);
    }
    return 0;
}

const char *sim_scenario_key(size_t i, const char **fallback,
                             const char **meaning)
{
    if (i >= N_KEYS)
        return NULL;
    *fallback = keys[i].fallback;
    *meaning = keys[i].meaning;
    return keys[i].name;
}

/* Keep what was set, for variants. */
static int remember(struct sim_scenario *s, const char *key, const char *value,
                    struct ckpt_err *err)
{
    struct sim_line *more = one_more(s->line, s->n_lines, sizeof *more);
    struct sim_line line = {strdup(key), strdup(value)};

    if (!more || !line.key || !line.value) {
        s->line = more ? more : s->line;
        free(line.key);
        free(line.value);
        return ckpt_err_set(err, ENOMEM, "%s: out of memory", key);
    }
    s->line = more;
    s->line[s->n_lines++] = line;
    return 0;
}

int sim_scenario_set(struct sim_scenario *s, const char *key, const char *value,
                     struct ckpt_err *err)
{
    if (set_any(s, key, value, err) < 0)
        return -1;
    return remember(s, key, value, err);
}

int sim_scenario_variant(const struct sim_scenario *s, const char *value,
                         struct sim_scenario *out, struct ckpt_err *err)
{
    struct sim_scenario v;
    uint32_t i;

    sim_scenario_init(&v);
    for (i = 0; i < s->n_lines; i++)
        if (sim_scenario_set(&v, s->line[i].key, s->line[i].value, err) < 0)
            goto fail;
    if (value && sim_scenario_set(&v, s->vary_key, value, err) < 0)
        goto fail;
    if (sim_scenario_finish(&v, err) < 0)
        goto fail;
    *out = v;
    return 0;
fail:
    sim_scenario_clear(&v);
    return -1;
}

/* A file being read, for messages. */
struct reading {
    struct sim_scenario *s;
    const char *path;
    struct ckpt_err *err;
    uint32_t first; /* line of the scenario that the file began with */
};

static int take_setting(void *arg, char *line)
{
    struct reading *r = arg;
    char *eq = strchr(line, '='), *end, *value;
    uint32_t i;

    if (!eq)
        return ckpt_err_set(r->err, EINVAL, "\"%.80s\" is not key = value",
                            line);
    for (end = eq; end > line && (end[-1] == ' ' || end[-1] == '\t'); end--)
        ;
    *end = '\0';
    value = eq + 1 + strspn(eq + 1, " \t");
    for (end = value + strlen(value);
         end > value && (end[-1] == ' ' || end[-1] == '\t'); end--)
        ;
    *end = '\0';
    for (i = r->first; i < r->s->n_lines; i++)
        if (strcmp(r->s->line[i].key, line) == 0)
            return ckpt_err_set(r->err, EINVAL, "%s: given twice", line);
    return sim_scenario_set(r->s, line, value, r->err);
}

int sim_scenario_read(struct sim_scenario *s, const char *path,
                      struct ckpt_err *err)
{
    struct reading r = {s, path, err, s->n_lines};

    return each_line(path, take_setting, &r, err);
}
