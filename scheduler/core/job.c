/* job.c - see job.h */
#include "scheduler/core/job.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The table.  What is not here cannot happen; doc/job-states.md draws it. */
static const struct {
    enum job_state from;
    enum job_event event;
    enum job_state to;
} transitions[] = {
    {JOB_NONE, JOB_EV_SUBMIT, JOB_IDLE},

    {JOB_IDLE, JOB_EV_MATCHED, JOB_STARTING},
    {JOB_IDLE, JOB_EV_HOLD, JOB_HELD},
    {JOB_IDLE, JOB_EV_REMOVE, JOB_REMOVED},
    {JOB_IDLE, JOB_EV_WAIT, JOB_WAITING},

    {JOB_WAITING, JOB_EV_READY, JOB_IDLE},
    {JOB_WAITING, JOB_EV_FAULT, JOB_HELD},
    {JOB_WAITING, JOB_EV_HOLD, JOB_HELD},
    {JOB_WAITING, JOB_EV_REMOVE, JOB_REMOVED},

    {JOB_STARTING, JOB_EV_STARTED, JOB_RUNNING},
    {JOB_STARTING, JOB_EV_NOT_STARTED, JOB_IDLE},
    {JOB_STARTING, JOB_EV_OWNER_BACK, JOB_SUSPENDED},
    {JOB_STARTING, JOB_EV_CHECKPOINTED, JOB_STARTING},
    {JOB_STARTING, JOB_EV_NOTE, JOB_STARTING},
    {JOB_STARTING, JOB_EV_VACATE, JOB_VACATING},
    {JOB_STARTING, JOB_EV_EVICTED, JOB_IDLE},
    {JOB_STARTING, JOB_EV_LOST, JOB_IDLE},
    {JOB_STARTING, JOB_EV_EXITED, JOB_COMPLETED},
    {JOB_STARTING, JOB_EV_FAULT, JOB_HELD},
    {JOB_STARTING, JOB_EV_HOLD, JOB_HOLDING},
    {JOB_STARTING, JOB_EV_REMOVE, JOB_REMOVING},

    {JOB_RUNNING, JOB_EV_OWNER_BACK, JOB_SUSPENDED},
    {JOB_RUNNING, JOB_EV_VACATE, JOB_VACATING},
    {JOB_RUNNING, JOB_EV_CHECKPOINTED, JOB_RUNNING},
    {JOB_RUNNING, JOB_EV_NOTE, JOB_RUNNING},
    {JOB_RUNNING, JOB_EV_EVICTED, JOB_IDLE},
    {JOB_RUNNING, JOB_EV_LOST, JOB_IDLE},
    {JOB_RUNNING, JOB_EV_EXITED, JOB_COMPLETED},
    {JOB_RUNNING, JOB_EV_FAULT, JOB_HELD},
    {JOB_RUNNING, JOB_EV_HOLD, JOB_HOLDING},
    {JOB_RUNNING, JOB_EV_REMOVE, JOB_REMOVING},

    {JOB_SUSPENDED, JOB_EV_OWNER_LEFT, JOB_RUNNING},
    {JOB_SUSPENDED, JOB_EV_VACATE, JOB_VACATING},
    {JOB_SUSPENDED, JOB_EV_CHECKPOINTED, JOB_SUSPENDED},
    {JOB_SUSPENDED, JOB_EV_NOTE, JOB_SUSPENDED},
    {JOB_SUSPENDED, JOB_EV_EVICTED, JOB_IDLE},
    {JOB_SUSPENDED, JOB_EV_LOST, JOB_IDLE},
    {JOB_SUSPENDED, JOB_EV_EXITED, JOB_COMPLETED},
    {JOB_SUSPENDED, JOB_EV_FAULT, JOB_HELD},
    {JOB_SUSPENDED, JOB_EV_HOLD, JOB_HOLDING},
    {JOB_SUSPENDED, JOB_EV_REMOVE, JOB_REMOVING},

    {JOB_VACATING, JOB_EV_CHECKPOINTED, JOB_VACATING},
    {JOB_VACATING, JOB_EV_NOTE, JOB_VACATING},
    {JOB_VACATING, JOB_EV_STAYED, JOB_RUNNING},
    {JOB_VACATING, JOB_EV_NOT_STARTED, JOB_IDLE},
    {JOB_VACATING, JOB_EV_EVICTED, JOB_IDLE},
    {JOB_VACATING, JOB_EV_LOST, JOB_IDLE},
    {JOB_VACATING, JOB_EV_EXITED, JOB_COMPLETED},
    {JOB_VACATING, JOB_EV_FAULT, JOB_HELD},
    {JOB_VACATING, JOB_EV_HOLD, JOB_HOLDING},
    {JOB_VACATING, JOB_EV_REMOVE, JOB_REMOVING},

    {JOB_HOLDING, JOB_EV_CHECKPOINTED, JOB_HOLDING},
    {JOB_HOLDING, JOB_EV_NOTE, JOB_HOLDING},
    {JOB_HOLDING, JOB_EV_NOT_STARTED, JOB_HELD},
    {JOB_HOLDING, JOB_EV_EVICTED, JOB_HELD},
    {JOB_HOLDING, JOB_EV_LOST, JOB_HELD},
    {JOB_HOLDING, JOB_EV_EXITED, JOB_COMPLETED},
    {JOB_HOLDING, JOB_EV_FAULT, JOB_HELD},
    {JOB_HOLDING, JOB_EV_RELEASE, JOB_VACATING},
    {JOB_HOLDING, JOB_EV_REMOVE, JOB_REMOVING},

    {JOB_REMOVING, JOB_EV_CHECKPOINTED, JOB_REMOVING},
    {JOB_REMOVING, JOB_EV_NOTE, JOB_REMOVING},
    {JOB_REMOVING, JOB_EV_NOT_STARTED, JOB_REMOVED},
    {JOB_REMOVING, JOB_EV_EVICTED, JOB_REMOVED},
    {JOB_REMOVING, JOB_EV_LOST, JOB_REMOVED},
    {JOB_REMOVING, JOB_EV_EXITED, JOB_REMOVED},
    {JOB_REMOVING, JOB_EV_FAULT, JOB_REMOVED},

    {JOB_HELD, JOB_EV_RELEASE, JOB_IDLE},
    {JOB_HELD, JOB_EV_REMOVE, JOB_REMOVED},
};

