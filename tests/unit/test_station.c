/* test_station.c - the states of a station, its decisions, and the owner */
#include "scheduler/core/hours.h"
#include "scheduler/core/station_state.h"
#include "scheduler/pool/pooldir.h"
#include "scheduler/station/owner.h"
#include "tests/unit/run_tests.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct policy_params rules(void)
{
    struct policy_params par;

    policy_params_default(&par, policy_find("condor"));
    par.idle_start_s = 10;
    par.load_start = 0.5;
    par.suspend_grace_s = 5;
    par.vacate_limit_s = 7;
    return par;
}

static struct station_view away(void)
{
    struct station_view view = {.trusted = true,
                                .owner_idle_s = 100,
                                .load_known = true,
                                .load = 0.1,
                                .resume_idle_s = 3};
    return view;
}

START_TEST(only_the_table_moves_a_station)
{
    enum station_state state = STATION_OWNER;

    ck_assert(!station_state_step(&state, STATION_EV_CLAIM));
    ck_assert_int_eq(state, STATION_OWNER);
    ck_assert(station_state_step(&state, STATION_EV_OWNER_AWAY));
    ck_assert(station_state_step(&state, STATION_EV_CLAIM));
    ck_assert(station_state_step(&state, STATION_EV_OWNER_BACK));
    ck_assert_int_eq(state, STATION_SUSPENDED);
    ck_assert(station_state_step(&state, STATION_EV_GRACE_OVER));
    ck_assert_int_eq(state, STATION_VACATING);
    ck_assert(!station_state_step(&state, STATION_EV_OWNER_AWAY));
    ck_assert(station_state_step(&state, STATION_EV_JOB_GONE));
    ck_assert_int_eq(state, STATION_OWNER);
}
END_TEST

static enum station_step decide(enum station_state state,
                                const struct station_view *view,
                                enum station_event *event)
{
    struct policy_params par = rules();

    return station_decide(state, &par, view, event, NULL);
}

START_TEST(idle_needs_an_absent_owner_and_a_low_load)
{
    struct station_view view = away();
    enum station_event event;

    ck_assert_int_eq(decide(STATION_OWNER, &view, &event), STATION_STEP_EVENT);
    ck_assert_int_eq(event, STATION_EV_OWNER_AWAY);
    view.load = 0.6;
    ck_assert_int_eq(decide(STATION_OWNER, &view, &event), STATION_STEP_NONE);
    view = away();
    view.owner_idle_s = 9;
    ck_assert_int_eq(decide(STATION_OWNER, &view, &event), STATION_STEP_NONE);
    ck_assert_int_eq(decide(STATION_IDLE, &view, &event), STATION_STEP_EVENT);
    ck_assert_int_eq(event, STATION_EV_OWNER_BACK);
}
END_TEST

START_TEST(nobody_who_can_tell_means_busy)
{
    struct station_view view = away();
    enum station_event event;

    view.trusted = false;
    ck_assert_int_eq(decide(STATION_OWNER, &view, &event), STATION_STEP_NONE);
    ck_assert_int_eq(decide(STATION_CLAIMED, &view, &event),
                     STATION_STEP_EVENT);
    ck_assert_int_eq(event, STATION_EV_OWNER_BACK);
    view = away();
    view.load_known = false;
    ck_assert_int_eq(decide(STATION_OWNER, &view, &event), STATION_STEP_NONE);
}
END_TEST

START_TEST(a_closed_station_is_its_owners)
{
    struct station_view view = away();
    enum station_event event;
    struct policy_params par = rules();
    const char *why = NULL;

    view.closed = "for a reason";
    ck_assert_int_eq(station_decide(STATION_OWNER, &par, &view, &event, &why),
                     STATION_STEP_NONE);
    ck_assert_str_eq(why, "for a reason");
    ck_assert_int_eq(decide(STATION_IDLE, &view, &event), STATION_STEP_EVENT);
    ck_assert_int_eq(event, STATION_EV_OWNER_BACK);
    ck_assert_int_eq(decide(STATION_CLAIMED, &view, &event),
                     STATION_STEP_EVENT);
    ck_assert_int_eq(event, STATION_EV_OWNER_BACK);
    ck_assert_int_eq(decide(STATION_SUSPENDED, &view, &event),
                     STATION_STEP_NONE);
    view.closed = NULL;
    ck_assert_int_eq(decide(STATION_SUSPENDED, &view, &event),
                     STATION_STEP_EVENT);
    ck_assert_int_eq(event, STATION_EV_OWNER_AWAY);
}
END_TEST

enum { SUN, MON, TUE, WED, THU, FRI, SAT };

