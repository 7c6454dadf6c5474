/* settings.c - see settings.h */
#include "scheduler/pool/settings.h"

#include "scheduler/core/policy_pool.h"
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
        copy(s->load_from, sizeof s->load_from, conf, "load_from", station,
             err) < 0 ||
        copy(s->mail_command, sizeof s->mail_command, conf, "mail_command",
             NULL, err) < 0 ||
        copy(s->coordinator, sizeof s->coordinator, conf, "coordinator", NULL,
             err) < 0 ||
        copy(s->standby, sizeof s->standby, conf, "standby", NULL, err) < 0 ||
        copy(s->listen, sizeof s->listen, conf, "listen", NULL, err) < 0)
        return -1;
    if (strcmp(s->owner_devices, "auto") == 0)
        strcpy(s->owner_devices, ALL_DEVICES);
    if (strcmp(s->standby, "on") != 0 && strcmp(s->standby, "off") != 0 &&
        !strchr(s->standby, ':'))
        return ckpt_err_set(err, EINVAL,
                            "standby = %s: is not on, off or HOST:PORT",
                            s->standby);
    if (strcmp(s->coordinator, "on") != 0 && !strchr(s->coordinator, ':'))
        return ckpt_err_set(err, EINVAL,
                            "coordinator = %s: is not on or HOST:PORT",
                            s->coordinator);
    if (!s->job_user[0])
        strcpy(s->job_user, "nobody");
    return 0;
}

/* Keys of pool.conf that are the policy core's own. */
static const char *const policy_keys[] = {
    "idle_start",   "load_start",    "suspend_grace", "vacate_limit",
    "residence",    "info_period",   "info_max_age",  "move_fixed",
    "move_mb_s",    "candidate",     "high_load",     "offload",
    "place_margin", "threshold",     "fetch_from",    "probe_limit",
    "view_size",    "adapt_rate",    "adapt_floor",   "share",
    "updown_step",  "preempt_after", "half_life",     "updown_interval",
};

static int read_params(struct settings *s, const struct ckpt_conf *conf,
                       const char *station, struct ckpt_err *err)
{
    for (size_t i = 0; i < sizeof policy_keys / sizeof policy_keys[0]; i++) {
        const char *key = policy_keys[i];
        const char *value = ckpt_conf_value(conf, key, station);

        if (ckpt_conf_given(conf, key, station) &&
            policy_params_set(&s->params, key, value) < 0)
            return ckpt_err_set(err, EINVAL, "%s = %s: bad value", key, value);
    }
    s->params.cycle_s = seconds(conf, "negotiation_cycle", NULL);
    return 0;
}

/* "cpu=0.3:0.8 runq=0.5:1.5" */
static int read_marks(struct settings *s, const char *text,
                      struct ckpt_err *err)
{
    char word[128], key[64];
    int used;

    while (sscanf(text, " %127s%n", word, &used) == 1) {
        char *low = strchr(word, '='), *high = strchr(word, ':');

        text += used;
        if (!low || !high || high < low)
            return ckpt_err_set(err, EINVAL,
                                "watermarks: %s is not FACTOR=LOW:HIGH", word);
        *low++ = *high++ = '\0';
        snprintf(key, sizeof key, "low.%.50s", word);
        int rc = policy_params_set(&s->params, key, low);
        snprintf(key, sizeof key, "high.%.50s", word);
        if (rc < 0 || policy_params_set(&s->params, key, high) < 0)
            return ckpt_err_set(err, EINVAL,
                                "watermarks: %s=%s:%s: no such factor, or not "
                                "numbers",
                                word, low, high);
    }
    return 0;
}

static int read_hours(struct settings *s, const struct ckpt_conf *conf,
                      const char *dir, const char *station,
                      struct ckpt_err *err)
{
    const char *text = ckpt_conf_text(conf, "jobs_allowed", station);

    if (hours_parse(&s->jobs_allowed, text, err) == 0)
        return 0;
    ckpt_err_prefix(err, "%s/pool.conf: jobs_allowed", dir);
    errno = EINVAL;
    return -1;
}

