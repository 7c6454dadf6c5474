/* scenario.c - see scenario.h */
#include "scheduler/sim/scenario_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sim_scenario_init(struct sim_scenario *s)
{
    size_t i;

    memset(s, 0, sizeof *s);
    s->n_classes = 1;
    snprintf(s->class[0].name, SIM_NAME_MAX, "all");
    for (i = 0; sim_keys[i].name; i++) {
        if (sim_keys[i].set)
            sim_keys[i].set(s, sim_keys[i].fallback, NULL);
        else
            sim_value_set(&sim_keys[i], (char *)s + sim_keys[i].at,
                          sim_keys[i].fallback, NULL);
    }
}

void sim_scenario_clear(struct sim_scenario *s)
{
    uint32_t i;

    for (i = 0; i < s->n_classes; i++) {
        sim_law_clear(&s->class[i].size);
        sim_law_clear(&s->class[i].image);
        sim_law_clear(&s->class[i].io);
        sim_law_clear(&s->class[i].forks);
        sim_law_clear(&s->class[i].fork_size);
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
    sim_law_parse(&c->io, "const 0", NULL);
    sim_law_parse(&c->forks, "const 0", NULL);
    sim_law_parse(&c->fork_size, "exp 1", NULL);
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
    for (i = 0; sim_keys[i].name; i++)
        if (!sim_keys[i].set && sim_keys[i].at >= begin &&
            sim_keys[i].at < begin + sizeof *c &&
            strcmp(sim_keys[i].name, dot + 1) == 0)
            break;
    if (!sim_keys[i].name)
        return ckpt_err_set(err, ENOENT, "%s: unknown key", key);
    c = class_named(s, name, (size_t)(dot - name));
    if (!c)
        return ckpt_err_set(err, E2BIG, "%s: more than %d classes", key,
                            SIM_CLASSES_MAX);
    return sim_value_set(&sim_keys[i], (char *)c + (sim_keys[i].at - begin),
                         value, err);
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
            return sim_bad_value(err, key, value, "a rule of that kind");
    } else if (policy_params_set(&par, key, value) < 0) {
        if (errno == ENOENT)
            return ckpt_err_set(err, ENOENT, "%s: unknown key", key);
        return sim_bad_value(err, key, value, "a value for it");
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

    for (i = 0; sim_keys[i].name; i++)
        if (strcmp(sim_keys[i].name, key) == 0) {
            if (sim_keys[i].set)
                return sim_keys[i].set(s, value, err);
            return sim_value_set(&sim_keys[i], (char *)s + sim_keys[i].at,
                                 value, err);
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
        return sim_bad_value(err, "policy", name, "a policy");
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
    if (!sim_keys[i].name)
        return NULL;
    *fallback = sim_keys[i].fallback;
    *meaning = sim_keys[i].meaning;
    return sim_keys[i].name;
}

/* Keep what was set, for variants. */
static int remember(struct sim_scenario *s, const char *key, const char *value,
                    struct ckpt_err *err)
{
    struct sim_line *more = sim_one_more(s->line, s->n_lines, sizeof *more);
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

    return sim_each_line(path, take_setting, &r, err);
}
