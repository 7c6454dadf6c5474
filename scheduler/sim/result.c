/* result.c - what is measured, and what it means */
#include "scheduler/sim/world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct sim_metric_info sim_metrics[SIM_METRICS] = {
    [SIM_JOBS] = {"jobs", "", "jobs measured"},
    [SIM_RESPONSE] = {"response", "s", "from submission to end"},
    [SIM_SLOWDOWN] = {"slowdown", "", "response / size, mean over jobs"},
    [SIM_WAIT] = {"wait", "s", "response less size"},
    [SIM_WAIT_RATIO] = {"wait_ratio", "", "all waiting / all service"},
    [SIM_FIRST_WAIT] = {"first_wait", "s", "until a job first ran"},
    [SIM_UTILISATION] = {"utilisation", "", "share of all processors in use"},
    [SIM_GOODPUT] = {"goodput", "", "share that did lasting work"},
    [SIM_BADPUT] = {"badput", "", "share lost, or spent on checkpoints"},
    [SIM_FAIRNESS] = {"fairness", "", "Jain's index of users' slowdowns"},
    [SIM_PLACED] = {"placed", "/job", "started elsewhere"},
    [SIM_MOVED] = {"moved", "/job", "moves of started jobs"},
    [SIM_SUSPENDED] = {"suspended", "/job", "stopped for an owner"},
    [SIM_EVICTED] = {"evicted", "/job", "checkpointed and sent away"},
    [SIM_KILLED] = {"killed", "/job", "thrown off without a checkpoint"},
    [SIM_CRASHED] = {"crashed", "/job", "hit by a crash"},
    [SIM_MB] = {"moved_mb", "MB/job", "images moved"},
    [SIM_MESSAGES] = {"messages", "/job", "probes, polls, news, requests"},
    [SIM_REFUSED] = {"refused", "/job", "requests that were refused"},
    [SIM_LEVERAGE] = {"leverage", "", "remote processor time / home's"},
    [SIM_IDLE] = {"idle", "", "stations whose owner is away, mean"},
    [SIM_MAX_TURNS] = {"max_moves", "", "most image moves of one job"},
    [SIM_TIME] = {"time", "s", "virtual time measured"},
};

void sim_count_idle(struct sim *w, uint32_t s)
{
    struct sim_station *st = &w->station[s];
    struct sim_result *r = w->result;
    bool idle = st->available && !st->owner_here && !st->down;

    if (idle == st->counted_idle)
        return;
    r->idle_integral += r->idle_now * (w->now - r->idle_since);
    r->idle_since = w->now;
    r->idle_now += idle ? 1 : (uint32_t)-1;
    st->counted_idle = idle;
}

/* The measured window begins. */
void sim_window_open(struct sim *w)
{
    struct sim_result *r = w->result;
    uint32_t s;

    w->measuring = true;
    w->window_from = w->now;
    for (s = 0; s < w->n_stations; s++) {
        sim_advance(w, s);
        w->station[s].busy_s = 0;
    }
    r->idle_integral = 0;
    r->idle_since = w->now;
}

void sim_measure(struct sim *w, const struct sim_job *job)
{
    struct sim_result *r = w->result;
    struct sim_user *u = &w->user[job->user];
    uint32_t c = u->class;
    double response = w->now - job->arrive;

    r->n_done++;
    r->sum_slowdown += response / job->size;
    r->sum[c].n++;
    r->sum[c].response += response;
    r->sum[c].wait += response - job->size;
    r->sum[c].first += job->first_start - job->arrive;
    if (job->first_start - job->arrive > r->sum[c].most_first)
        r->sum[c].most_first = job->first_start - job->arrive;
    r->sum[c].size += job->size;
    r->remote_s += job->remote_s;
    if (job->remote_s > 0)
        r->home_s +=
            job->transfers * job->image_mb * w->sc->home.per_mb_s +
            job->remote_s * w->sc->calls_per_s * w->sc->home.per_call_s +
            job->remote_s * w->sc->home.daemon_share;
    if (job->transfers > r->max_moves)
        r->max_moves = job->transfers;
    u->done++;
    u->slowdown_sum += response / job->size;
    if (w->to_measure > 0 && --w->to_measure == 0)
        w->finished = true;
}

