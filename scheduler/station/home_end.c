/* home_end.c - the end of a job's incarnation: what it means; see home.h
 *
 *     exit of the shadow --> exited | evicted | lost | not started | fault
 */
#include "scheduler/pool/log.h"
#include "scheduler/pool/remove.h"
#include "scheduler/pool/serving.h"
#include "scheduler/station/home.h"

#include "shadow/jobdir.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { RETRY_MS = 2000 };

/* The starter's words. */
static const char EVICTED[] = "evicted: ";
static const char DAMAGED[] = "damaged image: ";
static const char MEMORY[] = "killed: it wanted more memory";
static const char DISK[] = "killed: it wanted more disk";

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

void forget_failures(struct home *home, uint64_t id)
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

void end_with(struct home *home, struct active *active, enum job_event event,
              const struct job_detail *detail)
{
    uint64_t id = active->id;

    /* A queue that cannot be written, for its disk is full, is tried again;
     * what cannot happen is known there already. */
    if (home_apply(home, id, event, detail) < 0 && errno != EINVAL &&
        errno != ENOENT) {
        active->retry_ms = pool_now_ms() + RETRY_MS;
        return;
    }
    if (event == JOB_EV_LOST)
        stray_add(home, active);
    active_drop(home, active);
    clean_up(home, id);
    home->eager = true; /* a station has become free */
    home->quota_due = true;
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

/* The owner came back between claim and start: nothing went wrong. */
enum job_event lost_event(const struct active *active,
                          struct job_detail *detail)
{
    if (!active->taken_back)
        return JOB_EV_LOST;
    detail->text = "the station took it back before it began";
    return JOB_EV_EVICTED;
}

/* It wanted more than its station gives. */
static enum job_hold too_much(const char *text)
{
    if (strncmp(text, MEMORY, strlen(MEMORY)) == 0)
        return JOB_HOLD_MEMORY;
    return strncmp(text, DISK, strlen(DISK)) == 0 ? JOB_HOLD_DISK
                                                  : JOB_HOLD_NONE;
}

void incarnation_ended(struct home *home, struct active *active,
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
        if ((detail.hold_code = too_much(end->text)) != JOB_HOLD_NONE) {
            event = JOB_EV_FAULT;
            break;
        }
        image_fault(active, end->text);
        event = failed_event(home, active, &detail);
        break;
    case JOBEXIT_LOST:
        event = lost_event(active, &detail);
        break;
    }
    end_with(home, active, event, &detail);
}