enum job_state job_next(enum job_state from, enum job_event event)
{
    for (size_t i = 0; i < sizeof transitions / sizeof transitions[0]; i++)
        if (transitions[i].from == from && transitions[i].event == event)
            return transitions[i].to;
    return JOB_NONE;
}

static const struct {
    const char *name;
    char letter;
    bool active;
} states[JOB_STATE_COUNT] = {
    [JOB_NONE] = {"none", '?', false},
    [JOB_IDLE] = {"idle", 'I', false},
    [JOB_STARTING] = {"starting", 'I', true},
    [JOB_RUNNING] = {"running", 'R', true},
    [JOB_SUSPENDED] = {"suspended", 'S', true},
    [JOB_VACATING] = {"vacating", 'S', true},
    [JOB_HOLDING] = {"holding", 'H', true},
    [JOB_REMOVING] = {"removing", 'X', true},
    [JOB_HELD] = {"held", 'H', false},
    [JOB_COMPLETED] = {"completed", 'C', false},
    [JOB_REMOVED] = {"removed", 'X', false},
    [JOB_WAITING] = {"waiting", 'I', false},
};

static const char *const event_names[JOB_EVENT_COUNT] = {
    [JOB_EV_SUBMIT] = "submit",
    [JOB_EV_MATCHED] = "matched",
    [JOB_EV_NOT_STARTED] = "not started",
    [JOB_EV_STARTED] = "started",
    [JOB_EV_OWNER_BACK] = "owner back",
    [JOB_EV_OWNER_LEFT] = "owner left",
    [JOB_EV_VACATE] = "vacate",
    [JOB_EV_CHECKPOINTED] = "checkpointed",
    [JOB_EV_NOTE] = "note",
    [JOB_EV_EVICTED] = "evicted",
    [JOB_EV_LOST] = "lost",
    [JOB_EV_EXITED] = "exited",
    [JOB_EV_FAULT] = "fault",
    [JOB_EV_HOLD] = "hold",
    [JOB_EV_RELEASE] = "release",
    [JOB_EV_REMOVE] = "remove",
    [JOB_EV_STAYED] = "stays",
    [JOB_EV_WAIT] = "wait",
    [JOB_EV_READY] = "ready",
};

static const char *const hold_names[JOB_HOLD_COUNT] = {
    [JOB_HOLD_NONE] = "not held",         [JOB_HOLD_USER] = "by its owner",
    [JOB_HOLD_EXECUTABLE] = "executable", [JOB_HOLD_FILES] = "files",
    [JOB_HOLD_START] = "start",           [JOB_HOLD_IMAGE] = "image",
    [JOB_HOLD_CONFLICT] = "conflict",     [JOB_HOLD_DISK] = "disk",
    [JOB_HOLD_MEMORY] = "memory",         [JOB_HOLD_AFTER] = "after",
    [JOB_HOLD_KILLED] = "killed",
};

char job_state_letter(enum job_state state)
{
    return state < JOB_STATE_COUNT ? states[state].letter : '?';
}

const char *job_state_name(enum job_state state)
{
    return state < JOB_STATE_COUNT ? states[state].name : "unknown";
}

const char *job_event_name(enum job_event event)
{
    return event < JOB_EVENT_COUNT ? event_names[event] : "unknown";
}

const char *job_hold_name(enum job_hold code)
{
    return code < JOB_HOLD_COUNT ? hold_names[code] : "unknown";
}

bool job_state_is_active(enum job_state state)
{
    return state < JOB_STATE_COUNT && states[state].active;
}

bool job_state_is_final(enum job_state state)
{
    return state == JOB_COMPLETED || state == JOB_REMOVED;
}

