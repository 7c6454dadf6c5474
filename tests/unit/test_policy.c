/* test_policy.c - the policy core, decision by decision */
#include "scheduler/core/policy_ladder.h"
#include "scheduler/core/policy_rules.h"
#include "scheduler/core/policy_shares.h"
#include "tests/unit/run_tests.h"

#include <string.h>

/* ---- the ladder and idleness ---- */

static void climb(enum policy_rung rung, bool owner, double waited,
                  enum policy_ladder_do what)
{
    struct policy_params par;
    struct policy_ladder_step s;

    policy_params_default(&par, policy_find("condor"));
    s = policy_ladder_next(&par, rung, 1000, owner, 1000 + waited);
    ck_assert_int_eq(s.what, what);
    if (what == POLICY_LADDER_WAIT && rung == POLICY_RUNG_SUSPENDED)
        ck_assert(s.again == 1300);
}

START_TEST(ladder)
{
    climb(POLICY_RUNG_RUNNING, false, 1e6, POLICY_LADDER_WAIT);
    climb(POLICY_RUNG_RUNNING, true, 0, POLICY_LADDER_SUSPEND);
    climb(POLICY_RUNG_SUSPENDED, true, 299, POLICY_LADDER_WAIT);
    climb(POLICY_RUNG_SUSPENDED, true, 300, POLICY_LADDER_VACATE);
    climb(POLICY_RUNG_SUSPENDED, false, 299, POLICY_LADDER_RESUME);
    climb(POLICY_RUNG_VACATING, true, 599, POLICY_LADDER_WAIT);
    climb(POLICY_RUNG_VACATING, true, 600, POLICY_LADDER_KILL);
    climb(POLICY_RUNG_VACATING, false, 10, POLICY_LADDER_WAIT);
}
END_TEST

START_TEST(idleness)
{
    struct policy_params par;
    const char *why;

    policy_params_default(&par, NULL);
    ck_assert(policy_station_idle(&par, 900, .3, &why));
    ck_assert(!policy_station_idle(&par, 899, 0, &why));
    ck_assert_ptr_nonnull(strstr(why, "idle_start"));
    ck_assert(!policy_station_idle(&par, 9000, .31, &why));
    ck_assert_ptr_nonnull(strstr(why, "load_start"));
}
END_TEST

/* ---- negotiation ---- */

enum { MAX = 16 };

struct table {
    struct policy_params par;
    struct policy_rng rng;
    struct policy_job job[MAX];
    struct policy_station station[MAX];
    struct policy_share share[MAX];
    struct policy_match out[MAX];
    uint32_t scratch[256];
    struct policy_view view;
    struct policy_cycle cycle;
};

/* Idle stations and jobs of user 0, none of them special. */
static void table_init(struct table *t, const char *policy, size_t jobs,
                       size_t stations)
{
    size_t i;

    memset(t, 0, sizeof *t);
    policy_params_default(&t->par, policy_find(policy));
    policy_rng_init(&t->rng, 1, 1);
    for (i = 0; i < jobs; i++) {
        t->job[i].id = (uint32_t)i;
        t->job[i].since = (double)i;
        t->job[i].from = POLICY_NOBODY;
        t->job[i].movable = true;
    }
    for (i = 0; i < stations; i++) {
        t->station[i].id = (uint32_t)i;
        t->station[i].state = POLICY_STATION_IDLE;
        t->station[i].speed = 1;
        t->station[i].user = POLICY_NOBODY;
    }
    t->view.now = 100000;
    t->view.rng = &t->rng;
    t->view.par = &t->par;
    t->view.n_stations = (uint32_t)stations;
    t->cycle.jobs = t->job;
    t->cycle.n_jobs = jobs;
    t->cycle.stations = t->station;
    t->cycle.n_stations = stations;
    t->cycle.scratch = t->scratch;
}

static size_t negotiate(struct table *t, const char *policy)
{
    return policy_negotiate(policy_find(policy), &t->view, &t->cycle, t->out,
                            MAX);
}

START_TEST(fastest_first)
{
    struct table t;

    table_init(&t, "condor", 2, 3);
    t.station[1].speed = 3;
    t.station[2].speed = 2;
    ck_assert_uint_eq(negotiate(&t, "condor"), 2);
    ck_assert_uint_eq(t.out[0].job, 0);
    ck_assert_uint_eq(t.out[0].station, 1);
    ck_assert_uint_eq(t.out[1].job, 1);
    ck_assert_uint_eq(t.out[1].station, 2);
}
END_TEST

