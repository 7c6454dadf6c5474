/* config.c - ckpt config: every setting, its value, default, unit, meaning */
#include "cli/cli.h"
#include "cli/json.h"
#include "scheduler/pool/pool_conf.h"

#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: ckpt config [--pool DIR] [--json] [KEY]\n"
    "List the settings of the pool: what is in DIR/pool.conf, and the\n"
    "defaults of what is not.  Values are changed in the file; daemons read\n"
    "it when they start.\n"
    "example: ckpt config idle_start\n";

struct listing {
    struct json json;
    bool as_json;
    const char *only;
    int shown;
};

static void show_json(struct listing *l, const struct ckpt_conf_key *key,
                      const char *name, const char *value, const char *where)
{
    json_object(&l->json, NULL);
    json_text(&l->json, "key", name);
    json_text(&l->json, "value", value);
    json_text(&l->json, "default", key->dflt);
    json_text(&l->json, "unit", key->unit);
    json_text(&l->json, "meaning", key->meaning);
    json_text(&l->json, "where", where);
    json_close(&l->json);
}

static void show(const struct ckpt_conf_key *key, const char *station,
                 const char *value, const char *where, void *arg)
{
    struct listing *l = arg;
    char name[160];

    snprintf(name, sizeof name, "%s%s%s", key->name, station ? "." : "",
             station ? station : "");
    if (l->only && strcmp(l->only, key->name) && strcmp(l->only, name))
        return;
    l->shown++;
    if (l->as_json)
        show_json(l, key, name, value, where);
    else
        printf("%-22s %-14s %-10s %-13s %s%s%s\n", name, *value ? value : "-",
               *key->dflt ? key->dflt : "-", key->unit, key->meaning,
               strcmp(where, "default") ? "; from " : "",
               strcmp(where, "default") ? where : "");
}

int cmd_config(int argc, char **argv)
{
    struct cli cli = {.usage = usage};
    struct listing l = {.json = json_to(stdout)};
    struct ckpt_conf *conf;
    struct ckpt_err err;

    cli_parse(&cli, argc, argv, 0, 1);
    l.as_json = cli.json;
    l.only = argv[optind];
    conf = pool_conf_load(cli_pool_dir(), &err);
    if (!conf)
        return cli_fail(&err);
    if (cli.json)
        json_array(&l.json, NULL);
    else
        printf("%-22s %-14s %-10s %-13s %s\n", "KEY", "VALUE", "DEFAULT",
               "UNIT", "MEANING");
    ckpt_conf_each(conf, show, &l);
    if (cli.json)
        json_close(&l.json);
    ckpt_conf_destroy(conf);
    return l.shown ? 0 : cli_failf("%s is not a key", l.only);
}
