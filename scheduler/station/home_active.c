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
    CHECK_MS = 3000,
    CHECK_SOON_MS = 1000,
    CHECK_LATER_MS = 15000, /* asking in vain costs everybody time */
    STALE_MS = 2000,        /* the job's end may still be on its way */
    LEAVE_AGAIN_MS = 2000,
    LEAVE_LIMIT_MS = 15000, /* an unreachable station keeps no job from being
                               removed for longer */
    END_LIMIT_MS = 5000,    /* from SIGTERM to SIGKILL for a shadow */
};

/* The library's words after a checkpoint. */
static const char NEXT[] = "next checkpoint in ";
/* The starter's words. */
static const char EVICTED[] = "evicted: ";
static const char DAMAGED[] = "damaged image: ";
static const char MEMORY[] = "killed: it wanted more memory";

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

/* --- the end ---------------------------------------------------------------
 */

/* Starts that failed are counted apart from incarnations that were lost: a
 * job is held for what is wrong with it, not with the machines. */
static unsigned one_more_failure(struct home *home, uint64_t id)
{
    struct unlucky *u = home->unlucky;

    while (u && u->id != id)
        u = u->next;
    if (!u) {
        u = calloc(1, sizeof *u);
        if (!u)
            return 1;
        u->id = id;
        u->next = home->unlucky;
        home->unlucky = u;
    }
    return ++u->times;
}

static void forget_failures(struct home *home, uint64_t id)
{
    for (struct unlucky **link = &home->unlucky; *link; link = &(*link)->next) {
        struct unlucky *u = *link;
        if (u->id != id)
            continue;
        *link = u->next;
        free(u);
        return;
    }
}

/* Finished jobs need no directory: their files are in place. */
static void clean_up(struct home *home, uint64_t id)
{
    struct job job;
    char dir[PATH_MAX];

    if (store_get(home->store, id, &job, NULL) < 0)
        return;
    if (job_state_is_final(job.state)) {
        forget_failures(home, id);
        home_jobdir(home, id, dir);
        remove_tree(dir);
    }
    job_clear(&job);
}

static void end_with(struct home *home, struct active *active,
                     enum job_event event, const struct job_detail *detail)
{
    uint64_t id = active->id;

    home_apply(home, id, event, detail);
    active_drop(home, active);
    clean_up(home, id);
    home->eager = true; /* a station has become free */
}

/* It could not be started, or not go on: elsewhere perhaps; a job that nobody
 * can start needs a human. */
static enum job_event failed_event(struct home *home,
                                   const struct active *active,
                                   struct job_detail *detail)
{
    struct job job;
    enum job_event event = JOB_EV_LOST;

    if (store_get(home->store, active->id, &job, NULL) < 0)
        return event;
    if (job_next(job.state, JOB_EV_NOT_STARTED) != JOB_NONE)
        event = JOB_EV_NOT_STARTED;
    job_clear(&job);
    if (one_more_failure(home, active->id) < home->settings.attempts)
        return event;
    forget_failures(home, active->id);
    detail->hold_code = JOB_HOLD_START;
    return JOB_EV_FAULT;
}

/* The shadow could not begin, no station had a part in it: the claim is given
 * back.  What is wrong with the job's own files needs a human. */
static enum job_event home_fault(struct home *home, struct active *active,
                                 struct job_detail *detail)
{
    static const int errnums[] = {ENOENT, EACCES, EPERM, ENOTDIR, EISDIR};
    struct ckpt_err err;

    if (station_release(home, active, &err) < 0)
        log_line("job %llu: %s", (unsigned long long)active->id, err.text);
    for (size_t i = 0; i < sizeof errnums / sizeof errnums[0]; i++)
        if (strstr(detail->text, strerrordesc_np(errnums[i]))) {
            forget_failures(home, active->id);
            detail->hold_code = JOB_HOLD_FILES;
            return JOB_EV_FAULT;
        }
    return failed_event(home, active, detail);
}

/* An image that cannot be restarted is set aside, and the one before it, or
 * the beginning, is used. */
static void image_fault(struct active *active, const char *text)
{
    struct ckpt_err err;

    if (strncmp(text, DAMAGED, strlen(DAMAGED)) != 0)
        return;
    if (jobdir_image_set_aside(active->dir, &err) == 0)
        log_line("job %llu: the newest image is set aside: %s",
                 (unsigned long long)active->id, text);
    else if (errno != ENOENT)
        log_line("job %llu: %s", (unsigned long long)active->id, err.text);
}

/* SIGKILL, and not from us: perhaps somebody else's doing there (the kernel,
 * out of memory; its administrator), and it will run again.  Again and again
 * without a checkpoint in between it is the job's own doing.  It has not ended
 * in either case. */