START_TEST(longest_idle_first)
{
    struct table t;

    table_init(&t, "sprite", 1, 3);
    t.station[0].idle_since = 99000;
    t.station[1].idle_since = 50000;
    t.station[2].idle_since = 98000;
    ck_assert_uint_eq(negotiate(&t, "sprite"), 1);
    ck_assert_uint_eq(t.out[0].station, 1);
    t.station[2].idle_mean = 1e6; /* by history (SPR-4) */
    ck_assert_uint_eq(negotiate(&t, "sprite"), 1);
    ck_assert_uint_eq(t.out[0].station, 2);
}
END_TEST

START_TEST(only_idle_stations)
{
    struct table t;

    table_init(&t, "condor", 4, 4);
    t.par.preempt_after_s = -1;
    t.station[0].state = POLICY_STATION_OWNER;
    t.station[1].state = POLICY_STATION_CLAIMED;
    t.station[3].heard = -1;
    ck_assert_uint_eq(negotiate(&t, "condor"), 1);
    ck_assert_uint_eq(t.out[0].station, 2);
}
END_TEST

START_TEST(priority_then_age)
{
    struct table t;

    table_init(&t, "condor", 3, 3);
    t.job[2].priority = 5;
    ck_assert_uint_eq(negotiate(&t, "condor"), 3);
    ck_assert_uint_eq(t.out[0].job, 2);
    ck_assert_uint_eq(t.out[1].job, 0);
    ck_assert_uint_eq(t.out[2].job, 1);
}
END_TEST

/* Each grant counts 1: equal users take turns, a better index goes first. */
START_TEST(users_take_turns)
{
    struct table t;
    int i;

    table_init(&t, "condor", 8, 6);
    for (i = 0; i < 8; i++)
        t.job[i].user = i >= 5 ? 1 : 0;
    t.cycle.shares = t.share;
    t.cycle.n_shares = 2;
    ck_assert_uint_eq(negotiate(&t, "condor"), 6);
    for (i = 0; i < 6; i++)
        ck_assert_uint_eq(t.job[t.out[i].job].user, (unsigned)i % 2);
    t.share[0].index = 100;
    ck_assert_uint_eq(negotiate(&t, "condor"), 6);
    for (i = 0; i < 3; i++)
        ck_assert_uint_eq(t.job[t.out[i].job].user, 1);
}
END_TEST

START_TEST(not_where_it_was_thrown_off)
{
    struct table t;

    table_init(&t, "condor", 1, 2);
    t.job[0].from = 0;
    ck_assert_uint_eq(negotiate(&t, "condor"), 1);
    ck_assert_uint_eq(t.out[0].station, 1);
    table_init(&t, "condor", 1, 1); /* unless there is no other */
    t.job[0].from = 0;
    ck_assert_uint_eq(negotiate(&t, "condor"), 1);
    ck_assert_uint_eq(t.out[0].station, 0);
}
END_TEST

static bool only_odd(void *arg, uint32_t job, uint32_t station)
{
    (void)arg;
    return job != 0 || station % 2 == 1;
}

START_TEST(requirements)
{
    struct table t;

    table_init(&t, "condor", 2, 3);
    t.cycle.fits = only_odd;
    ck_assert_uint_eq(negotiate(&t, "condor"), 2);
    ck_assert_uint_eq(t.out[0].job, 0);
    ck_assert_uint_eq(t.out[0].station, 1);
    ck_assert_uint_eq(t.out[1].station, 0);
}
END_TEST

START_TEST(preemption)
{
    struct table t;

    table_init(&t, "condor", 2, 2);
    t.job[0].user = t.job[1].user = 1;
    t.station[0].state = t.station[1].state = POLICY_STATION_CLAIMED;
    t.station[0].user = t.station[1].user = 0;
    t.station[0].job_since = 100;
    t.station[1].job_since = 90000;
    t.cycle.shares = t.share;
    t.cycle.n_shares = 2;
    /* Equal claims: nobody is thrown off. */
    ck_assert_uint_eq(negotiate(&t, "condor"), 0);
    t.share[0].index = 1; /* worse by 1: worth one station, not two */
    ck_assert_uint_eq(negotiate(&t, "condor"), 1);
    ck_assert(t.out[0].preempt);
    ck_assert_uint_eq(t.out[0].station, 1); /* least is lost there */
    t.share[0].index = 10;
    ck_assert_uint_eq(negotiate(&t, "condor"), 2);
    t.station[1].job_since = t.view.now - 3599; /* has not had its hour */
    ck_assert_uint_eq(negotiate(&t, "condor"), 1);
    ck_assert_uint_eq(t.out[0].station, 0);
    t.station[0].job_immovable = true;
    ck_assert_uint_eq(negotiate(&t, "condor"), 0);
}
END_TEST

