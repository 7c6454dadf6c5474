/* test_job.c - the state table, the books, the event log */
#include "scheduler/core/job.h"
#include "scheduler/core/job_log.h"
#include "tests/unit/run_tests.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct job make_job(void)
{
    struct job_spec spec = {.prio = 3};
    struct job job;

    job_init(&job, 7, 0, &spec, 1000);
    return job;
}

static void step(struct job *job, enum job_event event, int64_t now)
{
    const struct job_detail d = {
        .station = "s1", .generation = 4, .size = 100, .cpu_usec = 5000000};
    struct ckpt_err err = {""};

    ck_assert_msg(job_step(job, event, &d, now, &err) == 0, "%s", err.text);
}

/* Every state is named, reachable from NONE, and can be left unless it is
 * final; an active state always has a way for each of what a station does. */
START_TEST(test_table_complete)
{
    bool reached[JOB_STATE_COUNT] = {[JOB_NONE] = true};

    for (int round = 0; round < JOB_STATE_COUNT; round++)
        for (unsigned s = 0; s < JOB_STATE_COUNT; s++)
            for (unsigned e = 0; reached[s] && e < JOB_EVENT_COUNT; e++)
                reached[job_next(s, e)] = true;
    for (unsigned s = 1; s < JOB_STATE_COUNT; s++) {
        unsigned ways = 0;
        for (unsigned e = 0; e < JOB_EVENT_COUNT; e++)
            ways += job_next(s, e) != JOB_NONE;
        ck_assert_msg(reached[s], "%s is not reachable", job_state_name(s));
        ck_assert_int_eq(ways == 0, job_state_is_final(s));
        ck_assert_ptr_nonnull(strchr("IRSHCX", job_state_letter(s)));
        if (!job_state_is_active(s))
            continue;
        ck_assert_int_ne(job_next(s, JOB_EV_EVICTED), JOB_NONE);
        ck_assert_int_ne(job_next(s, JOB_EV_LOST), JOB_NONE);
        ck_assert_int_ne(job_next(s, JOB_EV_EXITED), JOB_NONE);
        ck_assert_int_ne(job_next(s, JOB_EV_FAULT), JOB_NONE);
        ck_assert_int_ne(job_next(s, JOB_EV_CHECKPOINTED), JOB_NONE);
    }
    for (unsigned e = 0; e < JOB_EVENT_COUNT; e++)
        ck_assert_str_ne(job_event_name(e), "unknown");
}
END_TEST

/* Only REMOVE and HOLD lead where no work is done. */
START_TEST(test_table_keeps_jobs)
{
    for (unsigned s = 1; s < JOB_REMOVING; s++)
        for (unsigned e = 0; e < JOB_EVENT_COUNT; e++) {
            enum job_state to = job_next(s, e);
            if (to == JOB_REMOVED || to == JOB_REMOVING)
                ck_assert_int_eq(e, JOB_EV_REMOVE);
            if (to == JOB_COMPLETED)
                ck_assert_int_eq(e, JOB_EV_EXITED);
        }
}
END_TEST

/* A job leaves its station only by an event that says so, and the owner's
 * coming and going stops and continues it. */
START_TEST(test_table_keeps_jobs_where_they_are)
{
    static const bool leaves[JOB_EVENT_COUNT] = {
        [JOB_EV_NOT_STARTED] = true, [JOB_EV_EVICTED] = true,
        [JOB_EV_LOST] = true,        [JOB_EV_EXITED] = true,
        [JOB_EV_FAULT] = true,
    };

    for (unsigned s = 1; s < JOB_STATE_COUNT; s++)
        for (unsigned e = 0; e < JOB_EVENT_COUNT; e++) {
            enum job_state to = job_next(s, e);
            if (job_state_is_active(s) && to != JOB_NONE)
                ck_assert_msg(job_state_is_active(to) != leaves[e],
                              "%s in %s leads to %s", job_event_name(e),
                              job_state_name(s), job_state_name(to));
        }
    ck_assert_int_eq(job_next(JOB_RUNNING, JOB_EV_OWNER_BACK), JOB_SUSPENDED);
    ck_assert_int_eq(job_next(JOB_SUSPENDED, JOB_EV_OWNER_LEFT), JOB_RUNNING);
    ck_assert_int_eq(job_next(JOB_HOLDING, JOB_EV_EVICTED), JOB_HELD);
    ck_assert_int_eq(job_next(JOB_VACATING, JOB_EV_EVICTED), JOB_IDLE);
    ck_assert_int_eq(job_next(JOB_REMOVING, JOB_EV_EVICTED), JOB_REMOVED);
}
END_TEST

