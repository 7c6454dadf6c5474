/* policy_select.c - selection rules: which job moves?
 *
 * A job that has started is worth something only where policy_move_allowed()
 * says so; policy_select() sees to that for all rules.
 */
#include "scheduler/core/policy_rules.h"

double policy_move_cost(const struct policy_params *par,
                        const struct policy_job *job)
{
    return par->move_fixed_s + job->image_mb / par->move_mb_s;
}

bool policy_age_rule(double age_s, double cost_s, uint32_t n, uint32_t m)
{
    /* age * (n - m) > cost, for n > m (C11) */
    return n > m && age_s * (double)(n - m) > cost_s;
}

bool policy_move_allowed(const struct policy_params *par,
                         const struct policy_job *job, double now, uint32_t n,
                         uint32_t m)
{
    return job->movable && now - job->here_since >= par->residence_s &&
           policy_age_rule(job->cpu_s, policy_move_cost(par, job), n, m);
}

static double longest_waiting(const struct policy_view *view,
                              const struct policy_job *job,
                              const struct policy_station *target)
{
    (void)target;
    return job->started ? 0 : 1 + view->now - job->since;
}

static double any_waiting_first(const struct policy_view *view,
                                const struct policy_job *job,
                                const struct policy_station *target)
{
    (void)target;
    return job->started ? 1 + job->cpu_s : 1e12 + view->now - job->since;
}

static double unstarted_or_foreign(const struct policy_view *view,
                                   const struct policy_job *job,
                                   const struct policy_station *target)
{
    (void)target;
    if (!job->started)
        return 2;
    return job->home != view->self->id ? 1 : 0;
}

static double oldest(const struct policy_view *view,
                     const struct policy_job *job,
                     const struct policy_station *target)
{
    (void)view;
    (void)target;
    return job->started ? job->cpu_s : 0;
}

/* The gain of the move by the age rule: what staying costs more. */
static double age_gain(const struct policy_view *view,
                       const struct policy_job *job,
                       const struct policy_station *target)
{
    double n = view->self->jobs, m = target->jobs + 1.0;

    return job->started
               ? job->cpu_s * (n - m) - policy_move_cost(view->par, job)
               : 0;
}

static double candidate(const struct policy_view *view,
                        const struct policy_job *job,
                        const struct policy_station *target)
{
    const struct policy_params *par = view->par;
    double worth = job->cpu_s + par->fork_weight * job->forks;

    if (worth < par->candidate_s)
        return 0;
    if (job->io_rate > 0 && job->io_station == target->id)
        worth *= 1 + par->io_weight * job->io_rate;
    if (job->io_rate > 0 && job->io_station == view->self->id)
        worth *= 1 - par->io_weight * job->io_rate;
    return worth + 1e-9;
}

static double smallest(const struct policy_view *view,
                       const struct policy_job *job,
                       const struct policy_station *target)
{
    (void)view;
    (void)target;
    return 1 / (1 + job->image_mb);
}

const struct policy_selection_rule policy_selection_rules[] = {
    [SELECT_WAITING] = {"waiting", "DEM-13 IIT-17",
                        "the job that has waited longest", longest_waiting},
    [SELECT_ANY] = {"any", "SHK-5",
                    "a waiting job, else the one that ran longest",
                    any_waiting_first},
    [SELECT_UNSTARTED_OR_FOREIGN] = {"unstarted-or-foreign", "IIT-17",
                                     "not started yet, or from elsewhere",
                                     unstarted_or_foreign},
    [SELECT_OLDEST] = {"oldest", "MPV-2 MOS-14",
                       "the job that has used most processor time", oldest},
    [SELECT_AGE] = {"age", "C11", "where age > cost/(n-m) holds by most",
                    age_gain},
    [SELECT_CANDIDATE] =
        {"candidate", "MOS-2 MOS-5 MOS-6 MOS-14",
         "past a processor time; forks and I/O affinity weigh in", candidate},
    [SELECT_SMALLEST] = {"smallest", "TCS-14",
                         "the smallest image: under-shoot and repeat",
                         smallest},
    {NULL, NULL, NULL, NULL},
};
