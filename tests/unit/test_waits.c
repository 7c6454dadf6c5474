/* test_waits.c - jobs that wait for jobs, hooks, the stations' books, and a
 * queue of the version before */
#include "scheduler/store/store.h"
#include "tests/unit/run_tests.h"

#include <check.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[64], path[96];
static struct store *store;

static void make_store(void)
{
    const char *tmp = getenv("TMPDIR");
    struct ckpt_err err = {""};

    snprintf(dir, sizeof dir, "%.40s/ckpt-waits.XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/queue.db", dir);
    store = store_open(path, &err);
    ck_assert_msg(store != NULL, "%s", err.text);
}

static void remove_store(void)
{
    char name[128];

    store_close(store);
    unlink(path);
    snprintf(name, sizeof name, "%s-wal", path);
    unlink(name);
    rmdir(dir);
}

static int try_submit(char **after, uint32_t count, uint64_t *first,
                      struct ckpt_err *err)
{
    char *args[] = {"true", NULL}, *env[] = {NULL};
    const struct job_spec spec = {.name = "sum",
                                  .owner = "ada",
                                  .executable = "/bin/true",
                                  .args = args,
                                  .env = env,
                                  .cwd = "/tmp",
                                  .notify = "Error",
                                  .on_done = "echo $(Process)",
                                  .after = after};

    return store_submit(store, &spec, count, 1000, first, err);
}

static uint64_t submit_after(uint64_t a, uint64_t b, uint32_t count)
{
    char one[24], two[24], *after[] = {one, b ? two : NULL, NULL};
    struct ckpt_err err = {""};
    uint64_t first;

    snprintf(one, sizeof one, "%llu", (unsigned long long)a);
    snprintf(two, sizeof two, "%llu", (unsigned long long)b);
    ck_assert_msg(try_submit(a ? after : NULL, count, &first, &err) == 0, "%s",
                  err.text);
    return first;
}

static void apply(uint64_t id, enum job_event event, int status)
{
    const struct job_detail d = {
        .station = "s1", .text = "t", .exit_status = status};
    struct ckpt_err err = {""};

    ck_assert_msg(store_apply(store, id, event, &d, 5000, NULL, NULL, &err) ==
                      0,
                  "%s", err.text);
}

static void run_job(uint64_t id, int status)
{
    apply(id, JOB_EV_MATCHED, 0);
    apply(id, JOB_EV_STARTED, 0);
    apply(id, JOB_EV_EXITED, status);
}

static void settle(int expected)
{
    struct ckpt_err err = {""};
    int n = store_waits_settle(store, 100, 6000, &err);

    ck_assert_msg(n == expected, "%d were told, not %d: %s", n, expected,
                  err.text);
    ck_assert_int_eq(store_waits_settle(store, 100, 6000, &err), 0);
}

static void check_state(uint64_t id, enum job_state state, const char *why)
{
    struct job job;

    ck_assert_int_eq(store_get(store, id, &job, NULL), 0);
    ck_assert_str_eq(job_state_name(job.state), job_state_name(state));
    if (why)
        ck_assert_str_eq(job.why, why);
    job_clear(&job);
}

START_TEST(test_ready_when_all_are_done)
{
    uint64_t a = submit_after(0, 0, 1), b = submit_after(0, 0, 1);
    uint64_t c = submit_after(a, b, 2), d = submit_after(c, 0, 1);

    check_state(c, JOB_WAITING, "waits for jobs 1, 2");
    check_state(d, JOB_WAITING, "waits for job 3");
    run_job(a, 0);
    settle(2);
    check_state(c, JOB_WAITING, NULL);
    run_job(b, 0);
    store_close(store); /* what is due is known after a crash */
    store = store_open(path, NULL);
    ck_assert_ptr_nonnull(store);
    settle(2);
    check_state(c, JOB_IDLE, NULL);
    check_state(c + 1, JOB_IDLE, NULL);
    check_state(d, JOB_WAITING, NULL);
    run_job(c, 0);
    settle(1);
    check_state(d, JOB_IDLE, NULL);
}
END_TEST

