/* run.c - arrivals, the event loop, and what is measured */
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

void sim_at(struct sim *w, double at, uint32_t kind, uint32_t a, uint32_t b)
{
    struct sim_event e = {at, 0, kind, a, b};

    if (sim_heap_push(&w->heap, e) < 0)
        w->out_of_memory = true;
}

double sim_activity(const struct sim *w, double at)
{
    double hours = at / 3600;

    if (!w->sc->diurnal)
        return 1;
    return w->sc->hour[(uint64_t)hours % 24];
}

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
static void window_open(struct sim *w)
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

/* Is the job that arrives now one to be measured? */
static bool is_measured(struct sim *w, uint64_t number)
{
    const struct sim_scenario *sc = w->sc;

    if (sc->jobs > 0)
        return number >= sc->warmup_jobs &&
               number < (uint64_t)sc->warmup_jobs + sc->jobs;
    return w->now >= sc->warmup;
}

static void submit(struct sim *w, uint32_t user, double size, double image_mb)
{
    uint32_t j = sim_job_new(w);
    struct sim_job *job;

    if (j == POLICY_NOBODY)
        return;
    job = &w->job[j];
    memset(job, 0, sizeof *job);
    job->arrive = w->now;
    job->size = job->left = size;
    job->demand = job->togo = size;
    job->image_mb = image_mb;
    job->user = user;
    job->home = w->user[user].home;
    job->at = job->from = job->dest = POLICY_NOBODY;
    job->prev = job->next = POLICY_NOBODY;
    job->first_start = -1;
    job->movable =
        w->sc->movable >= 1 || policy_rng_unit(&w->work) < w->sc->movable;
    job->number = w->arrived++;
    job->measured = is_measured(w, job->number);
    if (!w->measuring && job->measured)
        window_open(w);
    w->in_system++;
    if (w->policy.harvest)
        sim_queue(w, j, false);
    else
        sim_place(w, job->home, j);
}

static void submit_of_class(struct sim *w, uint32_t c, uint32_t user)
{
    const struct sim_class *class = &w->sc->class[c];
    double size = sim_law_draw(&class->size, &w->work);
    double image = sim_law_draw(&class->image, &w->work);

    submit(w, user, size > 0 ? size : 1e-9, image);
}

static void next_arrival(struct sim *w, uint32_t c)
{
    double rate = w->sc->class[c].rate * w->hour_max;

    sim_at(w, w->now + policy_rng_exp(&w->arrivals, 1 / rate), SIM_EV_ARRIVAL,
           c, 0);
}

static void on_arrival(struct sim *w, uint32_t c)
{
    uint32_t users = w->class_first[c + 1] - w->class_first[c];

    next_arrival(w, c);
    /* Thinning: the rate follows the hour. */
    if (w->sc->diurnal &&
        policy_rng_unit(&w->arrivals) * w->hour_max > sim_activity(w, w->now))
        return;
    submit_of_class(w, c,
                    w->class_first[c] + policy_rng_below(&w->arrivals, users));
}

static void on_record(struct sim *w, uint32_t i)
{
    const struct sim_record *r = &w->sc->record[i];

    if (i + 1 < w->sc->n_records)
        sim_at(w, w->sc->record[i + 1].submit, SIM_EV_RECORD, i + 1, 0);
    submit(w, w->class_first[w->sc->n_classes] + r->user, r->size, r->image_mb);
}

static void measure(struct sim *w, const struct sim_job *job)
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

void sim_completed(struct sim *w, uint32_t j)
{
    struct sim_job *job = &w->job[j];
    struct sim_user *u = &w->user[job->user];
    uint32_t c = u->class, user = job->user;

    if (job->home != job->at)
        job->remote_s += job->demand;
    if (w->measuring)
        w->result->overhead_s += job->demand - job->left;
    w->in_system--;
    if (w->policy.harvest)
        u->share.held--;
    if (job->measured)
        measure(w, job);
    sim_job_free(w, j);
    if (c < w->sc->n_classes && w->sc->class[c].keep > 0)
        submit_of_class(w, c, user);
}

