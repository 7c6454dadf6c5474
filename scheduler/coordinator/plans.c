/* plans.c - see plans.h */
#include "scheduler/coordinator/plans.h"

#include "scheduler/pool/words.h"

#include <stdlib.h>
#include <string.h>

enum {
    TELL_AGAIN_MS = 5000,
    GONE_MS = 15000, /* from leaving to waiting; after that it has ended */
};

bool plans_add(struct table *table, const struct plan *plan)
{
    struct plan *more =
        realloc(table->plans, (table->n_plans + 1) * sizeof *more);

    if (!more)
        return false;
    table->plans = more;
    more[table->n_plans] = *plan;
    more[table->n_plans].told_ms = more[table->n_plans].gone_ms = 0;
    table->n_plans++;
    return true;
}

void plans_clear(struct table *table)
{
    free(table->plans);
    table->plans = NULL;
    table->n_plans = 0;
}

const struct plan *plans_for_job(const struct table *table, const char *home,
                                 uint64_t job)
{
    for (size_t i = 0; i < table->n_plans; i++)
        if (table->plans[i].job == job &&
            strcmp(table->plans[i].home, home) == 0)
            return &table->plans[i];
    return NULL;
}

const struct plan *plans_for_station(const struct table *table,
                                     const char *station)
{
    for (size_t i = 0; i < table->n_plans; i++)
        if (strcmp(table->plans[i].station, station) == 0)
            return &table->plans[i];
    return NULL;
}

const struct plan *plans_for_leaver(const struct table *table, const char *home,
                                    uint64_t job)
{
    for (size_t i = 0; i < table->n_plans; i++)
        if (table->plans[i].leaver == job &&
            strcmp(table->plans[i].leaver_home, home) == 0)
            return &table->plans[i];
    return NULL;
}

/* --- review -----------------------------------------------------------------
 */

static bool runs(const struct known_station *station, const char *home,
                 uint64_t job)
{
    return station && station->ad.job == job &&
           strcmp(station->ad.home, home) == 0;
}

static bool refused(const struct table *table, const struct plan *plan)
{
    const coord_running_job *job =
        table_running(table, plan->leaver_home, plan->leaver);

    return plan->told_ms && job && !job->movable;
}

/* Can the promise still be kept? */
static bool stands(const struct table *table, struct plan *plan, uint64_t now)
{
    const struct known_station *to = table_station(table, plan->station);
    const struct known_station *from = table_station(table, plan->from);
    bool waits = table_waiting(table, plan->home, plan->job) != NULL;
    bool preempt = to == from;

    if (!to || now >= plan->until_ms || refused(table, plan) ||
        runs(to, plan->home, plan->job))
        return false;
    if (preempt && !waits)
        return false; /* removed, or it found another one */
    if (!preempt && to->ad.state != POOL_ST_IDLE)
        return false;
    if (runs(from, plan->leaver_home, plan->leaver)) {
        plan->gone_ms = 0;
        return true;
    }
    if (!plan->gone_ms)
        plan->gone_ms = now;
    return waits || now - plan->gone_ms < GONE_MS;
}

void plans_review(struct table *table, uint64_t now_ms)
{
    size_t kept = 0;

    for (size_t i = 0; i < table->n_plans; i++)
        if (stands(table, &table->plans[i], now_ms))
            table->plans[kept++] = table->plans[i];
    table->n_plans = kept;
}

/* --- orders -----------------------------------------------------------------
 */

static bool order_fill(coord_order *order, const struct plan *plan)
{
    order->job = plan->leaver;
    return words_copy(&order->from, plan->from) &&
           words_copy(&order->to, strcmp(plan->from, plan->station) == 0
                                      ? ""
                                      : plan->station) &&
           words_copy(&order->why, plan->why);
}

bool plans_orders(struct table *table, const struct known_home *home,
                  uint64_t now_ms, coord_jobs_ok *ok)
{
    ok->orders.orders_val =
        calloc(COORD_ORDERS_MAX, sizeof *ok->orders.orders_val);
    if (!ok->orders.orders_val)
        return false;
    for (size_t i = 0;
         i < table->n_plans && ok->orders.orders_len < COORD_ORDERS_MAX; i++) {
        struct plan *plan = &table->plans[i];

        ok->soon |= strcmp(plan->home, home->name) == 0;
        if (strcmp(plan->leaver_home, home->name) != 0 ||
            !runs(table_station(table, plan->from), plan->leaver_home,
                  plan->leaver) ||
            (plan->told_ms && now_ms - plan->told_ms < TELL_AGAIN_MS))
            continue;
        plan->told_ms = now_ms;
        if (!order_fill(&ok->orders.orders_val[ok->orders.orders_len++], plan))
            return false;
    }
    return true;
}
