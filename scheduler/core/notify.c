/* notify.c - see notify.h */
#include "scheduler/core/notify.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum { ON_SUCCESS = 1, ON_FAILURE = 2, ON_HELD = 4, ON_REMOVED = 8 };

static const struct {
    const char *word;
    unsigned on;
} words[] = {
    {"never", 0},
    {"complete", ON_SUCCESS | ON_FAILURE},
    {"error", ON_FAILURE | ON_HELD},
    {"always", ON_SUCCESS | ON_FAILURE | ON_HELD | ON_REMOVED},
};

int notify_check(const char *word, struct ckpt_err *err)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(word, words[i].word) == 0)
            return 0;
    return ckpt_err_set(err, EINVAL,
                        "\"%s\" is not never, complete, error or always", word);
}

static unsigned occasion(const struct job *job)
{
    if (job->state == JOB_COMPLETED)
        return job->exit_status == 0 ? ON_SUCCESS : ON_FAILURE;
    if (job->state == JOB_REMOVED)
        return ON_REMOVED;
    return job->state == JOB_HELD ? ON_HELD : 0;
}

bool notify_due(const struct job *job, enum notify_how how)
{
    const char *word = job->spec.notify ? job->spec.notify : "never";

    if (how == NOTIFY_COMMAND)
        return job->spec.on_done && job_state_is_final(job->state);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(word, words[i].word) == 0)
            return (words[i].on & occasion(job)) != 0;
    return false;
}

void notify_outcome(const struct job *job, char *buf, size_t size)
{
    if (job->state == JOB_REMOVED)
        snprintf(buf, size, "was removed");
    else if (job->state == JOB_HELD)
        snprintf(buf, size, "is held (%s)", job_hold_name(job->hold_code));
    else if (job->state != JOB_COMPLETED)
        snprintf(buf, size, "is %s", job_state_name(job->state));
    else if (WIFSIGNALED(job->exit_status))
        snprintf(buf, size, "was ended by signal %d",
                 WTERMSIG(job->exit_status));
    else
        snprintf(buf, size, "ended with exit code %d",
                 WEXITSTATUS(job->exit_status));
}