static enum job_event killed_event(struct home *home,
                                   const struct active *active,
                                   struct job_detail *detail, char *text,
                                   size_t size)
{
    unsigned kills = 1;
    struct job job;

    if (store_get(home->store, active->id, &job, NULL) == 0) {
        kills = job.kills + 1;
        job_clear(&job);
    }
    snprintf(text, size, "killed by SIGKILL on %s, not by the station",
             active->station);
    detail->text = text;
    detail->killed = true;
    if (kills < home->settings.attempts)
        return JOB_EV_LOST;
    snprintf(text, size,
             "killed by SIGKILL %u times in a row without a checkpoint in "
             "between, last on %s: it kills itself, or wants more memory than "
             "there is (start_attempts = %u)",
             kills, active->station, home->settings.attempts);
    detail->hold_code = JOB_HOLD_KILLED;
    return JOB_EV_FAULT;
}

static void ended(struct home *home, struct active *active,
                  const struct jobexit *end)
{
    struct job_detail detail = {
        .text = end->text,
        .cpu_usec = (int64_t)(end->cpu_usec > 0 ? end->cpu_usec
                                                : active->cpu_ms * 1000),
        .home_cpu_usec = (int64_t)end->home_cpu_usec,
        .sent = (int64_t)end->sent,
        .received = (int64_t)end->received};
    enum job_event event = JOB_EV_LOST;
    char text[JOB_WHY_MAX + 1];

    switch (end->how) {
    case JOBEXIT_EXITED:
        event = JOB_EV_EXITED;
        detail.exit_status = end->status << 8;
        break;
    case JOBEXIT_SIGNALED:
        event = JOB_EV_EXITED;
        detail.exit_status = end->status;
        if (end->status == SIGKILL)
            event = killed_event(home, active, &detail, text, sizeof text);
        break;
    case JOBEXIT_VACATED:
        event = JOB_EV_EVICTED;
        break;
    case JOBEXIT_FAILED:
        if (strncmp(end->text, EVICTED, strlen(EVICTED)) == 0) {
            event = JOB_EV_EVICTED;
            detail.text = end->text + strlen(EVICTED);
            break;
        }
        if (active->phase == ACTIVE_SHADOW) {
            event = home_fault(home, active, &detail);
            break;
        }
        if (strncmp(end->text, MEMORY, strlen(MEMORY)) == 0) {
            detail.hold_code = JOB_HOLD_MEMORY;
            event = JOB_EV_FAULT;
            break;
        }
        image_fault(active, end->text);
        event = failed_event(home, active, &detail);
        break;
    case JOBEXIT_LOST:
        break;
    }
    end_with(home, active, event, &detail);
}

/* --- events ----------------------------------------------------------------
 */

/* Tell the queue, where it does not know yet (a home station that starts anew
 * reads the events of the incarnation again). */
static void take_event(struct home *home, const struct job *job,
                       const struct jobevent *event, uint64_t cpu_ms)
{
    struct job_detail detail = {.text = event->text};
    char text[JOBDIR_TEXT_MAX + 16];
    enum job_event what;

    switch (event->kind) {
    case JOBEVENT_STARTED:
        what = JOB_EV_STARTED;
        forget_failures(home, job->id);
        break;
    case JOBEVENT_SUSPENDED:
        what = JOB_EV_OWNER_BACK;
        break;
    case JOBEVENT_RESUMED:
        what = JOB_EV_OWNER_LEFT;
        break;
    case JOBEVENT_CHECKPOINTED:
        if (event->time_usec / 1000 <= job->image_ms)
            return;
        what = JOB_EV_CHECKPOINTED;
        detail.generation = (uint32_t)event->value;
        detail.size = event->size;
        detail.cpu_usec = (int64_t)cpu_ms * 1000;
        break;
    case JOBEVENT_REFUSED:
        what = JOB_EV_NOTE;
        break;
    case JOBEVENT_DENIED:
    case JOBEVENT_CONFLICT:
    case JOBEVENT_LOG:
        what = JOB_EV_NOTE;
        snprintf(text, sizeof text, "%s: %.*s", jobevent_name(event->kind),
                 (int)sizeof text - 16, event->text);
        if (event->kind == JOBEVENT_LOG)
            snprintf(text, sizeof text, "%s", event->text);
        log_line("job %llu: %s", (unsigned long long)job->id, text);
        if (strcmp(text, job->why) == 0)
            return; /* a refused checkpoint is asked for again and again */
        detail.text = text;
        break;
    default:
        return;
    }
    if (job_next(job->state, what) != JOB_NONE)
        home_apply(home, job->id, what, &detail);
}