static void on_complete(struct sim *w, uint32_t s)
{
    uint32_t j;

    sim_advance(w, s);
    j = sim_next_done(w, s);
    w->job[j].togo = 0;
    sim_remove(w, s, j);
    sim_completed(w, j);
    if (!w->policy.harvest && !w->station[s].down)
        sim_station_event(w, s, POLICY_EV_DEPARTURE);
}

static void on_tick(struct sim *w, uint32_t s)
{
    enum policy_info_kind kind = w->policy.information->kind;

    sim_at(w, w->now + w->par.info_period_s, SIM_EV_TICK, s, 0);
    if (kind == POLICY_INFO_GOSSIP || kind == POLICY_INFO_ADVERT)
        sim_news_send(w, s);
    if (w->ticks)
        sim_station_event(w, s, POLICY_EV_TICK);
}

/* One column of the picture. */
static void on_sample(struct sim *w)
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

static void handle(struct sim *w, const struct sim_event *e)
{
    struct sim_station *st =
        e->kind == SIM_EV_COMPLETE || e->kind == SIM_EV_LADDER ||
                e->kind == SIM_EV_VACATED || e->kind == SIM_EV_IDLE
            ? &w->station[e->a]
            : NULL;

    switch (e->kind) {
    case SIM_EV_ARRIVAL:
        on_arrival(w, e->a);
        break;
    case SIM_EV_RECORD:
        on_record(w, e->a);
        break;
    case SIM_EV_COMPLETE:
        if (st->stamp == e->b)
            on_complete(w, e->a);
        break;
    case SIM_EV_OWNER:
        sim_owner_event(w, e->a);
        break;
    case SIM_EV_IDLE:
        if (st->owner_stamp == e->b)
            sim_idle_event(w, e->a);
        break;
    case SIM_EV_LADDER:
        if (st->ladder_stamp == e->b)
            sim_ladder(w, e->a);
        break;
    case SIM_EV_VACATED:
        if (st->ladder_stamp == e->b)
            sim_vacated(w, e->a, true);
        break;
    case SIM_EV_CYCLE:
        sim_cycle(w);
        break;
    case SIM_EV_TABLE:
        sim_table_refresh(w);
        break;
    case SIM_EV_TICK:
        on_tick(w, e->a);
        break;
    case SIM_EV_LAND:
        sim_land(w, e->a);
        break;
    case SIM_EV_PROBE:
        sim_probe_arrived(w, e->a);
        break;
    case SIM_EV_REPLY:
        sim_probe_answered(w, e->a);
        break;
    case SIM_EV_NEWS:
        sim_news_arrived(w, e->a);
        break;
    case SIM_EV_FAIL:
        sim_fail(w, e->a);
        break;
    case SIM_EV_REPAIRED:
        sim_repaired(w, e->a);
        break;
    case SIM_EV_SAMPLE:
        on_sample(w);
        break;
    default:
        break;
    }
}

/* ---- set up ---- */

static int alloc_world(struct sim *w)
{
    const struct sim_scenario *sc = w->sc;
    enum policy_info_kind kind = w->policy.information->kind;
    size_t n = w->n_stations, users = 0;
    uint32_t c;

    for (c = 0; c < sc->n_classes; c++) {
        w->class_first[c] = (uint32_t)users;
        users += sc->class[c].users ? sc->class[c].users : n;
    }
    w->class_first[c] = (uint32_t)users;
    users += sc->n_record_users;
    w->n_users = (uint32_t)users;
    w->station = calloc(n, sizeof *w->station);
    w->user = calloc(users, sizeof *w->user);
    w->shares = calloc(users, sizeof *w->shares);
    if (!w->station || !w->user || !w->shares)
        return -1;
    if (kind == POLICY_INFO_TABLE && !w->policy.harvest) {
        w->table = calloc(n, sizeof *w->table);
        w->table_at = calloc(n, sizeof *w->table_at);
        if (!w->table || !w->table_at)
            return -1;
        for (c = 0; c < n; c++) {
            w->table_at[c] = c;
            w->table[c].id = c;
            w->table[c].heard = -1;
        }
    }
    if (kind == POLICY_INFO_GOSSIP || kind == POLICY_INFO_ADVERT) {
        w->view_room = calloc(n * w->par.view_size, sizeof *w->view_room);
        if (!w->view_room)
            return -1;
    }
    if (w->policy.harvest) {
        w->free_ad = calloc(n, sizeof *w->free_ad);
        w->match = calloc(n, sizeof *w->match);
        if (!w->free_ad || !w->match)
            return -1;
    }
    return 0;
}

