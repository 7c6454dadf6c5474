/* home_active.c - the jobs that occupy a station, from START to their end;
 * see home.h
 *
 * What is known of a running job comes from its directory: the shadow appends
 * `events` and writes `exit` at the end.  The station is asked now and then
 * whether it still has the job; when it has not, the shadow is ended and the
 * job goes back to the queue.
 */
#include "scheduler/pool/log.h"
#include "scheduler/pool/remove.h"
#include "scheduler/pool/serving.h"
#include "scheduler/station/home.h"

#include "shadow/jobdir.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    SHADOW_LIMIT_MS = 30000, /* a shadow has this long to listen */
    CHECK_MS = 3000,         /* and a quarter of its time there, up to */
    CHECK_MAX_MS = 30000,
    CHECK_SOON_MS = 1000,
    CHECK_LATER_MS = 15000, /* asking in vain costs everybody time */
    STALE_MS = 2000,        /* the job's end may still be on its way */
    LEAVE_AGAIN_MS = 2000,
    LEAVE_LIMIT_MS = 15000, /* an unreachable station keeps no job from being
                               removed for longer */
    END_LIMIT_MS = 5000,    /* from SIGTERM to SIGKILL for a shadow */
    WRITE_AGAIN_MS = 1000,  /* the queue's disk is full */
};

struct active *active_find(struct home *home, uint64_t id)
{
    for (struct active *a = home->active; a; a = a->next)
        if (a->id == id)
            return a;
    return NULL;
}

struct active *active_add(struct home *home, uint64_t id, uint32_t epoch,
                          const char *station, const char *addr)
{
    struct active *active = calloc(1, sizeof *active);

    if (!active) {
        log_line("no memory");
        return NULL;
    }
    active->id = id;
    active->epoch = epoch;
    active->phase_ms = pool_now_ms();
    active->events_wd = active->shadow_fd = -1;
    home_jobdir(home, id, active->dir);
    snprintf(active->station, sizeof active->station, "%s", station);
    snprintf(active->addr, sizeof active->addr, "%s", addr);
    active->next = home->active;
    home->active = active;
    return active;
}

void active_drop(struct home *home, struct active *active)
{
    struct active **link = &home->active;
    char path[PATH_MAX];

    while (*link != active)
        link = &(*link)->next;
    *link = active->next;
    watch_end(home, active);
    home_claim_file(home, active->id, path);
    unlink(path);
    explicit_bzero(active, sizeof *active);
    free(active);
}

void active_leave(struct active *active, bool kill, const char *reason)
{
    if (!active->leave)
        active->leave_since_ms = pool_now_ms();
    active->leave = true;
    active->kill |= kill;
    active->leave_ms = 0;
    snprintf(active->reason, sizeof active->reason, "%s", reason);
}

/* --- steps ------------------------------------------------------------------
 */

static void end_shadow(struct active *active, uint64_t now)
{
    pid_t pid = jobdir_shadow_pid(active->dir);

    if (pid <= 0)
        return;
    if (!active->ending_ms) {
        active->ending_ms = now;
        kill(pid, SIGTERM);
    } else if (now - active->ending_ms > END_LIMIT_MS) {
        log_line("job %llu: shadow %d does not end: killed",
                 (unsigned long long)active->id, (int)pid);
        kill(pid, SIGKILL);
    }
}

/* False when what the shadow told could not be written down. */
static bool heard(struct home *home, struct active *active)
{
    if (read_events(home, active))
        return true;
    active->retry_ms = pool_now_ms() + WRITE_AGAIN_MS;
    return false;
}

/* True when the job's incarnation is over (active is gone then), or its end
 * has to wait. */
static bool take_exit(struct home *home, struct active *active)
{
    struct jobexit end;
    pid_t shadow = jobdir_shadow_pid(active->dir);

    if (shadow != 0)
        return false; /* it also writes `exit` shortly before it ends */
    if (!heard(home, active))
        return true;
    if (jobexit_read(active->dir, &end, NULL) == 0 &&
        end.epoch == active->epoch) {
        incarnation_ended(home, active, &end);
        return true;
    }
    return false;
}

