/* policy.c - the policies, and how their rules are put to work */
#include "scheduler/core/policy_rules.h"

#include <string.h>

/* A rule by name, or NULL. */
#define FIND_RULE(table, wanted)                                               \
    do {                                                                       \
        size_t i_;                                                             \
        for (i_ = 0; (table)[i_].name; i_++)                                   \
            if (strcmp((table)[i_].name, wanted) == 0)                         \
                return &(table)[i_];                                           \
        return NULL;                                                           \
    } while (0)

const struct policy_transfer_rule *policy_transfer_find(const char *name)
{
    FIND_RULE(policy_transfer_rules, name);
}

const struct policy_selection_rule *policy_selection_find(const char *name)
{
    FIND_RULE(policy_selection_rules, name);
}

const struct policy_location_rule *policy_location_find(const char *name)
{
    FIND_RULE(policy_location_rules, name);
}

const struct policy_information_rule *policy_information_find(const char *name)
{
    FIND_RULE(policy_information_rules, name);
}

#define RULES(t, s, l, i)                                                      \
    &policy_transfer_rules[TRANSFER_##t], &policy_selection_rules[SELECT_##s], \
        &policy_location_rules[LOCATE_##l],                                    \
        &policy_information_rules[INFO_##i]

static const struct policy policies[] = {
    {"condor", "CON-1 CON-4..7 CON-18",
     "idle stations run queued jobs, shared out by Up-Down; a returning owner "
     "has the job suspended, then vacated",
     RULES(HARVEST, WAITING, IDLE, TABLE), .harvest = true, .params = ""},
    {"butler", "A9", "as condor, but a returning owner kills the job",
     RULES(HARVEST, WAITING, IDLE, TABLE), .harvest = true,
     .params = "suspend_grace=0 vacate_limit=0"},
    {"sprite", "SPR-2..6",
     "placed when started, on the station idle longest; evicted at once",
     RULES(EXEC, WAITING, LONGEST_IDLE, TABLE),
     .params = "suspend_grace=0 info_period=0 info_max_age=1000d"},
    {"mosix", "MOS-1..7 MOS-12 MOS-14",
     "balances all the time by opportunity cost, with gossip",
     RULES(BALANCE, CANDIDATE, CHEAPEST, GOSSIP), .live = true, .params = ""},
    {"mpvm", "MPV-1..3",
     "one scheduler for all: at creation, eviction and excessive load",
     RULES(EXCESS, OLDEST, LOWEST, TABLE), .live = true,
     .params = "suspend_grace=0"},
    {"adaptive-threshold", "IIT-16..19",
     "a threshold that follows the pool's least load",
     RULES(ADAPTIVE, UNSTARTED_OR_FOREIGN, LEAST, TABLE), .params = ""},
    {"adaptive-printed", "IIT-19",
     "the same with the signs as printed (diverges)",
     RULES(ADAPTIVE_PRINTED, UNSTARTED_OR_FOREIGN, LEAST, TABLE), .params = ""},
    {"watermark", "SHK-2..5",
     "busy by majority vote places at random free stations; free fetches",
     RULES(WATERMARK, ANY, LEVEL, PROBE), .live = true, .params = ""},
    {"random", "C5 IIT-24", "arrivals above T go to a random station",
     RULES(SENDER, WAITING, RANDOM, NONE), .params = ""},
    {"threshold", "C4 IIT-23",
     "arrivals above T go to the first of L probed stations below T",
     RULES(SENDER, WAITING, BELOW, PROBE), .params = ""},
    {"shortest", "C8 DEM-12", "to the shortest of L probed stations",
     RULES(SENDER, WAITING, SHORTEST, PROBE), .params = ""},
    {"receiver", "C6 DEM-4",
     "a station that falls idle probes L others for a waiting job",
     RULES(RECEIVER, WAITING, BELOW, PROBE), .params = ""},
    {"symmetric", "IIT-23", "threshold and receiver together",
     RULES(SYMMETRIC, WAITING, BELOW, PROBE), .params = ""},
    {"two-choices", "C3", "each arrival takes the shorter of two stations",
     RULES(PLACE, WAITING, LOWEST, PROBE), .params = "probe_limit=1"},
    {"demand", "DEM-12", "overloaded stations poll and take the lowest",
     RULES(SENDER, WAITING, LOWEST, PROBE), .params = ""},
    {"supply", "DEM-12", "under-loaded stations advertise",
     RULES(SENDER, WAITING, SHORTEST, ADVERT), .params = ""},
    {"offload", "TCS-12..15",
     "heavy stations offload by more than K, in leased pairs",
     RULES(OFFLOAD, SMALLEST, DIFFERENCE, TABLE), .live = true, .leases = true,
     .params = ""},
    {"age", "C11 C12", "moves jobs whose age exceeds cost/(n-m)",
     RULES(ARRIVAL, AGE, LOWEST, TABLE), .live = true, .params = ""},
    {"newborn", "C12", "each arrival goes to a shorter queue",
     RULES(PLACE, WAITING, LOWEST, TABLE), .params = ""},
    {"jsq", "C9", "each arrival joins the shortest queue of all",
     RULES(PLACE, WAITING, LOWEST, ORACLE), .params = ""},
    {"ideal", "DEM-15 C2", "no station idles while a job waits (M/M/N)",
     RULES(SYMMETRIC, WAITING, BELOW, ORACLE),
     .params = "threshold=1 fetch_below=1 fetch_from=2"},
    {"none", "C1", "jobs run where they arrive",
     RULES(NEVER, WAITING, LOWEST, NONE), .params = ""},
};

#define N_POLICIES (sizeof policies / sizeof policies[0])

const struct policy *policy_at(size_t i)
{
    return i < N_POLICIES ? &policies[i] : NULL;
}

const struct policy *policy_find(const char *name)
{
    size_t i;

    for (i = 0; i < N_POLICIES; i++)
        if (strcmp(policies[i].name, name) == 0)
            return &policies[i];
    return NULL;
}

void policy_memory_init(struct policy_memory *memory,
                        const struct policy_params *par)
{
    memory->threshold =
        par->threshold > par->adapt_floor ? par->threshold : par->adapt_floor;
    memory->cursor = 0;
    policy_exchange_done(memory);
}

enum policy_transfer policy_transfer(const struct policy *policy,
                                     const struct policy_view *view,
                                     enum policy_event event)
{
    return policy->transfer->decide(view, event);
}

/* May this job go to this target at all, whatever the rule says? */
static bool may_go(const struct policy *policy, const struct policy_view *view,
                   const struct policy_job *job,
                   const struct policy_station *target)
{
    return !job->started ||
           (policy->live &&
            policy_move_allowed(view->par, job, view->now, view->self->jobs,
                                target->jobs + 1));
}

int policy_select(const struct policy *policy, const struct policy_view *view,
                  const struct policy_station *target)
{
    double best_worth = 0;
    int best = -1;
    size_t i;

    for (i = 0; i < view->n_jobs; i++) {
        const struct policy_job *job = &view->jobs[i];
        double worth = policy->selection->worth(view, job, target);

        if (worth > best_worth && may_go(policy, view, job, target)) {
            best_worth = worth;
            best = (int)i;
        }
    }
    return best;
}

void policy_search_begin(struct policy_search *search,
                         enum policy_transfer want,
                         const struct policy_job *job)
{
    search->want = want;
    search->job = job;
    search->n_tried = 0;
    search->best = POLICY_NOBODY;
    search->best_score = POLICY_UNFIT;
}

static bool was_tried(const struct policy_search *search, uint32_t station)
{
    uint32_t i;

    for (i = 0; i < search->n_tried; i++)
        if (search->tried[i] == station)
            return true;
    return false;
}

void policy_search_refused(struct policy_search *search, uint32_t station)
{
    if (!was_tried(search, station) && search->n_tried < POLICY_PROBES_MAX)
        search->tried[search->n_tried++] = station;
    if (search->best == station) {
        search->best = POLICY_NOBODY;
        search->best_score = POLICY_UNFIT;
    }
}

/* The score of one station; where a job of ours is to leave, the best over
 * the jobs that may. */
static double score_of(const struct policy *policy,
                       const struct policy_view *view,
                       const struct policy_search *search,
                       const struct policy_station *s)
{
    double best = POLICY_UNFIT;
    size_t i;

    if (search->want != POLICY_TRANSFER_FETCH && policy_in_use(s))
        return POLICY_UNFIT;
    if (search->want != POLICY_TRANSFER_EXPORT || search->job)
        return policy->location->score(view, search->want, search->job, s);
    for (i = 0; i < view->n_jobs; i++) {
        const struct policy_job *job = &view->jobs[i];
        double score;

        if (!may_go(policy, view, job, s) ||
            policy->selection->worth(view, job, s) <= 0)
            continue;
        score = policy->location->score(view, search->want, job, s);
        best = score > best ? score : best;
    }
    return best;
}

static struct policy_step step(enum policy_do what, uint32_t station)
{
    struct policy_step s = {what, station};

    return s;
}

/* A random station that was not asked yet; NOBODY when all were. */
static uint32_t untried(const struct policy_view *view,
                        struct policy_search *search)
{
    uint32_t others = view->n_stations - 1;
    uint32_t id;

    if (search->n_tried >= others || search->n_tried >= POLICY_PROBES_MAX)
        return POLICY_NOBODY;
    do {
        id = policy_rng_below(view->rng, others);
        id += id >= view->self->id;
    } while (was_tried(search, id));
    search->tried[search->n_tried++] = id;
    return id;
}

static struct policy_step choose_best(const struct policy_view *view,
                                      struct policy_search *search)
{
    uint32_t best = search->best;

    if (best == POLICY_NOBODY)
        return step(POLICY_DO_STAY, POLICY_NOBODY);
    if (view->memory)
        view->memory->cursor = best + 1;
    policy_search_refused(search, best);
    return step(POLICY_DO_GO, best);
}

static struct policy_step probe(const struct policy *policy,
                                const struct policy_view *view,
                                struct policy_search *search,
                                const struct policy_station *answer)
{
    uint32_t next = POLICY_NOBODY;

    if (answer) {
        double score = score_of(policy, view, search, answer);

        if (score > search->best_score) {
            search->best = answer->id;
            search->best_score = score;
            if (policy->location->first)
                return choose_best(view, search);
        }
    }
    if (search->n_tried < view->par->probe_limit)
        next = untried(view, search);
    if (next != POLICY_NOBODY)
        return step(POLICY_DO_PROBE, next);
    return choose_best(view, search);
}

/* The best of what is known; equals are drawn by lot, so that not all
 * deciders flock to one station (TCS-14). */
static struct policy_step look_up(const struct policy *policy,
                                  const struct policy_view *view,
                                  struct policy_search *search)
{
    uint32_t equals = 0;
    size_t i;

    search->best = POLICY_NOBODY;
    search->best_score = POLICY_UNFIT;
    for (i = 0; i < view->n_known; i++) {
        const struct policy_station *s = &view->known[i];
        double score;

        if (s->heard < 0 || s->id == view->self->id ||
            view->now - s->heard > view->par->info_max_age_s ||
            was_tried(search, s->id))
            continue;
        score = score_of(policy, view, search, s);
        if (score <= POLICY_UNFIT || score < search->best_score)
            continue;
        equals = score > search->best_score ? 1 : equals + 1;
        if (equals > 1 && policy_rng_below(view->rng, equals) != 0)
            continue;
        search->best = s->id;
        search->best_score = score;
    }
    return choose_best(view, search);
}

struct policy_step policy_search_next(const struct policy *policy,
                                      const struct policy_view *view,
                                      struct policy_search *search,
                                      const struct policy_station *answer)
{
    if (view->n_stations < 2)
        return step(POLICY_DO_STAY, POLICY_NOBODY);
    if (policy->location->blind && search->want != POLICY_TRANSFER_FETCH) {
        uint32_t id = search->n_tried ? POLICY_NOBODY : untried(view, search);

        return id == POLICY_NOBODY ? step(POLICY_DO_STAY, id)
                                   : step(POLICY_DO_GO, id);
    }
    if (policy->information->kind == POLICY_INFO_PROBE)
        return probe(policy, view, search, answer);
    if (search->n_tried >= POLICY_PROBES_MAX)
        return step(POLICY_DO_STAY, POLICY_NOBODY);
    return look_up(policy, view, search);
}

const char *policy_answer_text(enum policy_answer answer)
{
    switch (answer) {
    case POLICY_ACCEPT:
        return "accepted";
    case POLICY_REFUSE_OWNER:
        return "its owner is there";
    case POLICY_REFUSE_LOAD:
        return "it is too loaded for the move to help";
    case POLICY_REFUSE_BUDDY:
        return "it is in an exchange with another station";
    case POLICY_REFUSE_MEMORY:
        return "the job does not fit its memory";
    }
    return "no answer";
}

enum policy_answer policy_accept(const struct policy *policy,
                                 const struct policy_view *view,
                                 const struct policy_station *from,
                                 const struct policy_job *job)
{
    const struct policy_station *self = view->self;

    if (policy_in_use(self))
        return POLICY_REFUSE_OWNER;
    if (policy->leases && policy_leased(view->memory, view->now) &&
        view->memory->buddy != from->id)
        return POLICY_REFUSE_BUDDY;
    if (job && self->mem_use + job->mem_need > 1)
        return POLICY_REFUSE_MEMORY;
    if (policy->leases && from->load - self->load <= view->par->offload)
        return POLICY_REFUSE_LOAD;
    if (job && job->started && self->jobs + 1 >= from->jobs)
        return POLICY_REFUSE_LOAD;
    if (policy->leases)
        policy_exchange_begin(view->memory, from->id,
                              view->now + view->par->buddy_lease_s);
    return POLICY_ACCEPT;
}

void policy_exchange_begin(struct policy_memory *memory, uint32_t peer,
                           double until)
{
    memory->buddy = peer;
    memory->buddy_until = until;
}

void policy_exchange_done(struct policy_memory *memory)
{
    memory->buddy = POLICY_NOBODY;
    memory->buddy_until = 0;
}

bool policy_leased(const struct policy_memory *memory, double now)
{
    return memory->buddy != POLICY_NOBODY && now < memory->buddy_until;
}

int policy_balance(const struct policy *policy, const struct policy_view *view,
                   int *job, uint32_t *station)
{
    struct policy_search search;
    struct policy_step found;
    size_t i;

    if (!policy->live ||
        policy_transfer(policy, view, POLICY_EV_TICK) != POLICY_TRANSFER_EXPORT)
        return -1;
    policy_search_begin(&search, POLICY_TRANSFER_EXPORT, NULL);
    found = look_up(policy, view, &search);
    if (found.what != POLICY_DO_GO)
        return -1;
    for (i = 0; view->known[i].id != found.station; i++)
        ;
    *job = policy_select(policy, view, &view->known[i]);
    if (*job < 0)
        return -1;
    *station = found.station;
    return 0;
}