static void read_numbers(struct settings *s, const struct ckpt_conf *conf,
                         const char *station)
{
    s->resume_idle_s = seconds(conf, "resume_idle", station);
    if (s->resume_idle_s > s->params.idle_start_s)
        s->resume_idle_s = s->params.idle_start_s;
    s->pressure_limit = ckpt_conf_real(conf, "pressure_limit", station);
    s->job_memory = ckpt_conf_size(conf, "job_memory", station);
    s->job_nice = (int)ckpt_conf_int(conf, "job_nice", station);
    s->job_disk = ckpt_conf_size(conf, "job_disk", station);
    s->poll_ms = (uint64_t)ckpt_conf_ms(conf, "poll", station);
    s->cycle_ms = (uint64_t)ckpt_conf_ms(conf, "negotiation_cycle", NULL);
    s->checkpoint_bandwidth =
        ckpt_conf_size(conf, "checkpoint_bandwidth", NULL);
    s->home_bandwidth = ckpt_conf_size(conf, "home_bandwidth", NULL);
    s->image_quota = ckpt_conf_size(conf, "image_quota", NULL);
    s->hook_limit_s = seconds(conf, "hook_limit", NULL);
    s->log_max = ckpt_conf_size(conf, "log_max", NULL);
    s->keep_images = (uint32_t)ckpt_conf_int(conf, "keep_images", NULL);
    s->attempts = (unsigned)ckpt_conf_int(conf, "start_attempts", NULL);
    s->lease_s = (uint32_t)seconds(conf, "lease", NULL);
    s->encrypt_files = ckpt_conf_bool(conf, "encrypt_files", NULL);
}

/* Not set, the default is the longest interval. */
static int read_rhythm(struct settings *s, const struct ckpt_conf *conf,
                       const char *dir, struct ckpt_err *err)
{
    const char *text = ckpt_conf_text(conf, "checkpoint_every", NULL);
    int64_t ms = 3600 * 1000;

    s->checkpoint_auto = !ckpt_conf_given(conf, "checkpoint_every", NULL) ||
                         strcmp(text, "auto") == 0;
    if (strcmp(text, "auto") != 0 && ckpt_conf_parse_ms(text, &ms) < 0)
        return ckpt_err_set(err, EINVAL,
                            "%s/pool.conf: checkpoint_every = %s: is neither a "
                            "duration nor auto",
                            dir, text);
    s->checkpoint_every_s = (double)ms / 1000;
    return 0;
}

static int read_policy(struct settings *s, const struct ckpt_conf *conf,
                       const char *path, struct ckpt_err *err)
{
    const char *why;

    s->policy = policy_find(s->policy_name);
    if (!s->policy)
        return ckpt_err_set(err, EINVAL,
                            "%s/pool.conf: policy = %s: no such policy; `ckpt "
                            "sim --policies` lists them",
                            path, s->policy_name);
    why = policy_pool_refusal(s->policy);
    if (why)
        return ckpt_err_set(err, EINVAL,
                            "%s/pool.conf: policy = %s makes no sense in a "
                            "pool: %s",
                            path, s->policy_name, why);
    s->balance = ckpt_conf_bool(conf, "balance", NULL);
    why = s->balance ? policy_live_refusal(s->policy) : NULL;
    if (why)
        return ckpt_err_set(err, EINVAL,
                            "%s/pool.conf: balance is on, but policy = %s: "
                            "%s; mosix, mpvm, watermark, offload and age do",
                            path, s->policy_name, why);
    policy_params_default(&s->params, s->policy);
    return 0;
}

int settings_read(struct settings *settings, const struct ckpt_conf *conf,
                  const char *dir, const char *station, struct ckpt_err *err)
{
    struct settings s = {.policy_name = ""};

    station = station && station[0] ? station : NULL;
    if (read_texts(&s, conf, station, err) < 0 ||
        read_hours(&s, conf, dir, station, err) < 0 ||
        read_rhythm(&s, conf, dir, err) < 0 ||
        read_policy(&s, conf, dir, err) < 0 ||
        read_params(&s, conf, station, err) < 0 ||
        read_marks(&s, ckpt_conf_text(conf, "watermarks", station), err) < 0)
        return -1;
    read_numbers(&s, conf, station);
    *settings = s;
    return 0;
}

int settings_load(struct settings *settings, const struct pooldir *pool,
                  const char *station, struct ckpt_err *err)
{
    struct ckpt_conf *conf = pool_conf_load(pool->path, err);

    if (!conf)
        return -1;
    int rc = settings_read(settings, conf, pool->path, station, err);
    ckpt_conf_destroy(conf);
    return rc;
}
