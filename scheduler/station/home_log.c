/* home_log.c - the users' event logs; see home.h
 *
 * What happened is in the queue; it is written to the file that the user named
 * afterwards, and again after a crash in between (scheduler/core/job_log.h).
 */
#include "scheduler/pool/log.h"
#include "scheduler/station/home.h"

#include "lib/common/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BATCH = 256 };

struct batch {
    struct home *home;
    uint64_t last;
    unsigned n;
};

static int log_path(struct home *home, uint64_t id, char *path)
{
    struct job job;
    int n = -1;

    if (store_get(home->store, id, &job, NULL) < 0)
        return -1;
    if (job.spec.log && job.spec.log[0] == '/')
        n = snprintf(path, PATH_MAX, "%s", job.spec.log);
    else if (job.spec.log && job.spec.log[0])
        n = snprintf(path, PATH_MAX, "%s/%s", job.spec.cwd, job.spec.log);
    job_clear(&job);
    return n > 0 && n < PATH_MAX ? 0 : -1;
}

/* A log that cannot be written is the user's loss, not the job's. */
static int write_entry(const struct job_entry *entry, void *arg)
{
    struct batch *batch = arg;
    char path[PATH_MAX];
    char *text = job_entry_format(entry, batch->home->name);

    batch->n++;
    batch->last = entry->seq;
    if (text && text[0] && log_path(batch->home, entry->job, path) == 0) {
        int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
        if (fd < 0 || ckpt_write_full(fd, text, strlen(text)) < 0)
            log_line("job %llu: its log %s: %s", (unsigned long long)entry->job,
                     path, strerror(errno));
        if (fd >= 0)
            close(fd);
    }
    free(text);
    return 0;
}

void home_write_logs(struct home *home)
{
    struct ckpt_err err;

    home->logs_due = false;
    for (;;) {
        struct batch batch = {.home = home};
        if (store_unlogged(home->store, BATCH, write_entry, &batch, &err) < 0 ||
            (batch.n > 0 && store_logged(home->store, batch.last, &err) < 0)) {
            log_line("logs: %s", err.text);
            return;
        }
        if (batch.n < BATCH)
            return;
    }
}
