/* home_rhythm.c - how often jobs are checkpointed; see home.h
 *
 *     what the job was submitted with (--every)
 *     else checkpoint_every of pool.conf, if it is set
 *     else chosen: Daly's interval, of what a checkpoint costs, which the
 *     program itself measures, and of how often stations lose their jobs
 *
 * A station that little is known of is believed to be like the others, and
 * these to lose a job once a day.
 */
#include "scheduler/core/policy_cost.h"
#include "scheduler/pool/log.h"
#include "scheduler/station/home.h"

#include "shadow/jobdir.h"

#include <stdio.h>
#include <string.h>

enum { DAY = 86400 };

struct losses {
    int64_t run_ms, pool_run_ms;
    uint32_t count, pool_count;
    double mtbf_s;
};

static void look_up(struct home *home, const char *station,
                    struct losses *losses)
{
    struct ckpt_err err;

    *losses = (struct losses){.count = 0};
    if (store_station_books(home->store, "", &losses->pool_run_ms,
                            &losses->pool_count, &err) < 0 ||
        store_station_books(home->store, station, &losses->run_ms,
                            &losses->count, &err) < 0)
        log_line("station %s: %s", station, err.text);
    double pool_s = policy_mtbf((double)losses->pool_run_ms / 1000,
                                losses->pool_count, DAY);
    losses->mtbf_s =
        policy_mtbf((double)losses->run_ms / 1000, losses->count, pool_s);
}

/* -1: to be chosen. */
static int64_t given_ms(const struct home *home, const struct job *job)
{
    int64_t ms;

    if (job->spec.every && job_every_parse(job->spec.every, &ms, NULL) == 0)
        return ms;
    return home->settings.checkpoint_auto
               ? -1
               : (int64_t)(home->settings.checkpoint_every_s * 1000);
}

/* At most this far apart; `--every auto` where the pool has a fixed one, too.
 */
static uint32_t most_sec(const struct home *home)
{
    double most = home->settings.checkpoint_auto
                      ? home->settings.checkpoint_every_s
                      : 3600;

    return (uint32_t)(most + 0.999);
}

void rhythm_choose(struct home *home, const struct job *job,
                   const char *station, struct jobspec *spec)
{
    int64_t ms = given_ms(home, job);
    struct losses losses;

    if (ms >= 0) {
        spec->checkpoint_every_sec = (uint32_t)((ms + 999) / 1000);
        return;
    }
    look_up(home, station, &losses);
    spec->checkpoint_every_sec = most_sec(home);
    spec->checkpoint_mtbf_sec = (uint32_t)(losses.mtbf_s + 1);
}

static const char *hours(double s, char *buf, size_t size)
{
    if (s >= 2 * DAY)
        snprintf(buf, size, "%.1f days", s / DAY);
    else if (s >= 7200)
        snprintf(buf, size, "%.1f h", s / 3600);
    else
        snprintf(buf, size, "%.0f s", s);
    return buf;
}

static bool say_given(const struct job *job, int64_t ms,
                      bool (*say)(void *arg, const char *line), void *arg)
{
    char line[160];

    if (ms == 0)
        snprintf(line, sizeof line, "no periodic checkpoints: %s",
                 job->spec.every ? "submitted so (--every 0)"
                                 : "checkpoint_every = 0 in pool.conf");
    else
        snprintf(line, sizeof line, "a checkpoint every %lld s: %s",
                 (long long)(ms + 999) / 1000,
                 job->spec.every ? "submitted so (--every)"
                                 : "checkpoint_every in pool.conf");
    return say(arg, line);
}

bool rhythm_say(struct home *home, const struct job *job,
                bool (*say)(void *arg, const char *line), void *arg)
{
    struct active *active = active_find(home, job->id);
    char line[POOL_TEXT_MAX + 1], mean[32], here[32], all[32];
    int64_t ms = given_ms(home, job);
    struct losses losses;

    if (!job_state_is_active(job->state))
        return true;
    if (ms >= 0)
        return say_given(job, ms, say, arg);
    look_up(home, job->station, &losses);
    snprintf(line, sizeof line,
             "checkpoints as often as loses the least time (Young/Daly), at "
             "most %u s apart: on %s a job is lost every %s on average (%u "
             "losses in %s there, %u in %s in the pool)",
             most_sec(home), job->station,
             hours(losses.mtbf_s, mean, sizeof mean), losses.count,
             hours((double)losses.run_ms / 1000, here, sizeof here),
             losses.pool_count,
             hours((double)losses.pool_run_ms / 1000, all, sizeof all));
    if (!say(arg, line))
        return false;
    if (!active || !active->rhythm[0])
        return say(arg, "the first checkpoint, after 10 s, measures what one "
                        "costs");
    return say(arg, active->rhythm);
}
