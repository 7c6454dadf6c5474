/* sim.c - ckpt sim: the simulator
 *
 * Runs each policy (and each value of a varied setting) over the same work
 * and owners, and prints what came out side by side.
 */
#include "cli/cli.h"
#include "cli/json.h"
#include "scheduler/sim/plot.h"
#include "scheduler/sim/run.h"
#include "scheduler/sim/selfcheck.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: ckpt sim SCENARIO.conf [--policy P]... [--set KEY=VALUE]...\n"
    "                [--seed N] [--json] [--plot FILE.svg]\n"
    "       ckpt sim --selfcheck RHO N T L [--seed N] [--json]\n"
    "       ckpt sim --policies | --keys [--json]\n"
    "Simulate a pool of stations under one or more scheduling policies, the\n"
    "same ones the pool runs.  --selfcheck prints formula and simulation side\n"
    "by side, for load RHO at each of N stations, threshold T and probe limit\n"
    "L.  --policies and --keys list what there is to choose from.\n"
    "example: ckpt sim examples/sim/grace.conf --plot grace.svg\n";

enum {
    OPT_SEED = CLI_OPT_OWN,
    OPT_POLICY,
    OPT_SET,
    OPT_PLOT,
    OPT_SELFCHECK,
    OPT_POLICIES,
    OPT_KEYS
};

#define COLUMNS 4 /* of the table, before it is continued below */

/* One column: a policy, and a value of what is varied. */
struct column {
    char label[SIM_NAME_MAX + SIM_VALUE_MAX + 2];
    const char *policy;
    const char *value; /* NULL: nothing is varied */
    struct sim_scenario scenario;
    struct sim_summary summary;
    struct sim_result *first;
};

struct request {
    struct cli cli;
    uint64_t seed;
    const char *plot;
    char policies[1024];
    const char *set[64];
    int n_set;
    int mode; /* OPT_SELFCHECK, OPT_POLICIES, OPT_KEYS, or 0 */
};

/* ---- lists ---- */

static int list_policies(const struct request *r)
{
    struct json j = json_to(stdout);
    const struct policy *p;
    size_t i;

    if (r->cli.json)
        json_array(&j, NULL);
    for (i = 0; (p = policy_at(i)); i++) {
        if (!r->cli.json) {
            printf("%-20s %s\n%-20s   transfer %s, selection %s, location %s, "
                   "information %s  [%s]\n",
                   p->name, p->about, "", p->transfer->name, p->selection->name,
                   p->location->name, p->information->name, p->rows);
            continue;
        }
        json_object(&j, NULL);
        json_text(&j, "name", p->name);
        json_text(&j, "about", p->about);
        json_text(&j, "rows", p->rows);
        json_text(&j, "transfer", p->transfer->name);
        json_text(&j, "selection", p->selection->name);
        json_text(&j, "location", p->location->name);
        json_text(&j, "information", p->information->name);
        json_close(&j);
    }
    if (r->cli.json)
        json_close(&j);
    return 0;
}

static void show_key(struct json *j, bool as_json, const char *key,
                     const char *fallback, const char *meaning)
{
    if (!as_json) {
        printf("%-18s %-10s %s\n", key, *fallback ? fallback : "-", meaning);
        return;
    }
    json_object(j, NULL);
    json_text(j, "key", key);
    json_text(j, "default", fallback);
    json_text(j, "meaning", meaning);
    json_close(j);
}

static int list_keys(const struct request *r)
{
    struct json j = json_to(stdout);
    const char *key, *fallback, *meaning;
    size_t i;

    if (r->cli.json)
        json_array(&j, NULL);
    for (i = 0; (key = sim_scenario_key(i, &fallback, &meaning)); i++)
        show_key(&j, r->cli.json, key, fallback, meaning);
    for (i = 0; (key = policy_params_key(i, &fallback, &meaning)); i++)
        show_key(&j, r->cli.json, key, fallback, meaning);
    if (r->cli.json)
        json_close(&j);
    return 0;
}

/* ---- self-check ---- */

static int positive(const char *text, uint32_t most, uint32_t *value)
{
    char *end;
    unsigned long v = strtoul(text, &end, 10);

    if (end == text || *end || text[0] == '-' || v < 1 || v > most)
        return -1;
    *value = (uint32_t)v;
    return 0;
}