/* One that failed, or was removed, holds what waits for it; released, that
 * runs without. */
START_TEST(test_held_when_one_fails)
{
    uint64_t a = submit_after(0, 0, 1), b = submit_after(a, 0, 1);
    uint64_t c = submit_after(b, 0, 1);
    struct job job;

    run_job(a, 3 << 8);
    settle(1);
    check_state(b, JOB_HELD,
                "job 1 (sum), which it waited for, ended with exit code 3");
    ck_assert_int_eq(store_get(store, b, &job, NULL), 0);
    ck_assert_int_eq(job.hold_code, JOB_HOLD_AFTER);
    job_clear(&job);
    check_state(c, JOB_WAITING, NULL);
    apply(b, JOB_EV_RELEASE, 0);
    settle(0);
    check_state(b, JOB_IDLE, NULL);
    apply(b, JOB_EV_REMOVE, 0);
    settle(1);
    check_state(c, JOB_HELD, "job 2 (sum), which it waited for, was removed");
}
END_TEST

/* Held by its owner meanwhile: it hears of it when it is released. */
START_TEST(test_held_by_owner_meanwhile)
{
    uint64_t a = submit_after(0, 0, 1), b = submit_after(0, 0, 1);
    uint64_t c = submit_after(a, b, 1);

    apply(c, JOB_EV_HOLD, 0);
    run_job(a, 0);
    settle(1);
    apply(c, JOB_EV_RELEASE, 0);
    check_state(c, JOB_WAITING, "waits for job 2");
    apply(c, JOB_EV_HOLD, 0);
    run_job(b, 9);
    settle(1);
    check_state(c, JOB_HELD, "t");
    apply(c, JOB_EV_RELEASE, 0);
    settle(1);
    check_state(c, JOB_HELD,
                "job 2 (sum), which it waited for, was ended by signal 9");
}
END_TEST

START_TEST(test_submitted_too_late)
{
    uint64_t a = submit_after(0, 0, 1), b = submit_after(0, 0, 1), c;

    run_job(a, 0);
    run_job(b, 1 << 8);
    c = submit_after(a, 0, 1);
    check_state(c, JOB_IDLE, NULL);
    c = submit_after(a, b, 1);
    settle(1);
    check_state(c, JOB_HELD, NULL);
}
END_TEST

/* Only of what is there: so there are no circles. */
START_TEST(test_no_circles)
{
    char *own[] = {"2", NULL};
    struct ckpt_err err = {""};
    uint64_t first;

    submit_after(0, 0, 1);
    ck_assert_int_eq(try_submit(own, 1, &first, &err), -1);
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_str_eq(err.text, "--after: there is no job 2");
    check_state(submit_after(1, 0, 1), JOB_WAITING, NULL);
}
END_TEST

/* --- hooks and books ------------------------------------------------------ */

static int note_hook(const struct store_hook *hook, void *arg)
{
    char *text = arg;

    sprintf(text + strlen(text), "%llu:%d ", (unsigned long long)hook->job,
            (int)hook->how);
    return 0;
}

START_TEST(test_hooks)
{
    uint64_t a = submit_after(0, 0, 2);
    char text[256] = "";

    run_job(a, 0);
    apply(a + 1, JOB_EV_HOLD, 0);
    apply(a + 1, JOB_EV_RELEASE, 0);
    run_job(a + 1, 2 << 8);
    ck_assert_int_eq(store_hooks_each(store, 0, 9, note_hook, text, NULL), 0);
    ck_assert_str_eq(text, "1:1 2:2 2:1 2:2 ");
    ck_assert_int_eq(store_hook_done(store, 2, NULL), 0);
    text[0] = '\0';
    ck_assert_int_eq(store_hooks_each(store, 1, 1, note_hook, text, NULL), 0);
    ck_assert_str_eq(text, "2:1 ");
}
END_TEST

