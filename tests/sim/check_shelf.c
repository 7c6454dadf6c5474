/* check_shelf.c - what is shown of a large table holds the best of all of it
 */
#include "scheduler/sim/shelf.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { N = 300, STEPS = 20000 };

static bool usable(const struct policy_station *e)
{
    return e->state == POLICY_STATION_IDLE ||
           e->state == POLICY_STATION_CLAIMED;
}

static bool harvestable(const struct policy_station *e)
{
    return e->state == POLICY_STATION_IDLE && e->jobs == 0;
}

static void change(struct policy_rng *rng, struct policy_station *e)
{
    e->jobs = policy_rng_below(rng, 90);
    e->jobs = e->jobs > 70 ? e->jobs : e->jobs % 5;
    e->state = policy_rng_below(rng, 5);
    e->idle_since = policy_rng_below(rng, 1000);
    e->idle_mean = policy_rng_below(rng, 1000);
}

static void compare(struct sim_shelf *shelf, struct policy_rng *rng,
                    const struct policy_station *table, bool idle)
{
    uint32_t ids[2 * SIM_SHELF_SHOW], least = UINT32_MAX, most = 0, i;
    uint32_t got_least = UINT32_MAX, got_most = 0;
    double oldest = -1e9, got_oldest = -1e9;
    uint32_t n = sim_shelf_show(shelf, rng, false, idle, ids);

    for (i = 0; i < N; i++) {
        if (usable(&table[i])) {
            least = table[i].jobs < least ? table[i].jobs : least;
            most = table[i].jobs > most ? table[i].jobs : most;
        }
        if (harvestable(&table[i]) &&
            table[i].idle_mean - table[i].idle_since > oldest)
            oldest = table[i].idle_mean - table[i].idle_since;
    }
    for (i = 0; i < n; i++) {
        const struct policy_station *e = &table[ids[i]];

        ck_assert(idle ? harvestable(e) : usable(e));
        got_least = e->jobs < got_least ? e->jobs : got_least;
        got_most = e->jobs > got_most ? e->jobs : got_most;
        if (e->idle_mean - e->idle_since > got_oldest)
            got_oldest = e->idle_mean - e->idle_since;
    }
    if (idle) {
        ck_assert(got_oldest == oldest);
    } else {
        ck_assert_uint_eq(got_least, least);
        /* beyond the last shelf counts are one */
        ck_assert(got_most == most ||
                  (most >= SIM_SHELVES - 1 && got_most >= SIM_SHELVES - 1));
    }
}

START_TEST(best_is_shown)
{
    static struct policy_station table[N];
    struct sim_shelf *shelf = sim_shelf_create(N);
    struct policy_rng rng;
    uint32_t i;

    ck_assert_ptr_nonnull(shelf);
    policy_rng_init(&rng, 3, 3);
    for (i = 0; i < N; i++) {
        table[i].id = i;
        change(&rng, &table[i]);
        ck_assert_int_eq(sim_shelf_put(shelf, &table[i]), 0);
    }
    for (i = 0; i < STEPS; i++) {
        struct policy_station *e = &table[policy_rng_below(&rng, N)];

        change(&rng, e);
        ck_assert_int_eq(sim_shelf_put(shelf, e), 0);
        if (i % 20 == 0)
            compare(shelf, &rng, table, i % 40 == 0);
    }
    sim_shelf_free(shelf);
}
END_TEST

/* Equals are shown equally often. */
START_TEST(equals_by_lot)
{
    struct sim_shelf *shelf = sim_shelf_create(N);
    uint32_t ids[2 * SIM_SHELF_SHOW], count[N] = {0}, i, k;
    struct policy_rng rng;

    policy_rng_init(&rng, 4, 1);
    for (i = 0; i < N; i++) {
        struct policy_station e = {.id = i, .state = POLICY_STATION_IDLE};

        ck_assert_int_eq(sim_shelf_put(shelf, &e), 0);
    }
    for (i = 0; i < 30000; i++) {
        ck_assert_uint_ge(sim_shelf_show(shelf, &rng, false, false, ids),
                          SIM_SHELF_SHOW);
        for (k = 0; k < SIM_SHELF_SHOW; k++)
            count[ids[k]]++;
    }
    for (i = 0; i < N; i++) /* 1600 on average, deviation 39 */
        ck_assert(count[i] > 1400 && count[i] < 1800);
    sim_shelf_free(shelf);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("shelf");
    TCase *tc = tcase_create("all");

    tcase_add_test(tc, best_is_shown);
    tcase_add_test(tc, equals_by_lot);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