START_TEST(hours_of_a_week)
{
    struct hours h;
    struct ckpt_err err;

    ck_assert_int_eq(hours_parse(&h, "mon-fri 18:00-8:00, sat, sun", &err), 0);
    ck_assert(hours_have(&h, MON, 18, 0));
    ck_assert(!hours_have(&h, MON, 17, 59));
    ck_assert(hours_have(&h, TUE, 7, 59));
    ck_assert(!hours_have(&h, TUE, 8, 0));
    ck_assert(hours_have(&h, SAT, 12, 0) && hours_have(&h, SUN, 23, 59));
    ck_assert(!hours_have(&h, MON, 0, 0)); /* sunday ends at midnight */
    ck_assert_int_eq(hours_parse(&h, "fri-mon 22-6:30", &err), 0);
    ck_assert(hours_have(&h, TUE, 6, 29) && !hours_have(&h, TUE, 6, 30));
    ck_assert(!hours_have(&h, TUE, 22, 0) && hours_have(&h, SUN, 22, 0));
    ck_assert_int_eq(hours_parse(&h, "sat 12-24", &err), 0);
    ck_assert(hours_have(&h, SAT, 23, 59) && !hours_have(&h, SUN, 0, 0));
    ck_assert_int_eq(hours_parse(&h, "sat 20-4", &err), 0);
    ck_assert(hours_have(&h, SUN, 3, 59) && !hours_have(&h, SUN, 4, 0));
    ck_assert_int_eq(hours_parse(&h, "never", &err), 0);
    for (int m = 0; m < HOURS_WEEK; m += 17)
        ck_assert(!hours_have(&h, m / HOURS_DAY, m % HOURS_DAY / 60, m % 60));
    ck_assert_int_eq(hours_parse(&h, "always", &err), 0);
    for (int m = 0; m < HOURS_WEEK; m += 17)
        ck_assert(hours_have(&h, m / HOURS_DAY, m % HOURS_DAY / 60, m % 60));
}
END_TEST

START_TEST(hours_that_are_none)
{
    static const char *const wrong[] = {
        "",         "monday",    "mon-fri 8",   "mon 25-26", "8:61-9:00",
        "mon 8-8",  "mon 8-9 x", "mon,,tue",    "24-8",      "8:5-9:00",
        "mon-fri,", "fri 8--9",  "mon 8-9;tue", "8-9 mon",   "-",
        "Never",    "mon - fri",
    };
    struct hours h;
    struct ckpt_err err;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_msg(hours_parse(&h, wrong[i], &err) == -1, "%s", wrong[i]);
        ck_assert_int_eq(errno, EINVAL);
    }
}
END_TEST

START_TEST(the_ladder)
{
    struct station_view view = away();
    enum station_event event;

    view.load = 9; /* the job is there: load counts no more */
    ck_assert_int_eq(decide(STATION_CLAIMED, &view, &event), STATION_STEP_NONE);
    view.owner_idle_s = 0;
    ck_assert_int_eq(decide(STATION_CLAIMED, &view, &event),
                     STATION_STEP_EVENT);
    ck_assert_int_eq(event, STATION_EV_OWNER_BACK);
    view.in_state_s = 4.9;
    ck_assert_int_eq(decide(STATION_SUSPENDED, &view, &event),
                     STATION_STEP_NONE);
    view.in_state_s = 5;
    ck_assert_int_eq(decide(STATION_SUSPENDED, &view, &event),
                     STATION_STEP_EVENT);
    ck_assert_int_eq(event, STATION_EV_GRACE_OVER);
    view.owner_idle_s = 3;
    ck_assert_int_eq(decide(STATION_SUSPENDED, &view, &event),
                     STATION_STEP_EVENT);
    ck_assert_int_eq(event, STATION_EV_OWNER_AWAY);
    ck_assert_int_eq(decide(STATION_VACATING, &view, &event),
                     STATION_STEP_NONE);
    view.in_state_s = 7;
    ck_assert_int_eq(decide(STATION_VACATING, &view, &event),
                     STATION_STEP_KILL);
}
END_TEST

START_TEST(a_file_tells_by_its_times)
{
    char path[] = "/tmp/ckpt-owner-XXXXXX";
    struct timespec old[2] = {{1000000, 0}, {1000000, 0}};
    struct ckpt_err err;
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    futimens(fd, old);
    struct owner *owner = owner_create(path, 1000000000, &err);
    ck_assert_ptr_nonnull(owner);
    ck_assert(owner_trusted(owner));
    ck_assert_uint_gt(owner_idle_ms(owner, 1000000000), 900000000);
    futimens(fd, NULL);
    owner_poll(owner, 1000000500);
    ck_assert_uint_eq(owner_idle_ms(owner, 1000000500), 0);
    ck_assert_uint_eq(owner_idle_ms(owner, 1000002500), 2000);
    unlink(path);
    owner_poll(owner, 1000003000);
    ck_assert(!owner_trusted(owner));
    owner_destroy(owner);
    close(fd);
}
END_TEST