/* Every policy can decide for a pool; none takes what is not idle. */
START_TEST(every_policy_negotiates)
{
    const struct policy *p;
    size_t i, k, n;

    for (i = 0; (p = policy_at(i)); i++) {
        struct table t;

        table_init(&t, p->name, 5, 6);
        t.station[2].state = POLICY_STATION_OWNER;
        t.station[4].state = POLICY_STATION_VACATING;
        n = negotiate(&t, p->name);
        ck_assert_msg(n == 4, "%s: %zu", p->name, n);
        for (k = 0; k < n; k++)
            ck_assert_uint_eq(t.station[t.out[k].station].state,
                              POLICY_STATION_IDLE);
    }
}
END_TEST

/* ---- balancing ---- */

/* A station with four jobs beside one without. */
static struct policy_view busy_view(struct table *t, const char *policy,
                                    struct policy_memory *memory)
{
    struct policy_view v;
    int i;

    table_init(t, policy, 4, 2);
    for (i = 0; i < 4; i++) {
        t->job[i].started = true;
        t->job[i].cpu_s = 10 + i;
        t->job[i].cpu_need = 1;
        t->job[i].here_since = t->view.now - 1000;
    }
    t->station[0].jobs = 4;
    t->station[0].load = t->station[0].cpu_use = 4;
    t->station[0].state = POLICY_STATION_CLAIMED;
    t->station[1].heard = t->view.now;
    policy_memory_init(memory, &t->par);
    v = t->view;
    v.self = &t->station[0];
    v.jobs = t->job;
    v.n_jobs = 4;
    v.memory = memory;
    v.known = t->station;
    v.n_known = 2;
    return v;
}

START_TEST(live_balancing)
{
    static const char *const live[] = {"mosix", "mpvm", "age", "offload", NULL};
    struct policy_memory memory;
    uint32_t to = 9;
    int i, job = -1;

    for (i = 0; live[i]; i++) {
        struct table t;
        struct policy_view v = busy_view(&t, live[i], &memory);

        ck_assert_msg(policy_balance(policy_find(live[i]), &v, &job, &to) == 0,
                      "%s", live[i]);
        ck_assert_uint_eq(to, 1);
        /* Minimum residence and the age rule bind all of them. */
        t.par.residence_s = 2000;
        ck_assert_int_eq(policy_balance(policy_find(live[i]), &v, &job, &to),
                         -1);
        t.par.residence_s = 0;
        t.par.move_fixed_s = 1000;
        ck_assert_int_eq(policy_balance(policy_find(live[i]), &v, &job, &to),
                         -1);
        t.par.move_fixed_s = 0;
        t.station[1].state = POLICY_STATION_OWNER;
        ck_assert_int_eq(policy_balance(policy_find(live[i]), &v, &job, &to),
                         -1);
    }
}
END_TEST

START_TEST(others_never_move_what_runs)
{
    struct policy_memory memory;
    const struct policy *p;
    uint32_t to;
    size_t i;
    int job;

    for (i = 0; (p = policy_at(i)); i++) {
        struct table t;
        struct policy_view v = busy_view(&t, p->name, &memory);

        if (p->live)
            continue;
        ck_assert_int_eq(policy_balance(p, &v, &job, &to), -1);
        ck_assert_int_eq(policy_select(p, &v, &t.station[1]), -1);
    }
}
END_TEST

START_TEST(memory_is_kept_free)
{
    struct policy_memory memory;
    struct table t;
    struct policy_view v = busy_view(&t, "mosix", &memory);
    uint32_t to;
    int i, job;

    for (i = 0; i < 4; i++)
        t.job[i].mem_need = .5;
    t.station[1].mem_use = .6; /* 0.5 does not fit */
    ck_assert_int_eq(policy_balance(policy_find("mosix"), &v, &job, &to), -1);
    t.station[1].mem_use = .2;
    t.station[0].mem_use = 2;
    ck_assert_int_eq(policy_balance(policy_find("mosix"), &v, &job, &to), 0);
}
END_TEST

/* MOS-5: a job is drawn to the station it does its I/O with. */
START_TEST(io_affinity)
{
    struct policy_memory memory;
    struct table t;
    struct policy_view v = busy_view(&t, "mosix", &memory);

    t.job[1].io_rate = .9;
    t.job[1].io_station = 1;
    ck_assert_int_eq(policy_select(policy_find("mosix"), &v, &t.station[1]),
                     3); /* weight 0: the oldest */
    t.par.io_weight = 1;
    ck_assert_int_eq(policy_select(policy_find("mosix"), &v, &t.station[1]), 1);
    t.par.io_weight = 0;
    t.par.fork_weight = 5; /* MOS-6 */
    t.job[0].forks = 3;
    ck_assert_int_eq(policy_select(policy_find("mosix"), &v, &t.station[1]), 0);
}
END_TEST

