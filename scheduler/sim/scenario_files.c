/* scenario_files.c - recorded work and owners */
#include "scheduler/sim/scenario_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Call `take` with every line of a file that is not empty or a comment. */
int sim_each_line(const char *path, int (*take)(void *arg, char *line),
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
void *sim_one_more(void *array, uint32_t n, size_t size)
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
    more = sim_one_more(names->name, i, sizeof names->name[0]);
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
    more = sim_one_more(s->record, s->n_records, sizeof r);
    if (!more || user_number(names, user, &r.user) < 0)
        return -1;
    s->record = more;
    s->record[s->n_records++] = r;
    return 0;
}

int sim_set_workload(struct sim_scenario *s, const char *value,
                     struct ckpt_err *err)
{
    struct names names = {s, NULL};
    int rc;

    if (!*value)
        return 0;
    if (s->n_records)
        return ckpt_err_set(err, EINVAL, "workload: given twice");
    rc = sim_each_line(value, take_record, &names, err);
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
    more = sim_one_more(s->presence, s->n_presence, sizeof p);
    if (!more)
        return -1;
    s->presence = more;
    s->presence[s->n_presence++] = p;
    return 0;
}

int sim_set_owner_trace(struct sim_scenario *s, const char *value,
                        struct ckpt_err *err)
{
    return *value ? sim_each_line(value, take_presence, s, err) : 0;
}