START_TEST(test_impossible_event_changes_nothing)
{
    struct job job = make_job(), before = job;
    struct ckpt_err err;

    ck_assert_int_eq(job_step(&job, JOB_EV_EXITED, NULL, 5000, &err), -1);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_str_eq(err.text, "job 7 is idle: \"exited\" cannot happen");
    ck_assert_mem_eq(&job, &before, sizeof job);
}
END_TEST

/* 10 s run, checkpoint at 6 s, evicted: 60 % goodput. */
START_TEST(test_goodput)
{
    struct job job = make_job();

    ck_assert_int_eq(job_goodput_permille(&job, 2000), -1);
    step(&job, JOB_EV_MATCHED, 2000);
    ck_assert_uint_eq(job.epoch, 1);
    ck_assert_str_eq(job.station, "s1");
    step(&job, JOB_EV_STARTED, 3000);
    step(&job, JOB_EV_CHECKPOINTED, 9000);
    ck_assert_int_eq(job_run_ms(&job, 11000), 8000);
    step(&job, JOB_EV_OWNER_BACK, 13000);
    ck_assert_int_eq(job_run_ms(&job, 90000), 10000);
    step(&job, JOB_EV_LOST, 20000);
    ck_assert_int_eq(job.run_ms, 10000);
    ck_assert_int_eq(job_goodput_permille(&job, 20000), 600);
    step(&job, JOB_EV_MATCHED, 21000);
    step(&job, JOB_EV_STARTED, 22000);
    step(&job, JOB_EV_EXITED, 26000);
    ck_assert_int_eq(job_goodput_permille(&job, 30000), 1000);
    ck_assert_int_eq(job.cpu_usec, 10000000);
    ck_assert_uint_eq(job.epoch, 2);
    ck_assert_int_eq(job.finished_ms, 26000);
}
END_TEST

START_TEST(test_clock_set_back)
{
    struct job job = make_job();

    step(&job, JOB_EV_MATCHED, 2000);
    step(&job, JOB_EV_STARTED, 3000);
    ck_assert_int_eq(job_run_ms(&job, 10), 0);
    step(&job, JOB_EV_CHECKPOINTED, 100);
    step(&job, JOB_EV_EVICTED, 50);
    ck_assert_int_eq(job.run_ms, 0);
}
END_TEST

START_TEST(test_retry_backs_off)
{
    static const int64_t waits[] = {0,    0,     1000,  2000,  4000,
                                    8000, 16000, 32000, 60000, 60000};
    struct job job = make_job();

    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        step(&job, JOB_EV_MATCHED, 5000);
        step(&job, JOB_EV_STARTED, 5000);
        step(&job, JOB_EV_LOST, 6000);
        ck_assert_int_eq(job_retry_ms(&job), 6000 + waits[i]);
    }
    step(&job, JOB_EV_MATCHED, 7000);
    step(&job, JOB_EV_STARTED, 7000);
    step(&job, JOB_EV_CHECKPOINTED, 7000);
    step(&job, JOB_EV_LOST, 8000);
    ck_assert_int_eq(job_retry_ms(&job), 8000);
}
END_TEST

START_TEST(test_hold_while_running)
{
    struct job job = make_job();

    step(&job, JOB_EV_MATCHED, 2000);
    step(&job, JOB_EV_STARTED, 3000);
    step(&job, JOB_EV_HOLD, 4000);
    ck_assert_int_eq(job.state, JOB_HOLDING);
    ck_assert_int_eq(job_state_letter(job.state), 'H');
    step(&job, JOB_EV_EVICTED, 5000);
    ck_assert_int_eq(job.state, JOB_HELD);
    ck_assert_int_eq(job.hold_code, JOB_HOLD_USER);
    step(&job, JOB_EV_RELEASE, 6000);
    ck_assert_int_eq(job.state, JOB_IDLE);
    ck_assert_int_eq(job.hold_code, JOB_HOLD_NONE);
}
END_TEST

static char *format(enum job_event event, enum job_state from,
                    enum job_state to, int status, const char *text)
{
    struct job_entry e = {.cluster = 17,
                          .proc = 2,
                          .ms = 86400000,
                          .event = event,
                          .from = from,
                          .to = to,
                          .station = "s2",
                          .exit_status = status,
                          .cpu_usec = 90061000000,
                          .total_cpu_usec = 90061000000,
                          .hold_code = JOB_HOLD_FILES};