/* The shadow is gone and said nothing: it was killed.  The job cannot go on
 * without it. */
static void shadow_lost(struct home *home, struct active *active)
{
    struct job_detail detail = {.text = "the shadow was lost",
                                .cpu_usec = (int64_t)active->cpu_ms * 1000};
    struct ckpt_err err;

    active_leave(active, true, "its shadow is lost");
    if (station_leave(home, active, &err) < 0 && errno != ESTALE)
        log_line("job %llu: %s", (unsigned long long)active->id, err.text);
    end_with(home, active, lost_event(active, &detail), &detail);
}

/* One that was killed is started again, and goes on; the job notices a pause.
 * When that one ends without having served, the job is lost. */
static void shadow_gone(struct home *home, struct active *active)
{
    char host[JOBDIR_HOST_MAX];
    struct ckpt_err err;
    uint16_t port;

    if (active->resumed && kill(active->resumed, 0) == 0)
        return; /* it has not taken its lock yet */
    bool served = jobdir_addr_read(active->dir, host, &port, NULL) == 0;
    if (active->ending_ms || (active->resumed && !served)) {
        shadow_lost(home, active);
    } else if (shadow_resume(home, active, &err) < 0) {
        log_line("job %llu: %s", (unsigned long long)active->id, err.text);
        shadow_lost(home, active);
    }
}

/* True when the shadow of this epoch has the lock.  One that has not yet is
 * waited for; one of an epoch that was given up is ended. */
static bool shadow_locked(struct home *home, struct active *active,
                          uint64_t now)
{
    pid_t pid = jobdir_shadow_pid(active->dir);

    if (pid == active->shadow)
        return true;
    if (kill(active->shadow, 0) == 0 &&
        now - active->phase_ms <= SHADOW_LIMIT_MS)
        return false;
    if (pid > 0) {
        log_line("job %llu: shadow %d of an earlier epoch is still there",
                 (unsigned long long)active->id, (int)pid);
        kill(pid, SIGTERM);
    }
    if (pid != 0 || !take_exit(home, active))
        shadow_lost(home, active);
    return false;
}

static void step_shadow(struct home *home, struct active *active, uint64_t now)
{
    char host[JOBDIR_HOST_MAX];
    struct ckpt_err err;
    uint16_t port;

    bool old = now - active->phase_ms > SHADOW_LIMIT_MS;
    if (!shadow_locked(home, active, now))
        return;
    if (jobdir_addr_read(active->dir, host, &port, &err) < 0) {
        if (old)
            end_shadow(active, now);
        return;
    }
    active->phase = ACTIVE_RUN;
    active->check_ms = now + CHECK_MS;
    if (start_send(home, active, &err) == 0)
        return;
    active->taken_back = errno == ESTALE;
    log_line("job %llu: %s does not start it: %s",
             (unsigned long long)active->id, active->station, err.text);
    if (active->leave)
        return;
    active->stale_ms = now > STALE_MS ? now - STALE_MS : 1;
    end_shadow(active, now);
}

static void step_leave(struct home *home, struct active *active, uint64_t now)
{
    struct ckpt_err err;

    if (active->leave && active->ordered &&
        (double)(now - active->leave_since_ms) >
            750 * home->settings.params.vacate_limit_s)
        order_refused(home, active); /* before it is killed */
    if (!active->leave || now < active->leave_ms || now < home->slow_ms)
        return;
    now = pool_now_ms();
    active->leave_ms = now + LEAVE_AGAIN_MS;
    if (station_leave(home, active, &err) == 0 || errno == ESTALE)
        return;
    call_was_slow(home, now);
    log_line("job %llu: %s", (unsigned long long)active->id, err.text);
    if (active->kill && now - active->leave_since_ms > LEAVE_LIMIT_MS)
        end_shadow(active, now); /* its epoch is over, whoever runs it */
}

static uint64_t until_check_ms(const struct active *active, uint64_t now)
{
    uint64_t pause = (now - active->phase_ms) / 4;

    return pause < CHECK_MS ? CHECK_MS
                            : (pause < CHECK_MAX_MS ? pause : CHECK_MAX_MS);
}

