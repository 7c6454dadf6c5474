/* test_policy_load.c - how loaded a station is */
#include "scheduler/core/policy_ladder.h"
#include "scheduler/core/policy_rules.h"
#include "tests/unit/run_tests.h"

#include <math.h>
#include <stdio.h>

static const char STAT[] =
    "cpu  %s\ncpu0 1 2 3 4 5 6 7 8 0 0\ncpu1 1 2 3 4 5 6 7 8 0 0\n"
    "intr %s 1 2 3\nctxt %s\nbtime 1\nprocesses 9\nprocs_running 4\n";

START_TEST(load_from_proc)
{
    static const char mem[] = "MemTotal: 1000 kB\nMemFree: 1 kB\n"
                              "MemAvailable: 250 kB\n";
    static const char disks[] =
        "   8       0 sda 10 0 100 5 20 0 300 9 0 1 2\n"
        "   8       1 sda1 10 0 100 5 20 0 300 9 0 1 2\n"
        "   7       0 loop0 10 0 100 5 20 0 300 9 0 1 2\n"
        " 259       0 nvme0n1 1 0 10 5 2 0 20 9 0 1 2\n";
    static const char psi[] =
        "some avg10=12.50 avg60=1.00 avg300=0.00 total=1\n";
    struct policy_counters before, now;
    struct policy_load load;
    char text[512];

    snprintf(text, sizeof text, STAT, "100 0 0 900 0 0 0 0 0 0", "10", "20");
    policy_counters_parse(&before, text, mem, disks, "pgpgin 5\npgpgout 5\n",
                          psi);
    ck_assert(before.blocks == 430);
    ck_assert_uint_eq(before.processors, 2);
    snprintf(text, sizeof text, STAT, "175 0 0 1025 0 0 0 0 0 0", "110", "220");
    policy_counters_parse(&now, text, mem, disks, "pgpgin 9\npgpgout 11\n",
                          psi);
    policy_load_between(&load, &before, &now, 2, 1);
    ck_assert(fabs(load.factor[POLICY_LOAD_CPU] - .375) < 1e-12);
    /* four runnable, one the reader, one our job: two on two processors */
    ck_assert(policy_load_scalar(&load) == 1);
    ck_assert(fabs(load.factor[POLICY_LOAD_MEM] - .75) < 1e-12);
    ck_assert(load.factor[POLICY_LOAD_INTR] == 50);
    ck_assert(load.factor[POLICY_LOAD_SWITCH] == 100);
    ck_assert(load.factor[POLICY_LOAD_PAGING] == 5);
    ck_assert(fabs(load.factor[POLICY_LOAD_PRESSURE] - .125) < 1e-12);
    ck_assert_uint_eq(load.known, (1u << POLICY_FACTORS) - 1);
    policy_counters_parse(&now, NULL, NULL, NULL, NULL, NULL);
    policy_load_between(&load, &now, &now, 1, 0);
    ck_assert_uint_eq(load.known, 0); /* nothing is made up */
}
END_TEST

START_TEST(vote)
{
    struct policy_marks marks;
    struct policy_load load = {.known = 7};

    policy_marks_default(&marks);
    ck_assert_int_eq(policy_load_vote(&load, &marks), POLICY_UNDER);
    load.factor[POLICY_LOAD_CPU] = 1; /* two of three still below */
    ck_assert_int_eq(policy_load_vote(&load, &marks), POLICY_UNDER);
    load.factor[POLICY_LOAD_RUNQ] = 1; /* one low, one high, one between */
    ck_assert_int_eq(policy_load_vote(&load, &marks), POLICY_NORMAL);
    load.factor[POLICY_LOAD_RUNQ] = 2;
    ck_assert_int_eq(policy_load_vote(&load, &marks), POLICY_OVER);
    load.known = 3;
    load.factor[POLICY_LOAD_RUNQ] = 0; /* one to one: no strict majority */
    ck_assert_int_eq(policy_load_vote(&load, &marks), POLICY_NORMAL);
    ck_assert_int_eq(policy_level_of(.5, 1, 2), POLICY_UNDER);
    ck_assert_int_eq(policy_level_of(1.5, 1, 2), POLICY_NORMAL);
    ck_assert_int_eq(policy_level_of(2.5, 1, 2), POLICY_OVER);
}
END_TEST

START_TEST(vector)
{
    struct policy_load busy_cpu = {.known = 7}, busy_mem = {.known = 7};
    struct policy_load cruncher = {.known = 7};

    busy_cpu.factor[POLICY_LOAD_CPU] = 1;
    busy_mem.factor[POLICY_LOAD_MEM] = 1;
    cruncher.factor[POLICY_LOAD_CPU] = 1;
    cruncher.factor[POLICY_LOAD_MEM] = .1;
    ck_assert(policy_load_match(&busy_mem, &cruncher) <
              policy_load_match(&busy_cpu, &cruncher));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        load_from_proc,
        vote,
        vector,
        NULL,
    };

    return run_tests("load index", tests);
}