    strcpy(e.text, text);
    return job_entry_format(&e, "desk");
}

#define ck_log(event, from, to, status, text, expected)                        \
    do {                                                                       \
        char *got = format(event, from, to, status, text);                     \
        ck_assert_str_eq(got, expected);                                       \
        free(got);                                                             \
    } while (0)

START_TEST(test_log_golden)
{
    setenv("TZ", "UTC", 1);
    ck_log(JOB_EV_SUBMIT, JOB_NONE, JOB_IDLE, 0, "",
           "000 (017.002.000) 1970-01-02 00:00:00 "
           "Job submitted from host: <desk>\n...\n");
    ck_log(JOB_EV_STARTED, JOB_STARTING, JOB_RUNNING, 0, "",
           "001 (017.002.000) 1970-01-02 00:00:00 "
           "Job executing on host: <s2>\n...\n");
    ck_log(JOB_EV_OWNER_BACK, JOB_RUNNING, JOB_SUSPENDED, 0, "",
           "010 (017.002.000) 1970-01-02 00:00:00 Job was suspended.\n"
           "\tNumber of processes actually suspended: 1\n...\n");
    ck_log(JOB_EV_FAULT, JOB_STARTING, JOB_HELD, 0, "in.txt: not\nthere",
           "012 (017.002.000) 1970-01-02 00:00:00 Job was held.\n"
           "\tin.txt: not there\n\tCode 3 Subcode 0\n...\n");
    ck_log(JOB_EV_REMOVE, JOB_IDLE, JOB_REMOVED, 0, "",
           "009 (017.002.000) 1970-01-02 00:00:00 Job was aborted.\n"
           "\tby its owner\n...\n");
    ck_log(JOB_EV_EXITED, JOB_RUNNING, JOB_COMPLETED, 3 << 8, "",
           "005 (017.002.000) 1970-01-02 00:00:00 Job terminated.\n"
           "\t(1) Normal termination (return value 3)\n"
           "\t\tUsr 1 01:01:01, Sys 0 00:00:00  -  Run Remote Usage\n"
           "\t\tUsr 0 00:00:00, Sys 0 00:00:00  -  Run Local Usage\n"
           "\t\tUsr 1 01:01:01, Sys 0 00:00:00  -  Total Remote Usage\n"
           "\t\tUsr 0 00:00:00, Sys 0 00:00:00  -  Total Local Usage\n"
           "\t0  -  Run Bytes Sent By Job\n"
           "\t0  -  Run Bytes Received By Job\n"
           "\t0  -  Total Bytes Sent By Job\n"
           "\t0  -  Total Bytes Received By Job\n...\n");
}
END_TEST

START_TEST(test_spec_expand)
{
    char *args[] = {"x", "run.$(Process)", "$(cluster)-$(nothing)", NULL};
    char *env[] = {"A=$(ProcId)", NULL};
    struct job_spec from = {.executable = "/bin/$(Process)",
                            .args = args,
                            .env = env,
                            .out = "out.$(Process)"};
    struct job_spec to;
    char line[32];

    ck_assert_int_eq(job_spec_expand(&to, &from, 17, 5), 0);
    ck_assert_str_eq(to.executable, "/bin/$(Process)");
    ck_assert_str_eq(to.args[1], "run.5");
    ck_assert_str_eq(to.args[2], "17-$(nothing)");
    ck_assert_str_eq(to.env[0], "A=5");
    ck_assert_str_eq(to.out, "out.5");
    ck_assert_ptr_null(to.in);
    job_spec_command(&to, line, sizeof line);
    ck_assert_str_eq(line, "$(Process) run.5 17-$(nothing)");
    job_spec_clear(&to);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("job");
    TCase *tc = tcase_create("job");

    tcase_add_test(tc, test_table_complete);
    tcase_add_test(tc, test_table_keeps_jobs);
    tcase_add_test(tc, test_table_keeps_jobs_where_they_are);
    tcase_add_test(tc, test_impossible_event_changes_nothing);
    tcase_add_test(tc, test_goodput);
    tcase_add_test(tc, test_clock_set_back);
    tcase_add_test(tc, test_retry_backs_off);
    tcase_add_test(tc, test_hold_while_running);
    tcase_add_test(tc, test_log_golden);
    tcase_add_test(tc, test_spec_expand);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