static void init_users(struct sim *w)
{
    uint32_t c = 0, u;

    for (u = 0; u < w->n_users; u++) {
        struct sim_user *user = &w->user[u];

        while (c < w->sc->n_classes && u >= w->class_first[c + 1])
            c++;
        user->class = c < w->sc->n_classes ? c : 0;
        user->home = u % w->n_stations;
        user->head = user->tail = POLICY_NOBODY;
        policy_share_init(&user->share, &w->par.shares);
        w->shares[u] = user->share;
    }
}

static void init_stations(struct sim *w, uint64_t seed)
{
    uint32_t s, at = 0;

    for (s = 0; s < SIM_BUCKETS; s++)
        w->bucket[s] = POLICY_NOBODY;
    for (s = 0; s < w->n_stations; s++) {
        struct sim_station *st = &w->station[s];

        st->head = st->tail = st->reserved = st->bucket = POLICY_NOBODY;
        st->speed = sim_law_draw(&w->sc->speed, &w->work);
        policy_rng_init(&st->owner_rng, seed, 1000 + (uint64_t)s);
        policy_memory_init(&st->memory, &w->par);
        if (w->view_room)
            policy_info_init(&st->view,
                             w->view_room + (size_t)s * w->par.view_size,
                             w->par.view_size);
        st->presence = at;
        while (at < w->sc->n_presence && w->sc->presence[at].station == s)
            at++;
        st->presence_end = at;
        sim_owner_init(w, s);
        sim_changed(w, s);
    }
}

/* What does the transfer rule do when an owner comes? */
static bool rule_evicts(struct sim *w)
{
    struct policy_station self;
    struct policy_view view;

    memset(&view, 0, sizeof view);
    sim_station_ad(w, 0, &self);
    view.now = w->now;
    view.rng = &w->decide;
    view.par = &w->par;
    view.self = &self;
    view.memory = &w->station[0].memory;
    return policy_transfer(&w->policy, &view, POLICY_EV_OWNER_BACK) ==
           POLICY_TRANSFER_EVICT;
}

static void init_rngs(struct sim *w, uint64_t seed)
{
    policy_rng_init(&w->arrivals, seed, 1);
    policy_rng_init(&w->work, seed, 2);
    policy_rng_init(&w->decide, seed, 3);
    policy_rng_init(&w->wire, seed, 4);
    policy_rng_init(&w->crash, seed, 5);
}

