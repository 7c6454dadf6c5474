/* rhythm.c - see rhythm.h */
#include "lib/capture/rhythm.h"

#include "lib/capture/capture.h"
#include "lib/capture/state.h"
#include "lib/common/interval.h"
#include "lib/common/sys.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SECOND 1000000000ull
#define DAY (24 * 3600 * SECOND)
/* The first checkpoint, whose cost is not known yet; bounds of the others. */
#define FIRST (10 * SECOND)
#define LEAST (1 * SECOND)

static struct ckpt_capture_state *const s = &ckpt_capture_state;

static uint64_t now_ns(void)
{
    struct timespec ts = {0};

    ckpt_sys(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
}

static unsigned processors(void)
{
    uint64_t mask[CKPT_AFFINITY_WORDS] = {0};
    unsigned count = 0;

    ckpt_sys(SYS_sched_getaffinity, 0, sizeof mask, mask);
    for (size_t i = 0; i < CKPT_AFFINITY_WORDS; i++)
        count += (unsigned)__builtin_popcountll(mask[i]);
    return count > 0 ? count : 1;
}

/* --- the interval --------------------------------------------------------- */

/* The observed one starts from one failure in a day, which counts less the more
 * has been seen. */
static uint64_t mean_time_to_failure(const struct ckpt_rhythm *r)
{
    if (s->settings.mtbf_ms > 0)
        return s->settings.mtbf_ms * (SECOND / 1000);
    return (r->ran_ns + DAY) / (r->failures + 1);
}

/* "1d 2h", "3h 4m", "5m 6s", "7.8s", "9.1ms" */
static const char *duration(uint64_t ns, char *text, size_t size)
{
    unsigned long long ms = ns / 1000000, sec = ms / 1000;

    if (sec >= 86400)
        snprintf(text, size, "%llud %lluh", sec / 86400, sec / 3600 % 24);
    else if (sec >= 3600)
        snprintf(text, size, "%lluh %llum", sec / 3600, sec / 60 % 60);
    else if (sec >= 60)
        snprintf(text, size, "%llum %llus", sec / 60, sec % 60);
    else if (sec > 0)
        snprintf(text, size, "%llu.%llus", sec, ms / 100 % 10);
    else
        snprintf(text, size, "%llu.%llums", ms,
                 (unsigned long long)ns / 100000 % 10);
    return text;
}

static void explain(struct ckpt_rhythm *r, uint64_t mtbf)
{
    char cost[32], mean[32], ran[32];

    duration(r->cost_ns, cost, sizeof cost);
    duration(mtbf, mean, sizeof mean);
    duration(r->ran_ns, ran, sizeof ran);
    if (s->settings.mtbf_ms > 0)
        snprintf(r->reason, sizeof r->reason,
                 "a checkpoint costs %s, mean time to failure %s (given)", cost,
                 mean);
    else
        snprintf(r->reason, sizeof r->reason,
                 "a checkpoint costs %s, mean time to failure %s (observed: "
                 "%u in %s)",
                 cost, mean, r->failures, ran);
}

static void choose(struct ckpt_rhythm *r)
{
    uint64_t mtbf = mean_time_to_failure(r);
    double best =
        ckpt_interval_daly((double)r->cost_ns * 1e-9, (double)mtbf * 1e-9);

    r->interval_ns = best > 0 ? (uint64_t)(best * 1e9) : 0;
    if (r->interval_ns < LEAST)
        r->interval_ns = LEAST;
    if (r->interval_ns > mtbf && mtbf > LEAST)
        r->interval_ns = mtbf;
    uint64_t most = s->settings.most_ms * (SECOND / 1000);
    if (most > 0 && r->interval_ns > most)
        r->interval_ns = most;
    explain(r, mtbf);
}

/* --- the timer ------------------------------------------------------------ */

static long set_timer(uint64_t first_ns, uint64_t then_ns)
{
    struct itimerspec spec = {
        {(time_t)(then_ns / SECOND), (long)(then_ns % SECOND)},
        {(time_t)(first_ns / SECOND), (long)(first_ns % SECOND)},
    };
    return ckpt_sys(SYS_timer_settime, s->timer, 0, &spec, NULL);
}

int ckpt_rhythm_start(void)
{
    struct ckpt_rhythm *r = &s->rhythm;
    struct sigevent event;
    int timer = -1;

    if (r->since_ns == 0)
        r->since_ns = now_ns();
    if (s->settings.every_ms == 0 && !s->settings.every_auto)
        return 0;
    memset(&event, 0, sizeof event);
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = s->settings.signal;
    event.sigev_value.sival_ptr = &s->timer; /* our own: timers.h */
    long rc = ckpt_sys(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer);
    s->timer = timer;
    uint64_t every = s->settings.every_ms * (SECOND / 1000);
    if (rc == 0 && every > 0)
        rc = set_timer(every, every);
    else if (rc == 0)
        rc = set_timer(r->cost_ns > 0 ? r->interval_ns : FIRST, 0);
    s->has_timer = rc == 0;
    return (int)ckpt_sys_errno(rc);
}

/* --- measuring ------------------------------------------------------------ */

void ckpt_rhythm_pause(void)
{
    struct ckpt_rhythm *r = &s->rhythm;

    r->began_ns = now_ns();
    r->ran_ns += r->began_ns - r->since_ns;
    r->since_ns = r->began_ns;
}

void ckpt_rhythm_written(uint64_t cpu_ns)
{
    s->rhythm.writer_ns = cpu_ns / processors();
}

static void log_next(const struct ckpt_rhythm *r)
{
    char text[32];

    ckpt_capture_log("next checkpoint in %s: %s",
                     duration(r->interval_ns, text, sizeof text), r->reason);
}

/* The writer of this image is still at work: the one before stands for it. */
void ckpt_rhythm_release(void)
{
    struct ckpt_rhythm *r = &s->rhythm;

    r->pause_ns = now_ns() - r->began_ns;
    uint64_t cost = r->pause_ns + r->writer_ns;
    r->cost_ns = r->cost_ns > 0 ? (7 * r->cost_ns + 3 * cost) / 10 : cost;
    if (!s->settings.every_auto || !s->has_timer)
        return;
    choose(r);
    set_timer(r->interval_ns, 0);
    log_next(r);
}

void ckpt_rhythm_revive(int planned)
{
    struct ckpt_rhythm *r = &s->rhythm;

    r->failures += planned ? 0 : 1;
    r->since_ns = now_ns();
}

void ckpt_rhythm_given(uint32_t most_sec, uint32_t mtbf_sec)
{
    struct ckpt_rhythm *r = &s->rhythm;

    if (!s->settings.every_auto || mtbf_sec == 0)
        return;
    s->settings.mtbf_ms = mtbf_sec * 1000ull;
    s->settings.most_ms =
        most_sec < UINT32_MAX / 1000 ? most_sec * 1000 : UINT32_MAX;
    if (r->cost_ns == 0 || !s->has_timer)
        return;
    choose(r);
    set_timer(r->interval_ns, 0);
    log_next(r);
}

void ckpt_rhythm_tell(struct ckpt_taken *taken)
{
    const struct ckpt_rhythm *r = &s->rhythm;

    if (s->settings.every_ms > 0) {
        taken->interval_ns = s->settings.every_ms * (SECOND / 1000);
        strcpy(taken->reason, "given");
    } else if (s->settings.every_auto) {
        taken->interval_ns = r->cost_ns > 0 ? r->interval_ns : FIRST;
        strcpy(taken->reason,
               r->cost_ns > 0 ? r->reason : "to measure what it costs");
    }
}