/* One column of the picture. */
void sim_sample(struct sim *w)
{
    struct sim_result *r = w->result;
    uint32_t i = r->n_series, s, busy = 0, owner = 0;

    if (i == SIM_SERIES)
        return;
    for (s = 0; s < w->n_stations; s++) {
        const struct sim_station *st = &w->station[s];

        busy += st->n > 0 && !(st->stopped && st->n == st->n_foreign);
        owner += st->owner_here;
    }
    r->in_system[i] = (float)w->in_system;
    r->busy[i] = (float)busy;
    r->owner[i] = (float)owner;
    for (s = 0; s < r->n_rows; s++) {
        const struct sim_station *st = &w->station[r->row_station[s]];
        uint32_t n = st->n < 250 ? st->n : 250;

        r->row[s][i] = (uint8_t)(st->owner_here ? (n ? 255 : 254) : n);
    }
    r->n_series++;
    sim_at(w, w->now + r->series_step, SIM_EV_SAMPLE, 0, 0);
}

/* About how long it will take, for the picture's time axis. */
static double expected_end(const struct sim_scenario *sc)
{
    double rate = 0;
    uint32_t c;

    if (sc->jobs == 0 && sc->duration > 0)
        return sc->warmup + sc->duration;
    for (c = 0; c < sc->n_classes; c++)
        rate += sc->class[c].rate;
    if (sc->jobs > 0 && rate > 0)
        return (sc->warmup_jobs + (double)sc->jobs) / rate;
    if (sc->n_records)
        return 1.1 * sc->record[sc->n_records - 1].submit;
    return 0;
}

void sim_result_init(struct sim *w)
{
    struct sim_result *r = w->result;
    uint32_t i;

    memset(r, 0, sizeof *r);
    r->series_step = expected_end(w->sc) / SIM_SERIES;
    r->n_rows = w->n_stations < SIM_ROWS ? w->n_stations : SIM_ROWS;
    for (i = 0; i < r->n_rows; i++)
        r->row_station[i] = (uint32_t)((uint64_t)i * w->n_stations / r->n_rows);
}

static double fairness(const struct sim *w)
{
    double sum = 0, squares = 0, n = 0;
    uint32_t u;

    for (u = 0; u < w->n_users; u++)
        if (w->user[u].done) {
            double x = w->user[u].slowdown_sum / w->user[u].done;

            sum += x;
            squares += x * x;
            n++;
        }
    return squares > 0 ? sum * sum / (n * squares) : 1;
}

static void close_classes(struct sim_result *r, uint32_t n_classes,
                          double *response, double *wait, double *first,
                          double *size)
{
    uint32_t c;

    for (c = 0; c < n_classes; c++) {
        struct sim_class_result *out = &r->class[c];
        double n = r->sum[c].n > 0 ? r->sum[c].n : 1;

        out->jobs = r->sum[c].n;
        out->response = r->sum[c].response / n;
        out->wait = r->sum[c].wait / n;
        out->first_wait = r->sum[c].first / n;
        out->most_first_wait = r->sum[c].most_first;
        out->wait_ratio =
            r->sum[c].size > 0 ? r->sum[c].wait / r->sum[c].size : 0;
        *response += r->sum[c].response;
        *wait += r->sum[c].wait;
        *first += r->sum[c].first;
        *size += r->sum[c].size;
    }
}