static void first_events(struct sim *w)
{
    const struct sim_scenario *sc = w->sc;
    double period = w->par.info_period_s;
    enum policy_info_kind kind = w->policy.information->kind;
    uint32_t c, u, s, i;

    if (w->table)
        sim_table_refresh(w);
    if (w->policy.harvest)
        sim_at(w, 0, SIM_EV_CYCLE, 0, 0);
    for (s = 0; s < w->n_stations; s++) {
        if (sc->mtbf > 0)
            sim_at(w, policy_rng_exp(&w->crash, sc->mtbf), SIM_EV_FAIL, s, 0);
        if (w->ticks || kind == POLICY_INFO_GOSSIP ||
            kind == POLICY_INFO_ADVERT)
            sim_at(w, period * policy_rng_unit(&w->decide), SIM_EV_TICK, s, 0);
    }
    if (w->result->series_step > 0)
        sim_at(w, 0, SIM_EV_SAMPLE, 0, 0);
    for (c = 0; c < sc->n_classes; c++) {
        for (u = w->class_first[c]; u < w->class_first[c + 1]; u++)
            for (i = 0; i < sc->class[c].backlog + sc->class[c].keep; i++)
                submit_of_class(w, c, u);
        if (sc->class[c].rate > 0)
            next_arrival(w, c);
    }
    if (sc->n_records)
        sim_at(w, sc->record[0].submit, SIM_EV_RECORD, 0, 0);
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

static void init_result(struct sim *w)
{
    struct sim_result *r = w->result;
    uint32_t i;

    memset(r, 0, sizeof *r);
    r->series_step = expected_end(w->sc) / SIM_SERIES;
    r->n_rows = w->n_stations < SIM_ROWS ? w->n_stations : SIM_ROWS;
    for (i = 0; i < r->n_rows; i++)
        r->row_station[i] = (uint32_t)((uint64_t)i * w->n_stations / r->n_rows);
}

/* ---- the end ---- */

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
        out->wait_ratio =
            r->sum[c].size > 0 ? r->sum[c].wait / r->sum[c].size : 0;
        *response += r->sum[c].response;
        *wait += r->sum[c].wait;
        *first += r->sum[c].first;
        *size += r->sum[c].size;
    }
}

static void close_result(struct sim *w)
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

static void clear_world(struct sim *w)
{
    sim_heap_clear(&w->heap);
    free(w->station);
    free(w->user);
    free(w->shares);
    free(w->job);
    free(w->search);
    free(w->message);
    free(w->table);
    free(w->table_at);
    free(w->view_room);
    free(w->job_room);
    free(w->wait_ad);
    free(w->wait_id);
    free(w->free_ad);
    free(w->match);
    free(w->scratch);
}

static void loop(struct sim *w, double end)
{
    struct sim_event e;
    const bool until_empty = w->sc->jobs == 0 && !(w->sc->duration > 0);

    while (!w->finished && !w->out_of_memory && sim_heap_pop(&w->heap, &e)) {
        if (e.at > end) {
            w->now = end;
            return;
        }
        w->now = e.at;
        w->result->events++;
        handle(w, &e);
        if (until_empty && w->in_system == 0 && w->arrived >= w->sc->n_records)
            return;
    }
}

int sim_run(const struct sim_scenario *scenario, const char *policy,
            uint64_t seed, struct sim_result *result, struct ckpt_err *err)
{
    struct sim *w = calloc(1, sizeof *w);
    const double for_ever = 1e300;
    double end = for_ever;
    int rc = -1;
    uint32_t c;

    if (!w)
        return ckpt_err_set(err, ENOMEM, "no memory for a simulation");
    w->sc = scenario;
    w->result = result;
    w->n_stations = scenario->stations;
    w->free_job = w->free_search = w->free_message = POLICY_NOBODY;
    if (sim_scenario_policy(scenario, policy, &w->policy, &w->par, err) < 0)
        goto out;
    if (alloc_world(w) < 0) {
        ckpt_err_set(err, ENOMEM, "no memory for %u stations", w->n_stations);
        goto out;
    }
    w->hour_max = 1;
    for (c = 0; c < 24 && scenario->diurnal; c++)
        if (scenario->hour[c] > w->hour_max)
            w->hour_max = scenario->hour[c];
    w->use_buckets = w->policy.information->kind == POLICY_INFO_ORACLE &&
                     w->n_stations > SIM_ORACLE_ALL;
    w->table_live = w->table && w->par.info_period_s <= 0;
    w->ticks = w->policy.transfer->ticks && w->par.info_period_s > 0;
    w->to_measure = scenario->jobs;
    if (scenario->jobs == 0 && scenario->duration > 0)
        end = scenario->warmup + scenario->duration;
    init_rngs(w, seed);
    init_result(w);
    init_stations(w, seed);
    init_users(w);
    w->evicts = rule_evicts(w);
    first_events(w);
    loop(w, end);
    if (w->out_of_memory) {
        ckpt_err_set(err, ENOMEM, "out of memory at %u jobs", w->in_system);
        goto out;
    }
    close_result(w);
    rc = 0;
out:
    clear_world(w);
    free(w);
    return rc;
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
