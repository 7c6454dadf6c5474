/* home_events.c - what a job's shadow tells the home station; see home.h
 *
 * The shadow appends to `events` in the job's directory; each line that the
 * queue does not know yet becomes an event of the job.
 */
#include "scheduler/pool/log.h"
#include "scheduler/station/home.h"

#include "shadow/jobdir.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* The library's words after a checkpoint, which has an entry of its own in the
 * job's log: they are for `ckpt why`. */
static const char NEXT[] = "next checkpoint in ";
static const char COST[] = "checkpoint of ";

/* Tell the queue, where it does not know yet (a home station that starts anew
 * reads the events of the incarnation again).  False when it cannot be written
 * now. */
static bool take_event(struct home *home, const struct active *active,
                       const struct job *job, const struct jobevent *event)
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
        if (active->again && (uint32_t)event->value <= job->image_generation)
            return true;
        what = JOB_EV_CHECKPOINTED;
        detail.generation = (uint32_t)event->value;
        detail.size = event->size;
        detail.cpu_usec = (int64_t)active->cpu_ms * 1000;
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
            return true; /* a refused one is asked for again and again */
        detail.text = text;
        break;
    default:
        return true;
    }
    return job_next(job->state, what) == JOB_NONE ||
           home_apply(home, job->id, what, &detail) == 0 || errno == EINVAL ||
           errno == ENOENT;
}

static bool says(const struct jobevent *event, const char *begin)
{
    return event->kind == JOBEVENT_LOG &&
           strncmp(event->text, begin, strlen(begin)) == 0;
}

/* The program's library writes its refusals to the log. */
static bool says_refused(const struct jobevent *event)
{
    return says(event, "checkpoint refused") ||
           says(event, "checkpoint failed");
}

/* What is for `ckpt why`; false: it is another event. */
static bool keep_words(struct active *active, const struct jobevent *event)
{
    if (says(event, NEXT)) {
        snprintf(active->rhythm, sizeof active->rhythm, "%s", event->text);
    } else if (says(event, COST)) {
        log_line("job %llu: %s", (unsigned long long)active->id, event->text);
        snprintf(active->cost, sizeof active->cost, "last %.500s", event->text);
    } else {
        return false;
    }
    return true;
}

/* False: it is to be taken again. */
static bool event_line(struct home *home, struct active *active, char *line)
{
    struct jobevent event;
    struct job job;
    bool taken = true;

    line[strcspn(line, "\n")] = '\0';
    if (jobevent_parse(line, &event) < 0 || event.epoch != active->epoch ||
        store_get(home->store, active->id, &job, NULL) < 0)
        return true;
    if (!keep_words(active, &event))
        taken = take_event(home, active, &job, &event);
    job_clear(&job);
    if (!taken)
        return false;
    if (event.kind == JOBEVENT_MIGRATE)
        order_migrate(home, active, event.text);
    if (event.kind == JOBEVENT_CHECKPOINTED) {
        active->refused = false;
        home->quota_due = true;
    } else if (event.kind == JOBEVENT_REFUSED || says_refused(&event)) {
        order_refused(home, active);
    }
    return true;
}

bool read_events(struct home *home, struct active *active)
{
    char path[PATH_MAX + 16], line[JOBEVENT_LINE_MAX];
    struct stat st;
    bool taken = true;

    snprintf(path, sizeof path, "%s/events", active->dir);
    if (stat(path, &st) < 0 || st.st_size <= active->events_at)
        return true;
    FILE *in = fopen(path, "re");
    if (!in || fseek(in, active->events_at, SEEK_SET) < 0) {
        if (in)
            fclose(in);
        return true;
    }
    while (taken && fgets(line, sizeof line, in) && strchr(line, '\n')) {
        taken = event_line(home, active, line);
        if (taken)
            active->events_at = ftell(in);
    }
    if (taken)
        active->again = false;
    fclose(in);
    return taken;
}