static void selfcheck_json(const struct sim_selfcheck *rows)
{
    struct json j = json_to(stdout);
    int i;

    json_array(&j, NULL);
    for (i = 0; i < SIM_SELFCHECKS; i++) {
        json_object(&j, NULL);
        json_text(&j, "name", rows[i].name);
        json_real(&j, "expected", rows[i].expected);
        json_real(&j, "simulated", rows[i].simulated);
        json_text(&j, "holds_for", rows[i].note);
        json_close(&j);
    }
    json_close(&j);
}

static int selfcheck(const struct request *r, char **argv, int argc)
{
    struct sim_selfcheck rows[SIM_SELFCHECKS];
    struct ckpt_err err;
    uint32_t n, t, l;
    char *end;
    double rho;
    int i;

    if (argc != 4)
        return cli_misuse("--selfcheck needs RHO N T L");
    rho = strtod(argv[0], &end);
    if (end == argv[0] || *end || !(rho > 0 && rho < 1))
        return cli_misuse("RHO: \"%s\" is not between 0 and 1", argv[0]);
    if (positive(argv[1], 1000000, &n) < 0)
        return cli_misuse("N: \"%s\" is no number of stations", argv[1]);
    if (positive(argv[2], 1000, &t) < 0)
        return cli_misuse("T: \"%s\" is no threshold of 1 or more", argv[2]);
    if (positive(argv[3], POLICY_PROBES_MAX, &l) < 0)
        return cli_misuse("L: \"%s\" is no number of probes up to %d", argv[3],
                          POLICY_PROBES_MAX);
    if (sim_selfcheck(rho, n, t, l, r->seed, 0, rows, &err) < 0)
        return cli_fail(&err);
    if (r->cli.json) {
        selfcheck_json(rows);
        return 0;
    }
    printf("%-12s %12s %12s %8s  %s\n", "", "expected", "simulated", "off",
           "the formula holds for");
    for (i = 0; i < SIM_SELFCHECKS; i++)
        printf("%-12s %12.6f %12.6f %+7.2f%%  %s\n", rows[i].name,
               rows[i].expected, rows[i].simulated,
               100 * (rows[i].simulated / rows[i].expected - 1), rows[i].note);
    return 0;
}

/* ---- a scenario ---- */

static void print_block(const struct column *c, uint32_t n)
{
    uint32_t k;
    int m;

    printf("%-20s", "");
    for (k = 0; k < n; k++)
        printf(" %22s", c[k].label);
    putchar('\n');
    for (m = 0; m < SIM_METRICS; m++) {
        printf("%-12s %-7s", sim_metrics[m].name, sim_metrics[m].unit);
        for (k = 0; k < n; k++) {
            const struct sim_summary *s = &c[k].summary;

            printf(" %11.5g", s->mean[m]);
            if (s->seeds > 1)
                printf(" +-%8.3g", s->half[m]);
            else
                printf(" %10s", "");
        }
        putchar('\n');
    }
}

static void print_classes(const struct column *c, uint32_t n)
{
    const struct sim_scenario *s = &c[0].scenario;
    uint32_t k, i;

    for (i = 0; s->n_classes > 1 && i < s->n_classes; i++) {
        if (c[0].summary.class[i].jobs <= 0)
            continue;
        printf("%-12s %-7s", s->class[i].name, "wait s");
        for (k = 0; k < n; k++)
            printf(" %11.5g %10s", c[k].summary.class[i].wait, "");
        printf("\n%-12s %-7s", "", "ratio");
        for (k = 0; k < n; k++)
            printf(" %11.5g %10s", c[k].summary.class[i].wait_ratio, "");
        putchar('\n');
    }
}

static void print_table(const struct column *c, uint32_t n, uint64_t seed)
{
    const struct sim_scenario *s = &c[0].scenario;
    uint32_t i;

    printf("%s%s%u stations, seeds %llu to %llu\n\n", s->title,
           *s->title ? ": " : "", s->stations, (unsigned long long)seed,
           (unsigned long long)(seed + s->seeds - 1));
    for (i = 0; i < n; i += COLUMNS) {
        uint32_t now = n - i < COLUMNS ? n - i : COLUMNS;

        print_block(c + i, now);
        print_classes(c + i, now);
        putchar('\n');
    }
    if (s->seeds > 1)
        puts("+-: half the 95 % interval over the seeds");
}