void job_init(struct job *job, uint64_t cluster, uint32_t proc,
              struct job_spec *spec, int64_t now_ms)
{
    memset(job, 0, sizeof *job);
    job->id = cluster + proc;
    job->cluster = cluster;
    job->proc = proc;
    job->prio = spec->prio;
    job->submitted_ms = job->since_ms = now_ms;
    job->spec = *spec;
    memset(spec, 0, sizeof *spec);
    job->state = job_next(JOB_NONE, JOB_EV_SUBMIT);
}

void job_clear(struct job *job)
{
    job_spec_clear(&job->spec);
    memset(job, 0, sizeof *job);
}

int64_t job_run_ms(const struct job *job, int64_t now_ms)
{
    int64_t run = job->run_ms;

    if (job->state == JOB_RUNNING && now_ms > job->since_ms)
        run += now_ms - job->since_ms;
    return run;
}

int job_goodput_permille(const struct job *job, int64_t now_ms)
{
    int64_t run = job_run_ms(job, now_ms);

    if (run <= 0)
        return job->state == JOB_COMPLETED ? 1000 : -1;
    return (int)(job->saved_ms * 1000 / run);
}

int64_t job_retry_ms(const struct job *job)
{
    enum { FREE = 3, FIRST_MS = 1000, MOST_MS = 60000 };
    int64_t wait_ms = FIRST_MS;

    if (job->failures < FREE)
        return job->since_ms;
    for (uint32_t i = FREE; i < job->failures && wait_ms < MOST_MS; i++)
        wait_ms *= 2;
    return job->since_ms + (wait_ms < MOST_MS ? wait_ms : MOST_MS);
}

/* Book the time since the last event. */
static void job_settle(struct job *job, int64_t now_ms)
{
    job->run_ms = job_run_ms(job, now_ms);
    if (job->state == JOB_RUNNING && now_ms > job->since_ms)
        job->since_ms = now_ms;
}

static void job_set_why(struct job *job, const char *text)
{
    snprintf(job->why, sizeof job->why, "%s", text ? text : "");
}

/* The incarnation is over. */
static void job_end(struct job *job, const struct job_detail *d)
{
    job->started_ms = 0;
    job->cpu_usec += d->cpu_usec;
    job->home_cpu_usec += d->home_cpu_usec;
    job->sent += d->sent;
    job->received += d->received;
}

static void job_keep_books(struct job *job, enum job_event event,
                           const struct job_detail *d, int64_t now_ms)
{
    switch (event) {
    case JOB_EV_MATCHED:
        job->epoch++;
        snprintf(job->station, sizeof job->station, "%s", d->station);
        break;
    case JOB_EV_STARTED:
        job->starts++;
        job->started_ms = now_ms;
        job->want_station[0] = '\0';
        break;
    case JOB_EV_OWNER_BACK:
        job->suspensions++;
        break;
    case JOB_EV_CHECKPOINTED:
        job->image_generation = d->generation;
        job->image_size = d->size;
        job->image_ms = now_ms;
        job->saved_ms = job->run_ms;
        job->failures = job->kills = 0;
        break;
    case JOB_EV_NOT_STARTED:
    case JOB_EV_LOST:
        job->failures++;
        job->kills += d->killed;
        job_end(job, d);
        break;
    case JOB_EV_EVICTED:
        job->evictions++;
        job_end(job, d);
        break;
    case JOB_EV_EXITED:
        job->exit_status = d->exit_status;
        job->saved_ms = job->run_ms;
        job_end(job, d);
        break;
    case JOB_EV_FAULT:
        job->hold_code = d->hold_code;
        job_end(job, d);
        break;
    case JOB_EV_HOLD:
        job->hold_code = JOB_HOLD_USER;
        break;
    case JOB_EV_RELEASE:
        job->hold_code = JOB_HOLD_NONE;
        job->failures = job->kills = 0;
        break;
    case JOB_EV_SUBMIT:
    case JOB_EV_OWNER_LEFT:
    case JOB_EV_VACATE:
    case JOB_EV_NOTE:
    case JOB_EV_REMOVE:
    case JOB_EV_STAYED:
    case JOB_EV_WAIT:
    case JOB_EV_READY:
    case JOB_EVENT_COUNT:
        break;
    }
}

int job_step(struct job *job, enum job_event event,
             const struct job_detail *detail, int64_t now_ms,
             struct ckpt_err *err)
{
    static const struct job_detail nothing;
    const struct job_detail *d = detail ? detail : &nothing;
    enum job_state to = job_next(job->state, event);

    if (to == JOB_NONE)
        return ckpt_err_set(err, EINVAL, "job %llu is %s: \"%s\" cannot happen",
                            (unsigned long long)job->id,
                            job_state_name(job->state), job_event_name(event));
    assert(event != JOB_EV_MATCHED || d->station);
    job_settle(job, now_ms);
    job_keep_books(job, event, d, now_ms);
    job_set_why(job, d->text);
    if (to != job->state) {
        job->since_ms = now_ms;
        job->state = to;
    }
    if (job_state_is_final(to))
        job->finished_ms = now_ms;
    return 0;
}
