/* settings.c - see settings.h */
#include "scheduler/pool/settings.h"

#include "scheduler/pool/pool_conf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char ALL_DEVICES[] =
    "/dev/tty[0-9]* /dev/ttyS[0-9]* /dev/pts/[0-9]* /dev/input/event*";

static double seconds(const struct ckpt_conf *conf, const char *key,
                      const char *station)
{
    return (double)ckpt_conf_ms(conf, key, station) / 1000;
}

static int copy(char *to, size_t size, const struct ckpt_conf *conf,
                const char *key, const char *station, struct ckpt_err *err)
{
    const char *value = ckpt_conf_text(conf, key, station);

    if ((size_t)snprintf(to, size, "%s", value) >= size)
        return ckpt_err_set(err, EINVAL, "%s is too long", key);
    return 0;
}

static int read_texts(struct settings *s, const struct ckpt_conf *conf,
                      const char *station, struct ckpt_err *err)
{
    if (copy(s->policy_name, sizeof s->policy_name, conf, "policy", NULL, err) <
            0 ||
        copy(s->owner_devices, sizeof s->owner_devices, conf, "owner_devices",
             station, err) < 0 ||
        copy(s->job_user, sizeof s->job_user, conf, "job_user", station, err) <
            0 ||
        copy(s->scratch, sizeof s->scratch, conf, "scratch", station, err) <
            0 ||
        copy(s->listen, sizeof s->listen, conf, "listen", NULL, err) < 0)
        return -1;
    if (strcmp(s->owner_devices, "auto") == 0)
        strcpy(s->owner_devices, ALL_DEVICES);
    if (!s->job_user[0])
        strcpy(s->job_user, "nobody");
    return 0;
}

static void read_numbers(struct settings *s, const struct ckpt_conf *conf,
                         const char *station)
{
    s->params.idle_start_s = seconds(conf, "idle_start", station);
    s->params.load_start = ckpt_conf_real(conf, "load_start", station);
    s->params.suspend_grace_s = seconds(conf, "suspend_grace", station);
    s->params.vacate_limit_s = seconds(conf, "vacate_limit", station);
    s->params.cycle_s = seconds(conf, "negotiation_cycle", NULL);
    s->resume_idle_s = seconds(conf, "resume_idle", station);
    if (s->resume_idle_s > s->params.idle_start_s)
        s->resume_idle_s = s->params.idle_start_s;
    s->poll_ms = (uint64_t)ckpt_conf_ms(conf, "poll", station);
    s->cycle_ms = (uint64_t)ckpt_conf_ms(conf, "negotiation_cycle", NULL);
    s->checkpoint_every_s = seconds(conf, "checkpoint_every", NULL);
    s->keep_images = (uint32_t)ckpt_conf_int(conf, "keep_images", NULL);
    s->attempts = (unsigned)ckpt_conf_int(conf, "start_attempts", NULL);
    s->lease_s = (uint32_t)seconds(conf, "lease", NULL);
}

int settings_load(struct settings *settings, const struct pooldir *pool,
                  const char *station, struct ckpt_err *err)
{
    struct ckpt_conf *conf = pool_conf_load(pool->path, err);
    struct settings s = {.policy_name = ""};

    if (!conf)
        return -1;
    station = station && station[0] ? station : NULL;
    int rc = read_texts(&s, conf, station, err);
    if (rc == 0) {
        s.policy = policy_find(s.policy_name);
        if (!s.policy)
            rc = ckpt_err_set(err, EINVAL,
                              "%s/pool.conf: policy = %s: no such "
                              "policy",
                              pool->path, s.policy_name);
    }
    if (rc == 0) {
        policy_params_default(&s.params, s.policy);
        read_numbers(&s, conf, station);
        *settings = s;
    }
    ckpt_conf_destroy(conf);
    return rc;
}