START_TEST(what_does_not_exist_is_not_trusted)
{
    struct ckpt_err err;
    struct owner *owner =
        owner_create("/nonexistent/tty /nonexistent/event*", 1, &err);
    size_t n;

    ck_assert_ptr_nonnull(owner);
    ck_assert(!owner_trusted(owner));
    const struct owner_source *sources = owner_sources(owner, &n);
    ck_assert_uint_eq(n, 2);
    ck_assert_str_eq(sources[1].says, "no such device");
    owner_destroy(owner);
}
END_TEST

/* The kernel moves a terminal's times in steps of eight seconds; the watch
 * tells of each key. */
START_TEST(a_key_is_seen_at_once)
{
    char slave[128], key;
    struct ckpt_err err;
    int master, reader;

    ck_assert_int_eq(openpty(&master, &reader, slave, NULL, NULL), 0);
    struct owner *owner = owner_create(slave, 1000000000, &err);
    ck_assert_ptr_nonnull(owner);
    ck_assert(!owner_seen(owner, 1000000100));
    for (int i = 1; i <= 3; i++) {
        uint64_t now = 1000000000 + 1000 * (uint64_t)i;
        ck_assert_int_eq(write(master, "\n", 1), 1);
        ck_assert_int_eq(read(reader, &key, 1), 1);
        ck_assert(owner_seen(owner, now));
        ck_assert(!owner_seen(owner, now));
        ck_assert_uint_eq(owner_idle_ms(owner, now + 7), 7);
    }
    owner_destroy(owner);
    close(master);
    close(reader);
}
END_TEST

static void pool_remove(const char *dir)
{
    static const char *const names[] = {
        "pool.key", "pool.name", "pool.stations", "home/lock", "home/addr"};
    char path[PATH_MAX];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/home", dir);
    rmdir(path);
    rmdir(dir);
}

START_TEST(a_pool_keeps_its_key_and_a_daemon_its_place)
{
    char dir[] = "/tmp/ckpt-pool-XXXXXX", addr[POOLDIR_ADDR_MAX + 1];
    struct pooldir pool, again;
    struct ckpt_err err;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(pooldir_create(dir, &err), 0);
    ck_assert_int_eq(pooldir_open(&pool, dir, &err), 0);
    ck_assert_int_eq(pooldir_create(dir, &err), 0);
    ck_assert_int_eq(pooldir_open(&again, dir, &err), 0);
    ck_assert_mem_eq(pool.key, again.key, sizeof pool.key);
    ck_assert_int_eq(pooldir_set_stations(&pool, 2, false, &err), 0);

    ck_assert_int_eq(pooldir_addr(&pool, "home", addr, &err), -1);
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_int_eq(pooldir_holder(&pool, "home"), 0);
    int lock = pooldir_lock(&pool, "home", &err);
    ck_assert_int_ge(lock, 0);
    ck_assert_int_eq(pooldir_holder(&pool, "home"), getpid());
    ck_assert_int_eq(pooldir_lock(&pool, "home", &err), -1);
    ck_assert_int_eq(errno, EAGAIN);
    ck_assert_int_eq(pooldir_write_addr(&pool, "home", "127.0.0.1:1", &err), 0);
    ck_assert_int_eq(pooldir_addr(&pool, "home", addr, &err), 0);
    ck_assert_str_eq(addr, "127.0.0.1:1");
    close(lock);
    ck_assert_int_eq(pooldir_holder(&pool, "home"), 0);

    ck_assert_int_eq(chmod(dir, 0755), 0);
    ck_assert_int_eq(pooldir_open(&again, dir, &err), -1);
    ck_assert_int_eq(errno, EPERM);
    pool_remove(dir);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("station");
    TCase *all = tcase_create("all");

    tcase_add_test(all, only_the_table_moves_a_station);
    tcase_add_test(all, idle_needs_an_absent_owner_and_a_low_load);
    tcase_add_test(all, nobody_who_can_tell_means_busy);
    tcase_add_test(all, a_closed_station_is_its_owners);
    tcase_add_test(all, hours_of_a_week);
    tcase_add_test(all, hours_that_are_none);
    tcase_add_test(all, the_ladder);
    tcase_add_test(all, a_file_tells_by_its_times);
    tcase_add_test(all, what_does_not_exist_is_not_trusted);
    tcase_add_test(all, a_key_is_seen_at_once);
    tcase_add_test(all, a_pool_keeps_its_key_and_a_daemon_its_place);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
