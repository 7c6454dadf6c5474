/* check_habits.c - homes' links, I/O with one station, children */
#include "tests/sim/simtest.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char trace[] = "/tmp/ckpt-habits-XXXXXX";

/* Four machines, whose owners all come at 100 s and stay until 200 s; four
 * jobs of one user, 1000 s and 100 MB each. */
#define FOUR                                                                   \
    "stations=4; users=1; backlog=4; size=const 1000; image=const 100;"        \
    "ckpt_mb_s=1e9; bandwidth=100; suspend_grace=0; idle_start=0; cycle=1s;"   \
    "jobs=4; "

static void settings(char *text, size_t size, const char *more)
{
    snprintf(text, size, FOUR "owner_trace=%s; %s", trace, more);
}

static void write_trace(void)
{
    int fd = mkstemp(trace);
    FILE *out = fdopen(fd, "w");

    ck_assert_ptr_nonnull(out);
    for (int i = 0; i < 4; i++)
        fprintf(out, "%d 100 200\n", i);
    ck_assert_int_eq(fclose(out), 0);
}

/* Alone a transfer has `bandwidth`: image / bandwidth.  n at a time over one
 * home's link take n * image / home_link each. */
START_TEST(link_is_shared)
{
    double images = 4 * 100, link = 10, bandwidth = 100, response;
    double fast = 100 + 100 + 100 / bandwidth + 900;
    char text[512];

    write_trace();
    settings(text, sizeof text, "home_link=0");
    response = simtest_metric("condor", text, 1, SIM_RESPONSE);
    simtest_within("resumed after image / bandwidth", response, fast, fast + 2);
    settings(text, sizeof text, "home_link=10");
    response = simtest_metric("condor", text, 1, SIM_RESPONSE);
    /* saved while the owners are there, fetched all at once */
    fast = 100 + 100 + images / link + 900;
    simtest_within("resumed after all images / link", response, fast, fast + 2);
    settings(text, sizeof text, "home_link=1000");
    response = simtest_metric("condor", text, 1, SIM_RESPONSE);
    fast =
        100 + 100 + 100 / bandwidth + 900; /* the link is not what is short */
    simtest_within("a fast link", response, fast, fast + 2);
    unlink(trace);
}
END_TEST

/* Saving four images takes 40 s over the link: with less time than that all
 * four are killed and begin anew, with more none is. */
START_TEST(link_against_limit)
{
    struct sim_result r;
    char text[512];

    write_trace();
    settings(text, sizeof text, "home_link=10; vacate_limit=39s");
    simtest_run("condor", text, 1, &r);
    simtest_near("killed", r.metric[SIM_KILLED], 1, 1e-9);
    simtest_within("all work is done again", r.metric[SIM_RESPONSE], 200 + 1000,
                   200 + 1000 + 2);
    settings(text, sizeof text, "home_link=10; vacate_limit=41s");
    simtest_run("condor", text, 1, &r);
    simtest_near("saved", r.metric[SIM_EVICTED], 1, 1e-9);
    simtest_near("none killed", 1 + r.metric[SIM_KILLED], 1, 1e-9);
    unlink(trace);
}
END_TEST

/* io of the time is spent on I/O, which takes io_remote times longer from
 * elsewhere: a job that stays away takes 1 + io (io_remote - 1) times its
 * size. */
START_TEST(io_costs)
{
    static const char alone[] =
        "stations=50; load=.0001; jobs=2000; size=exp 1; io=const .4;"
        "io_remote=6; io_servers=1;";
    double away = 1 + .4 * (6 - 1), expected = (49 * away + 1) / 50;

    /* one station in fifty is the server */
    simtest_near("I/O from elsewhere",
                 simtest_mean("none", alone, 5, SIM_RESPONSE), expected, .03);
    simtest_near("no I/O",
                 simtest_mean("none",
                              "stations=50; load=.0001; jobs=2000; size=exp 1",
                              5, SIM_RESPONSE),
                 1, .03);
}
END_TEST

/* MOS-5: with a weight on it, jobs move to the station of their I/O. */
START_TEST(io_affinity)
{
    static const char pool[] =
        "stations=8; load=.1; jobs=4000; warmup_jobs=200; size=exp 100;"
        "io=const .6; io_remote=8; residence=5s; candidate=1s; info_period=1s;"
        "seeds=1; ";
    char text[512];
    double without, with;

    snprintf(text, sizeof text, "%s io_weight=0", pool);
    without = simtest_mean("mosix", text, 3, SIM_RESPONSE);
    snprintf(text, sizeof text, "%s io_weight=50", pool);
    with = simtest_mean("mosix", text, 3, SIM_RESPONSE);
    simtest_within("affinity shortens the response", with / without, 0, .95);
}
END_TEST

/* Three children a job: each is a job of its own. */
START_TEST(children_run)
{
    static const char family[] =
        "stations=10; load=.02; size=const 10; forks=const 3; fork_every=1s;"
        "fork_size=const 2; duration=1e6; warmup=1000";
    struct sim_result r;
    double parents = .02 / 10 * 10 * 1e6;

    simtest_run("none", family, 1, &r);
    simtest_near("jobs with children", r.metric[SIM_JOBS], parents * 4, .03);
    simtest_near("their work", r.metric[SIM_UTILISATION],
                 .02 * (10 + 3 * 2) / 10, .03);
}
END_TEST

/* MOS-6: who has forked is a candidate sooner. */
START_TEST(forks_make_candidates)
{
    static const char family[] =
        "stations=8; load=.3; size=const 60; forks=const 4; fork_every=3s;"
        "fork_size=const 20; jobs=3000; warmup_jobs=100; residence=1s;"
        "info_period=1s; candidate=1000s; ";
    char text[512];

    snprintf(text, sizeof text, "%s fork_weight=0", family);
    simtest_near("nobody is old enough",
                 1 + simtest_metric("mosix", text, 1, SIM_MOVED), 1, 1e-9);
    snprintf(text, sizeof text, "%s fork_weight=1000s", family);
    simtest_within("parents move", simtest_metric("mosix", text, 1, SIM_MOVED),
                   .01, 10);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        link_is_shared, link_against_limit,    io_costs, io_affinity,
        children_run,   forks_make_candidates, NULL};
    static const TTest *const slow[] = {NULL};

    return simtest_main("habits", tests, slow);
}