void sim_result_close(struct sim *w)
{
    struct sim_result *r = w->result;
    double *m = r->metric, elapsed = w->now - w->window_from, capacity = 0;
    double n = r->n_done ? (double)r->n_done : 1;
    double response = 0, wait = 0, first = 0, size = 0;
    uint32_t s;

    for (s = 0; s < w->n_stations; s++) {
        sim_advance(w, s);
        r->delivered_s += w->station[s].busy_s;
        capacity += w->station[s].speed;
    }
    capacity *= elapsed > 0 ? elapsed : 1;
    r->idle_integral += r->idle_now * (w->now - r->idle_since);
    close_classes(r, w->sc->n_classes, &response, &wait, &first, &size);
    m[SIM_JOBS] = (double)r->n_done;
    m[SIM_RESPONSE] = response / n;
    m[SIM_SLOWDOWN] = r->sum_slowdown / n;
    m[SIM_WAIT] = wait / n;
    m[SIM_WAIT_RATIO] = size > 0 ? wait / size : 0;
    m[SIM_FIRST_WAIT] = first / n;
    m[SIM_UTILISATION] = r->delivered_s / capacity;
    m[SIM_BADPUT] = (r->lost_s + r->overhead_s) / capacity;
    m[SIM_GOODPUT] = m[SIM_UTILISATION] - m[SIM_BADPUT];
    m[SIM_FAIRNESS] = fairness(w);
    m[SIM_PLACED] = (double)r->placed / n;
    m[SIM_MOVED] = (double)r->moved / n;
    m[SIM_SUSPENDED] = (double)r->suspended / n;
    m[SIM_EVICTED] = (double)r->evicted / n;
    m[SIM_KILLED] = (double)r->killed / n;
    m[SIM_CRASHED] = (double)r->crashed / n;
    m[SIM_MB] = r->mb / n;
    m[SIM_MESSAGES] = (double)r->messages / n;
    m[SIM_REFUSED] = (double)r->refused / n;
    m[SIM_LEVERAGE] = r->home_s > 0 ? r->remote_s / r->home_s : 0;
    m[SIM_IDLE] = elapsed > 0 ? r->idle_integral / elapsed : 0;
    m[SIM_MAX_TURNS] = r->max_moves;
    m[SIM_TIME] = elapsed;
}

/* Two-sided 95 % quantile of Student's t. */
static double student(uint32_t df)
{
    static const double t[] = {0,     12.706, 4.303, 3.182, 2.776, 2.571,
                               2.447, 2.365,  2.306, 2.262, 2.228, 2.201,
                               2.179, 2.160,  2.145, 2.131, 2.120, 2.110,
                               2.101, 2.093,  2.086};

    return df < sizeof t / sizeof t[0] ? t[df] : 1.96 + 2.5 / df;
}

static void summarise(struct sim_summary *sum, const double *squares)
{
    double n = sum->seeds;
    int i;

    for (i = 0; i < SIM_METRICS; i++) {
        double mean = sum->mean[i] / n;
        double var = n > 1 ? (squares[i] - n * mean * mean) / (n - 1) : 0;

        sum->mean[i] = mean;
        sum->half[i] = n > 1 && var > 0
                           ? student(sum->seeds - 1) * policy_sqrt(var / n)
                           : 0;
    }
}

static void add_classes(struct sim_summary *sum, const struct sim_result *r,
                        uint32_t seeds)
{
    uint32_t c;

    for (c = 0; c < SIM_CLASSES_MAX; c++) {
        sum->class[c].jobs += r->class[c].jobs / seeds;
        sum->class[c].response += r->class[c].response / seeds;
        sum->class[c].wait += r->class[c].wait / seeds;
        sum->class[c].first_wait += r->class[c].first_wait / seeds;
        if (r->class[c].most_first_wait > sum->class[c].most_first_wait)
            sum->class[c].most_first_wait = r->class[c].most_first_wait;
        sum->class[c].wait_ratio += r->class[c].wait_ratio / seeds;
    }
}

int sim_repeat(const struct sim_scenario *scenario, const char *policy,
               uint64_t seed, struct sim_summary *summary,
               struct sim_result *first, struct ckpt_err *err)
{
    struct sim_result *r = malloc(sizeof *r);
    double squares[SIM_METRICS] = {0};
    uint32_t k;
    int i, rc = -1;

    if (!r)
        return ckpt_err_set(err, ENOMEM, "no memory for a simulation");
    memset(summary, 0, sizeof *summary);
    summary->seeds = scenario->seeds;
    for (k = 0; k < scenario->seeds; k++) {
        if (sim_run(scenario, policy, seed + k, r, err) < 0)
            goto out;
        if (k == 0 && first)
            *first = *r;
        for (i = 0; i < SIM_METRICS; i++) {
            summary->mean[i] += r->metric[i];
            squares[i] += r->metric[i] * r->metric[i];
        }
        add_classes(summary, r, scenario->seeds);
    }
    summarise(summary, squares);
    rc = 0;
out:
    free(r);
    return rc;
}