/* The program's library writes its refusals to the log. */
static bool says_refused(const struct jobevent *event)
{
    static const char refused[] = "checkpoint refused",
                      failed[] = "checkpoint failed";

    return event->kind == JOBEVENT_LOG &&
           (strncmp(event->text, refused, strlen(refused)) == 0 ||
            strncmp(event->text, failed, strlen(failed)) == 0);
}

static void event_line(struct home *home, struct active *active, char *line)
{
    struct jobevent event;
    struct job job;

    line[strcspn(line, "\n")] = '\0';
    if (jobevent_parse(line, &event) < 0 || event.epoch != active->epoch ||
        store_get(home->store, active->id, &job, NULL) < 0)
        return;
    if (event.kind == JOBEVENT_LOG &&
        strncmp(event.text, NEXT, strlen(NEXT)) == 0)
        snprintf(active->rhythm, sizeof active->rhythm, "%s", event.text);
    else
        take_event(home, &job, &event, active->cpu_ms);
    job_clear(&job);
    if (event.kind == JOBEVENT_MIGRATE)
        order_migrate(home, active, event.text);
    if (event.kind == JOBEVENT_CHECKPOINTED) {
        active->refused = false;
        home->quota_due = true;
    } else if (event.kind == JOBEVENT_REFUSED || says_refused(&event)) {
        order_refused(home, active);
    }
}

static void read_events(struct home *home, struct active *active)
{
    char path[PATH_MAX + 16], line[JOBEVENT_LINE_MAX];
    struct stat st;

    snprintf(path, sizeof path, "%s/events", active->dir);
    if (stat(path, &st) < 0 || st.st_size <= active->events_at)
        return;
    FILE *in = fopen(path, "re");
    if (!in || fseek(in, active->events_at, SEEK_SET) < 0) {
        if (in)
            fclose(in);
        return;
    }
    while (fgets(line, sizeof line, in) && strchr(line, '\n')) {
        active->events_at = ftell(in);
        event_line(home, active, line);
    }
    fclose(in);
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

/* True when the job's incarnation is over (active is gone then). */
static bool take_exit(struct home *home, struct active *active)
{
    struct jobexit end;
    pid_t shadow = jobdir_shadow_pid(active->dir);

    if (shadow != 0)
        return false; /* it also writes `exit` shortly before it ends */
    read_events(home, active);
    if (jobexit_read(active->dir, &end, NULL) == 0 &&
        end.epoch == active->epoch) {
        ended(home, active, &end);
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
    end_with(home, active, JOB_EV_LOST, &detail);
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

static void step_shadow(struct home *home, struct active *active, uint64_t now)
{
    char host[JOBDIR_HOST_MAX];
    struct ckpt_err err;
    uint16_t port;

    bool old = now - active->phase_ms > SHADOW_LIMIT_MS;
    bool fresh = now - active->phase_ms < 1000;
    if (jobdir_shadow_pid(active->dir) == 0) {
        if (!fresh && !take_exit(home, active))
            shadow_lost(home, active);
        return; /* it has perhaps not taken its lock yet */
    }
    if (jobdir_addr_read(active->dir, host, &port, &err) < 0) {
        if (old)
            end_shadow(active, now);
        return;
    }
    active->phase = ACTIVE_RUN;
    active->check_ms = now + CHECK_MS;
    if (start_send(home, active, &err) == 0)
        return;
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
    if (!active->leave || now < active->leave_ms)
        return;
    active->leave_ms = now + LEAVE_AGAIN_MS;
    if (station_leave(home, active, &err) == 0 || errno == ESTALE)
        return;
    log_line("job %llu: %s", (unsigned long long)active->id, err.text);
    if (active->kill && now - active->leave_since_ms > LEAVE_LIMIT_MS)
        end_shadow(active, now); /* its epoch is over, whoever runs it */
}

static void step_check(struct home *home, struct active *active, uint64_t now)
{
    struct ckpt_err err;

    if (now < active->check_ms)
        return;
    active->check_ms = now + CHECK_MS;
    int rc = station_check(home, active, &err);
    if (rc == 0) {
        active->stale_ms = 0;
        return;
    }
    if (errno != ESTALE) { /* unreachable: the shadow's lease decides */
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
    if (active->phase == ACTIVE_SHADOW) {
        step_shadow(home, active, now);
        return;
    }
    read_events(home, active);
    if (take_exit(home, active))
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

    if (!job_state_is_active(job->state))
        return 0;
    struct active *active =
        active_add(a->home, job->id, job->epoch, job->station, "");
    if (!active) {
        a->failed = true;
        return 1;
    }
    active->phase = ACTIVE_RUN;
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