static void json_classes(struct json *j, const struct column *c)
{
    uint32_t i;

    json_array(j, "classes");
    for (i = 0; i < c->scenario.n_classes; i++) {
        const struct sim_class_result *r = &c->summary.class[i];

        json_object(j, NULL);
        json_text(j, "name", c->scenario.class[i].name);
        json_real(j, "jobs", r->jobs);
        json_real(j, "response", r->response);
        json_real(j, "wait", r->wait);
        json_real(j, "first_wait", r->first_wait);
        json_real(j, "most_first_wait", r->most_first_wait);
        json_real(j, "wait_ratio", r->wait_ratio);
        json_close(j);
    }
    json_close(j);
}

static void print_json(const struct column *c, uint32_t n, uint64_t seed)
{
    struct json j = json_to(stdout);
    uint32_t k;
    int m;

    json_object(&j, NULL);
    json_text(&j, "title", c[0].scenario.title);
    json_uint(&j, "stations", c[0].scenario.stations);
    json_uint(&j, "seed", seed);
    json_uint(&j, "seeds", c[0].scenario.seeds);
    json_array(&j, "runs");
    for (k = 0; k < n; k++) {
        json_object(&j, NULL);
        json_text(&j, "policy", c[k].policy);
        if (c[k].value) {
            json_text(&j, "vary", c[k].scenario.vary_key);
            json_text(&j, "value", c[k].value);
        }
        json_object(&j, "mean");
        for (m = 0; m < SIM_METRICS; m++)
            json_real(&j, sim_metrics[m].name, c[k].summary.mean[m]);
        json_close(&j);
        json_object(&j, "half_interval_95");
        for (m = 0; m < SIM_METRICS; m++)
            json_real(&j, sim_metrics[m].name, c[k].summary.half[m]);
        json_close(&j);
        json_classes(&j, &c[k]);
        json_close(&j);
    }
    json_close(&j);
    json_close(&j);
}

static int draw(const struct request *r, const struct column *c, uint32_t n,
                struct ckpt_err *err)
{
    struct sim_plot_run *runs = calloc(n, sizeof *runs);
    uint32_t i;
    int rc;

    if (!runs)
        return ckpt_err_set(err, ENOMEM, "no memory for a picture");
    for (i = 0; i < n; i++) {
        runs[i].label = c[i].label;
        runs[i].summary = &c[i].summary;
        runs[i].first = c[i].first;
    }
    rc = sim_plot(r->plot, c[0].scenario.title, runs, n, c[0].scenario.stations,
                  err);
    free(runs);
    return rc;
}

static int column_run(const struct request *r, const struct sim_scenario *s,
                      uint32_t i, struct column *c, struct ckpt_err *err)
{
    uint32_t per = s->n_vary ? s->n_vary : 1;

    c->policy = s->policy[i / per];
    c->value = s->n_vary ? s->vary[i % per] : NULL;
    if (sim_scenario_variant(s, c->value, &c->scenario, err) < 0)
        return -1;
    c->first = malloc(sizeof *c->first);
    if (!c->first)
        return ckpt_err_set(err, ENOMEM, "no memory for a simulation");
    snprintf(c->label, sizeof c->label, "%s%s%s", c->policy,
             c->value ? " " : "", c->value ? c->value : "");
    return sim_repeat(&c->scenario, c->policy, r->seed, &c->summary, c->first,
                      err);
}

static int run_columns(const struct request *r, const struct sim_scenario *s,
                       struct ckpt_err *err)
{
    uint32_t n = s->n_policies * (s->n_vary ? s->n_vary : 1), i;
    struct column *c = calloc(n, sizeof *c);
    int rc = 0;