static void ran(uint64_t id, const char *station, enum job_event end)
{
    const struct job_detail d = {.station = station};

    store_apply(store, id, JOB_EV_MATCHED, &d, 1000, NULL, NULL, NULL);
    store_apply(store, id, JOB_EV_STARTED, &d, 2000, NULL, NULL, NULL);
    ck_assert_int_eq(store_apply(store, id, end, &d, 5000, NULL, NULL, NULL),
                     0);
}

START_TEST(test_station_books)
{
    uint64_t id = submit_after(0, 0, 1);
    int64_t ms;
    uint32_t losses;

    ran(id, "s1", JOB_EV_EVICTED);
    ran(id, "s2", JOB_EV_LOST);
    ran(id, "s1", JOB_EV_EXITED);
    ck_assert_int_eq(store_station_books(store, "s1", &ms, &losses, NULL), 0);
    ck_assert_int_eq(ms, 6000);
    ck_assert_uint_eq(losses, 1);
    store_station_books(store, "", &ms, &losses, NULL);
    ck_assert_int_eq(ms, 9000);
    ck_assert_uint_eq(losses, 2);
    store_station_books(store, "s9", &ms, &losses, NULL);
    ck_assert_int_eq(ms, 0);
}
END_TEST

/* --- the version before --------------------------------------------------- */

/* What version 3 added is taken away again. */
static const char to_version_2[] =
    "ALTER TABLE jobs DROP COLUMN kills; ALTER TABLE jobs DROP COLUMN sent;"
    "ALTER TABLE jobs DROP COLUMN received;"
    "ALTER TABLE history DROP COLUMN kills;"
    "ALTER TABLE history DROP COLUMN sent;"
    "ALTER TABLE history DROP COLUMN received;"
    "ALTER TABLE specs DROP COLUMN \"after\";"
    "ALTER TABLE specs DROP COLUMN every; ALTER TABLE specs DROP COLUMN notify;"
    "ALTER TABLE specs DROP COLUMN notify_user;"
    "ALTER TABLE specs DROP COLUMN on_done;"
    "ALTER TABLE events DROP COLUMN sent;"
    "ALTER TABLE events DROP COLUMN received;"
    "ALTER TABLE events DROP COLUMN total_sent;"
    "ALTER TABLE events DROP COLUMN total_received;"
    "DROP TABLE waits; DROP TABLE waits_over; DROP TABLE hooks;"
    "DROP TABLE stations; PRAGMA user_version = 2";

START_TEST(test_version_2)
{
    uint64_t id = submit_after(0, 0, 1);
    struct ckpt_err err = {""};
    char *text = NULL;
    sqlite3 *db;

    apply(id, JOB_EV_MATCHED, 0);
    store_close(store);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, to_version_2, NULL, NULL, &text) ==
                      SQLITE_OK,
                  "%s", text);
    sqlite3_close(db);
    store = store_open(path, &err);
    ck_assert_msg(store != NULL, "%s", err.text);
    check_state(id, JOB_STARTING, NULL);
    apply(id, JOB_EV_EXITED, 0);
    check_state(submit_after(id, 0, 1), JOB_IDLE, NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("waits");
    TCase *tc = tcase_create("waits");

    tcase_add_checked_fixture(tc, make_store, remove_store);
    tcase_add_test(tc, test_ready_when_all_are_done);
    tcase_add_test(tc, test_held_when_one_fails);
    tcase_add_test(tc, test_held_by_owner_meanwhile);
    tcase_add_test(tc, test_submitted_too_late);
    tcase_add_test(tc, test_no_circles);
    tcase_add_test(tc, test_hooks);
    tcase_add_test(tc, test_station_books);
    tcase_add_test(tc, test_version_2);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
