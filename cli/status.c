/* status.c - ckpt status: the stations, and why each is in its state */
#include "cli/cli.h"
#include "cli/home.h"
#include "cli/json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char usage[] =
    "usage: ckpt status [--pool DIR] [--json] [STATION]\n"
    "List the stations: name, state (Owner, Idle, Claimed, Suspended,\n"
    "Vacating), how long the owner has been away, load without our jobs,\n"
    "memory, job, and why it is in that state.  With a name: also what each\n"
    "source says about the owner.\n"
    "example: ckpt status s1\n";

static const char *state_name(pool_station_state state)
{
    static const char *const names[] = {"Owner", "Idle", "Claimed", "Suspended",
                                        "Vacating"};

    return (unsigned)state < 5 ? names[state] : "Unknown";
}

struct listing {
    struct cli cli;
    struct json json;
};

static void show_json(struct json *j, const pool_station *s)
{
    json_text(j, "name", s->name);
    json_text(j, "state", state_name(s->state));
    json_int(j, "since", s->since);
    json_real(j, "owner_idle", (double)s->owner_idle_ms / 1000);
    json_real(j, "load", (double)s->load_milli / 1000);
    json_uint(j, "memory", s->mem_total);
    json_uint(j, "memory_free", s->mem_free);
    json_uint(j, "disk", s->disk_free);
    json_uint(j, "cpus", s->cpus);
    json_text(j, "arch", s->arch);
    json_text(j, "features", s->features);
    if (s->job)
        json_uint(j, "job", s->job);
    else
        json_null(j, "job");
    json_text(j, "home", s->home);
    json_text(j, "addr", s->addr);
    json_text(j, "why", s->why);
}

static void show_row(const pool_station *s)
{
    char idle[CLI_TEXT], memory[CLI_TEXT], job[CLI_TEXT] = "-";

    if (s->job)
        snprintf(job, sizeof job, "%llu", (unsigned long long)s->job);
    printf("%-16s %-9s %11s %5.2f %7s %6s  %s\n", s->name, state_name(s->state),
           cli_duration((int64_t)s->owner_idle_ms, idle),
           (double)s->load_milli / 1000, cli_size(s->mem_total, memory), job,
           s->why);
}

static int show(const pool_station *s, void *arg)
{
    struct listing *l = arg;

    if (l->cli.json) {
        json_object(&l->json, NULL);
        show_json(&l->json, s);
        json_close(&l->json);
    } else {
        show_row(s);
    }
    return 0;
}

static void show_header(void)
{
    puts("NAME             STATE      OWNER_IDLE  LOAD  MEMORY    JOB  WHY");
}

static void show_sources_json(struct json *j, const station_status_res *res)
{
    json_int(j, "pid", res->pid);
    json_array(j, "sources");
    for (u_int i = 0; i < res->sources.sources_len; i++) {
        const station_source *s = &res->sources.sources_val[i];
        json_object(j, NULL);
        json_text(j, "name", s->name);
        json_bool(j, "trusted", s->trusted);
        json_int(j, "activity", s->activity);
        json_text(j, "says", s->says);
        json_close(j);
    }
    json_close(j);
}

static void show_sources(const station_status_res *res)
{
    char when[CLI_TEXT], since[CLI_TEXT];

    printf("\nin this state since %s; process %d at %s\n"
           "cpus %u, arch %s, features %s\n",
           cli_when(res->station.since, since), res->pid, res->station.addr,
           res->station.cpus, res->station.arch, res->station.features);
    puts("\nSOURCE                   TRUSTED  ACTIVITY     SAYS");
    for (u_int i = 0; i < res->sources.sources_len; i++) {
        const station_source *s = &res->sources.sources_val[i];
        printf("%-24s %-8s %-12s %s\n", s->name, s->trusted ? "yes" : "no",
               cli_when(s->activity, when), s->says);
    }
}

static int remember_address(const pool_station *station, void *arg)
{
    snprintf(arg, POOL_ADDR_MAX + 1, "%s", station->addr);
    return 0;
}

/* The station itself knows best. */
static int status_one(struct listing *l, struct home *home, const char *name,
                      struct ckpt_err *err)
{
    char addr[POOL_ADDR_MAX + 1] = "";
    station_status_res res;

    if (coordinator_each(home, name, remember_address, addr, err))
        return -1;
    if (!addr[0])
        return ckpt_err_set(err, ENOENT, "there is no station %s", name);
    if (station_status(home, addr, &res, err))
        return -1;
    if (l->cli.json) {
        json_array(&l->json, NULL);
        json_object(&l->json, NULL);
        show_json(&l->json, &res.station);
        show_sources_json(&l->json, &res);
        json_close(&l->json);
        json_close(&l->json);
    } else {
        show_header();
        show_row(&res.station);
        show_sources(&res);
    }
    xdr_free((xdrproc_t)xdr_station_status_res, (char *)&res);
    return 0;
}

static int status_all(struct listing *l, struct home *home,
                      struct ckpt_err *err)
{
    if (l->cli.json)
        json_array(&l->json, NULL);
    else
        show_header();
    int result = coordinator_each(home, NULL, show, l, err);
    if (l->cli.json)
        json_close(&l->json);
    return result;
}

int cmd_status(int argc, char **argv)
{
    struct listing l = {.cli = {.usage = usage}, .json = json_to(stdout)};
    struct ckpt_err err = {""};
    struct home home;
    int result;

    cli_parse(&l.cli, argc, argv, 0, 1);
    if (home_open(&home, &err))
        return cli_fail(&err);
    result = argv[optind] ? status_one(&l, &home, argv[optind], &err)
                          : status_all(&l, &home, &err);
    home_close(&home);
    return result ? cli_fail(&err) : 0;
}