    if (!c)
        return ckpt_err_set(err, ENOMEM, "no memory for a table");
    for (i = 0; i < n && rc == 0; i++)
        rc = column_run(r, s, i, &c[i], err);
    if (rc == 0 && r->plot)
        rc = draw(r, c, n, err);
    if (rc == 0 && r->cli.json)
        print_json(c, n, r->seed);
    else if (rc == 0)
        print_table(c, n, r->seed);
    for (i = 0; i < n; i++) {
        sim_scenario_clear(&c[i].scenario);
        free(c[i].first);
    }
    free(c);
    return rc;
}

/* The file, then --set, then --policy. */
static int read_scenario(const struct request *r, const char *path,
                         struct sim_scenario *s, struct ckpt_err *err)
{
    int i;

    if (sim_scenario_read(s, path, err) < 0)
        return -1;
    for (i = 0; i < r->n_set; i++) {
        const char *eq = strchr(r->set[i], '=');
        char key[SIM_NAME_MAX * 3];

        if (!eq || (size_t)(eq - r->set[i]) >= sizeof key)
            return ckpt_err_set(err, EINVAL, "--set %s: not KEY=VALUE",
                                r->set[i]);
        memcpy(key, r->set[i], (size_t)(eq - r->set[i]));
        key[eq - r->set[i]] = '\0';
        if (sim_scenario_set(s, key, eq + 1, err) < 0)
            return ckpt_err_prefix(err, "--set");
    }
    if (*r->policies && sim_scenario_set(s, "policy", r->policies, err) < 0)
        return ckpt_err_prefix(err, "--policy");
    if (sim_scenario_finish(s, err) < 0)
        return ckpt_err_prefix(err, "%s", path);
    return 0;
}

static int simulate(const struct request *r, const char *path)
{
    struct sim_scenario s;
    struct ckpt_err err;
    int rc;

    sim_scenario_init(&s);
    rc = read_scenario(r, path, &s, &err);
    if (rc == 0)
        rc = run_columns(r, &s, &err);
    sim_scenario_clear(&s);
    return rc < 0 ? cli_fail(&err) : 0;
}

static int take_option(struct request *r, int opt)
{
    size_t used = strlen(r->policies);
    char *end;

    switch (opt) {
    case OPT_SEED:
        r->seed = strtoull(optarg, &end, 10);
        if (end == optarg || *end)
            return cli_misuse("--seed: \"%s\" is no number", optarg);
        return 0;
    case OPT_POLICY:
        if (used + strlen(optarg) + 2 > sizeof r->policies)
            return cli_misuse("--policy: too many");
        snprintf(r->policies + used, sizeof r->policies - used, " %s", optarg);
        return 0;
    case OPT_SET:
        if (r->n_set == (int)(sizeof r->set / sizeof r->set[0]))
            return cli_misuse("--set: too many");
        r->set[r->n_set++] = optarg;
        return 0;
    case OPT_PLOT:
        r->plot = optarg;
        return 0;
    default:
        r->mode = opt;
        return 0;
    }
}

int cmd_sim(int argc, char **argv)
{
    static const struct option options[] = {
        CLI_OPTIONS,
        {"seed", required_argument, NULL, OPT_SEED},
        {"policy", required_argument, NULL, OPT_POLICY},
        {"set", required_argument, NULL, OPT_SET},
        {"plot", required_argument, NULL, OPT_PLOT},
        {"selfcheck", no_argument, NULL, OPT_SELFCHECK},
        {"policies", no_argument, NULL, OPT_POLICIES},
        {"keys", no_argument, NULL, OPT_KEYS},
        {NULL, 0, NULL, 0},
    };
    struct request r = {.cli = {.usage = usage}, .seed = 1};
    int opt, code;

    while ((opt = cli_getopt(&r.cli, argc, argv, "", options)) != -1)
        if ((code = take_option(&r, opt)) != 0)
            return code;
    argc -= optind;
    argv += optind;
    if (r.mode == OPT_SELFCHECK)
        return selfcheck(&r, argv, argc);
    if (r.mode && argc)
        return cli_misuse("there is nothing to give with that list");
    if (r.mode == OPT_POLICIES)
        return list_policies(&r);
    if (r.mode == OPT_KEYS)
        return list_keys(&r);
    if (argc != 1)
        return cli_misuse("one scenario is needed");
    return simulate(&r, argv[0]);
}