static void step_check(struct home *home, struct active *active, uint64_t now)
{
    struct ckpt_err err;

    if (now < active->check_ms || now < home->slow_ms)
        return;
    now = pool_now_ms();
    active->check_ms = now + until_check_ms(active, now);
    int rc = station_check(home, active, &err);
    if (rc == 0) {
        active->stale_ms = 0;
        return;
    }
    if (errno != ESTALE) { /* unreachable: the shadow's lease decides */
        call_was_slow(home, now);
        active->check_ms = pool_now_ms() + CHECK_LATER_MS;
        return;
    }
    if (!active->stale_ms)
        active->stale_ms = now;
    active->check_ms = now + CHECK_SOON_MS;
    if (now - active->stale_ms >= STALE_MS)
        end_shadow(active, now);
}

static void active_step(struct home *home, struct active *active, uint64_t now)
{
    active->looked_ms = now;
    if (now < active->retry_ms)
        return;
    if (active->phase == ACTIVE_SHADOW) {
        step_shadow(home, active, now);
        return;
    }
    watch_begin(home, active); /* before we look */
    if (!heard(home, active) || take_exit(home, active))
        return;
    if (jobdir_shadow_pid(active->dir) == 0) {
        shadow_gone(home, active);
        return;
    }
    active->resumed = 0;
    if (active->ending_ms)
        end_shadow(active, now);
    step_leave(home, active, now);
    step_check(home, active, now);
}

void active_step_all(struct home *home, uint64_t now)
{
    for (struct active *a = home->active, *next; a; a = next) {
        next = a->next;
        if (now >= watch_due_ms(a))
            active_step(home, a, now);
    }
}

/* --- a home station that starts anew ----------------------------------------
 */

static bool read_claim(struct home *home, struct active *active)
{
    char path[PATH_MAX], hex[2 * POOL_CLAIM_LEN + 1];
    unsigned epoch, byte;
    bool good = false;

    home_claim_file(home, active->id, path);
    FILE *in = fopen(path, "re");
    if (!in)
        return false;
    if (fscanf(in, "%u %64s %80s %32s", &epoch, active->station, active->addr,
               hex) == 4 &&
        epoch == active->epoch)
        good = true;
    fclose(in);
    for (size_t i = 0; good && i < POOL_CLAIM_LEN; i++) {
        good = sscanf(hex + 2 * i, "%2x", &byte) == 1;
        active->claim[i] = (char)byte;
    }
    return good;
}

struct adopting {
    struct home *home;
    bool failed;
};

static int adopt(const struct job *job, void *arg)
{
    struct adopting *a = arg;
    char path[PATH_MAX + 8];

    if (!job_state_is_active(job->state))
        return 0;
    struct active *active =
        active_add(a->home, job->id, job->epoch, job->station, "");
    if (!active) {
        a->failed = true;
        return 1;
    }
    active->phase = ACTIVE_RUN;
    active->again = true;
    snprintf(path, sizeof path, "%s/alone", active->dir);
    unlink(path);
    active->check_ms = pool_now_ms();
    /* Without the claim no station was told to start: the shadow, if there is
     * one, waits for nobody. */
    if (!read_claim(a->home, active))
        active->ending_ms = 1;
    if (job->state == JOB_REMOVING)
        active_leave(active, true, "removed by its owner");
    else if (job->state == JOB_HOLDING || job->state == JOB_VACATING)
        active_leave(active, false, job->why);
    log_line("job %llu epoch %u: %s on %s, shadow process %d",
             (unsigned long long)job->id, job->epoch,
             job_state_name(job->state), job->station,
             (int)jobdir_shadow_pid(active->dir));
    return 0;
}

int active_adopt_all(struct home *home, struct ckpt_err *err)
{
    struct store_filter filter = {.table = STORE_QUEUE};
    struct adopting a = {.home = home};

    if (store_each(home->store, &filter, adopt, &a, err) < 0)
        return -1;
    return a.failed ? ckpt_err_set(err, ENOMEM, "no memory") : 0;
}