/* Probing asks different stations, at most L, and takes the first below T. */
START_TEST(probing)
{
    const struct policy *p = policy_find("threshold");
    struct policy_search search;
    struct policy_memory memory;
    struct table t;
    struct policy_view v = busy_view(&t, "threshold", &memory);
    uint32_t asked = 0;
    int i;

    v.n_stations = 10;
    ck_assert_int_eq(policy_transfer(p, &v, POLICY_EV_ARRIVAL),
                     POLICY_TRANSFER_PLACE);
    policy_search_begin(&search, POLICY_TRANSFER_PLACE, &t.job[0]);
    const struct policy_station *answer = NULL;

    for (i = 0; i < 3; i++) {
        struct policy_step s = policy_search_next(p, &v, &search, answer);

        ck_assert_int_eq(s.what, POLICY_DO_PROBE);
        ck_assert_uint_ne(s.station, 0); /* not itself */
        ck_assert(!(asked & (1u << s.station)));
        asked |= 1u << s.station;
        t.station[3].id = s.station;
        t.station[3].state = POLICY_STATION_CLAIMED;
        t.station[3].jobs = i == 2 ? 1 : 2;
        answer = i == 1 ? NULL : &t.station[3]; /* the second is lost */
    }
    struct policy_step s = policy_search_next(p, &v, &search, answer);

    ck_assert_int_eq(s.what, POLICY_DO_GO);
    ck_assert_uint_eq(s.station, t.station[3].id);
    policy_search_refused(&search, s.station);
    s = policy_search_next(p, &v, &search, NULL);
    ck_assert_int_eq(s.what, POLICY_DO_STAY);
}
END_TEST

START_TEST(a_station_accepts_or_says_why)
{
    const struct policy *p = policy_find("mosix");
    struct policy_station from = {.id = 1, .jobs = 3, .load = 3};
    struct policy_job job = {.started = true, .mem_need = .5};
    struct policy_memory memory;
    struct table t;
    struct policy_view v = busy_view(&t, "mosix", &memory);

    t.station[0].jobs = 1;
    ck_assert_int_eq(policy_accept(p, &v, &from, &job), POLICY_ACCEPT);
    t.station[0].jobs = 2;
    ck_assert_int_eq(policy_accept(p, &v, &from, &job), POLICY_REFUSE_LOAD);
    t.station[0].mem_use = .6;
    ck_assert_int_eq(policy_accept(p, &v, &from, &job), POLICY_REFUSE_MEMORY);
    t.station[0].state = POLICY_STATION_OWNER;
    ck_assert_int_eq(policy_accept(p, &v, &from, &job), POLICY_REFUSE_OWNER);
}
END_TEST

START_TEST(shares_go_up_and_down)
{
    const struct policy_share_rule rule = {
        .kind = POLICY_SHARE_UPDOWN, .step = 10, .interval_s = 120};
    struct policy_share share = {.held = 2};

    policy_share_pass(&share, &rule, 120);
    ck_assert_double_eq_tol(share.index, 20, 1e-9); /* up: it has machines */
    share = (struct policy_share){.index = 20, .wants = 3};
    policy_share_pass(&share, &rule, 240);
    ck_assert_double_eq_tol(share.index, 0, 1e-9); /* down: it is denied */
    policy_share_pass(&share, &rule, 60);
    ck_assert_double_eq_tol(share.index, -5, 1e-9);
    share.wants = 0; /* and back to exactly 0 */
    policy_share_pass(&share, &rule, 30);
    ck_assert_double_eq_tol(share.index, -2.5, 1e-9);
    policy_share_pass(&share, &rule, 120);
    ck_assert(share.index == 0);
}
END_TEST

/* Half of the way to what is held in each half-life, at least 0.5. */
START_TEST(usage_decays)
{
    const struct policy_share_rule rule = {.kind = POLICY_SHARE_USAGE,
                                           .half_life_s = 1000};
    struct policy_share share;

    policy_share_init(&share, &rule);
    ck_assert_double_eq_tol(share.index, 0.5, 1e-9);
    share.held = 4;
    policy_share_pass(&share, &rule, 1000);
    ck_assert_double_eq_tol(share.index, 2.25, 1e-9);
    policy_share_pass(&share, &rule, 2000);
    ck_assert_double_eq_tol(share.index, 3.5625, 1e-9);
    share.held = 0;
    policy_share_pass(&share, &rule, 20000);
    ck_assert_double_eq_tol(share.index, 0.5, 1e-9);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        ladder,
        shares_go_up_and_down,
        usage_decays,
        idleness,
        fastest_first,
        longest_idle_first,
        only_idle_stations,
        priority_then_age,
        users_take_turns,
        not_where_it_was_thrown_off,
        requirements,
        preemption,
        every_policy_negotiates,
        live_balancing,
        others_never_move_what_runs,
        memory_is_kept_free,
        io_affinity,
        probing,
        a_station_accepts_or_says_why,
        NULL,
    };

    return run_tests("policy", tests);
}
