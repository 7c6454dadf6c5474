/* job_log.c - see job_log.h */
#include "scheduler/core/job_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

void job_entry_fill(struct job_entry *entry, const struct job *before,
                    const struct job *after, enum job_event event,
                    const struct job_detail *detail, int64_t now_ms)
{
    static const struct job_detail nothing;
    const struct job_detail *d = detail ? detail : &nothing;

    memset(entry, 0, sizeof *entry);
    entry->job = after->id;
    entry->cluster = after->cluster;
    entry->proc = after->proc;
    entry->ms = now_ms;
    entry->event = event;
    entry->from = before->state;
    entry->to = after->state;
    snprintf(entry->station, sizeof entry->station, "%s", after->station);
    snprintf(entry->text, sizeof entry->text, "%s", d->text ? d->text : "");
    entry->image_size = d->size;
    entry->checkpointed =
        before->started_ms && before->image_ms >= before->started_ms;
    entry->exit_status = d->exit_status;
    entry->hold_code = after->hold_code;
    entry->cpu_usec = d->cpu_usec;
    entry->home_cpu_usec = d->home_cpu_usec;
    entry->total_cpu_usec = after->cpu_usec;
    entry->total_home_cpu_usec = after->home_cpu_usec;
    entry->sent = d->sent;
    entry->received = d->received;
    entry->total_sent = after->sent;
    entry->total_received = after->received;
}

static void put_head(FILE *out, const struct job_entry *e, int number)
{
    time_t sec = (time_t)(e->ms / 1000);
    struct tm tm;
    char when[32] = "";

    if (localtime_r(&sec, &tm))
        strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &tm);
    fprintf(out, "%03d (%03" PRIu64 ".%03" PRIu32 ".000) %s ", number,
            e->cluster, e->proc, when);
}

/* A reason stays one line, or the record's end could be forged. */
static void put_text(FILE *out, const char *text)
{
    for (; *text; text++)
        fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
}

static void put_usage(FILE *out, int64_t usec, const char *what)
{
    int64_t sec = usec / 1000000;

    fprintf(out,
            "\t\tUsr %" PRId64 " %02d:%02d:%02d, Sys 0 00:00:00  -  %s Usage\n",
            sec / 86400, (int)(sec / 3600 % 24), (int)(sec / 60 % 60),
            (int)(sec % 60), what);
}

static void put_end(FILE *out)
{
    fputs("...\n", out);
}

static void put_bytes(FILE *out, const char *what, int64_t sent,
                      int64_t received)
{
    fprintf(out, "\t%" PRId64 "  -  %s Bytes Sent By Job\n", sent, what);
    fprintf(out, "\t%" PRId64 "  -  %s Bytes Received By Job\n", received,
            what);
}

/* Not a line of HTCondor's. */
static void put_leverage(FILE *out, const struct job_entry *e)
{
    if (e->total_home_cpu_usec <= 0)
        return;
    fprintf(out, "\tLeverage %.0f: %.3f s on stations, %.3f s at home\n",
            (double)e->total_cpu_usec / (double)e->total_home_cpu_usec,
            (double)e->total_cpu_usec / 1e6,
            (double)e->total_home_cpu_usec / 1e6);
}

static void put_checkpointed(FILE *out, const struct job_entry *e)
{
    put_head(out, e, 3);
    fputs("Job was checkpointed.\n", out);
    put_usage(out, e->cpu_usec, "Run Remote");
    put_usage(out, e->home_cpu_usec, "Run Local");
    fprintf(out, "\t%" PRIu64 "  -  Run Bytes Sent By Job For Checkpoint\n",
            e->image_size);
    put_end(out);
}

static void put_evicted(FILE *out, const struct job_entry *e)
{
    put_head(out, e, 4);
    fputs("Job was evicted.\n", out);
    fprintf(out, "\t(%d) Job was %scheckpointed.\n", e->checkpointed,
            e->checkpointed ? "" : "not ");
    put_usage(out, e->cpu_usec, "Run Remote");
    put_usage(out, e->home_cpu_usec, "Run Local");
    put_bytes(out, "Run", e->sent, e->received);
    if (e->text[0]) {
        fputs("\tReason: ", out);
        put_text(out, e->text);
        fputc('\n', out);
    }
    put_end(out);
}

static void put_terminated(FILE *out, const struct job_entry *e)
{
    put_head(out, e, 5);
    fputs("Job terminated.\n", out);
    if (WIFSIGNALED(e->exit_status))
        fprintf(out,
                "\t(0) Abnormal termination (signal %d)\n\t(0) No core file\n",
                WTERMSIG(e->exit_status));
    else
        fprintf(out, "\t(1) Normal termination (return value %d)\n",
                WEXITSTATUS(e->exit_status));
    put_usage(out, e->cpu_usec, "Run Remote");
    put_usage(out, e->home_cpu_usec, "Run Local");
    put_usage(out, e->total_cpu_usec, "Total Remote");
    put_usage(out, e->total_home_cpu_usec, "Total Local");
    put_bytes(out, "Run", e->sent, e->received);
    put_bytes(out, "Total", e->total_sent, e->total_received);
    put_leverage(out, e);
    put_end(out);
}

/* A line that says what, and one that says why. */
static void put_reason(FILE *out, const struct job_entry *e, int number,
                       const char *what, const char *otherwise)
{
    put_head(out, e, number);
    fprintf(out, "%s\n\t", what);
    put_text(out, e->text[0] ? e->text : otherwise);
    fputc('\n', out);
    if (number == 12)
        fprintf(out, "\tCode %d Subcode 0\n", (int)e->hold_code);
    if (number == 7)
        put_bytes(out, "Run", e->sent, e->received);
    put_end(out);
}

static void put_submitted(FILE *out, const struct job_entry *e,
                          const char *home)
{
    put_head(out, e, 0);
    fputs("Job submitted from host: <", out);
    put_text(out, home);
    fputs(">\n", out);
    put_end(out);
}

static void put_executing(FILE *out, const struct job_entry *e)
{
    put_head(out, e, 1);
    fputs("Job executing on host: <", out);
    put_text(out, e->station);
    fputs(">\n", out);
    put_end(out);
}

static void put_suspended(FILE *out, const struct job_entry *e)
{
    put_head(out, e, 10);
    fputs("Job was suspended.\n"
          "\tNumber of processes actually suspended: 1\n",
          out);
    put_end(out);
}

static void put_plain(FILE *out, const struct job_entry *e, int number,
                      const char *line)
{
    put_head(out, e, number);
    put_text(out, line);
    fputc('\n', out);
    put_end(out);
}

/* What happened on the station; the state it led to comes after. */
static void put_event(FILE *out, const struct job_entry *e, const char *home)
{
    switch (e->event) {
    case JOB_EV_SUBMIT:
        put_submitted(out, e, home);
        break;
    case JOB_EV_STARTED:
        put_executing(out, e);
        break;
    case JOB_EV_NOT_STARTED:
        put_reason(out, e, 7, "Shadow exception!", "could not be started");
        break;
    case JOB_EV_OWNER_BACK:
        put_suspended(out, e);
        break;
    case JOB_EV_OWNER_LEFT:
        put_plain(out, e, 11, "Job was unsuspended.");
        break;
    case JOB_EV_CHECKPOINTED:
        put_checkpointed(out, e);
        break;
    case JOB_EV_NOTE:
        put_plain(out, e, 8, e->text);
        break;
    case JOB_EV_EVICTED:
    case JOB_EV_LOST:
        if (e->from != JOB_STARTING || e->event == JOB_EV_LOST)
            put_evicted(out, e);
        break;
    case JOB_EV_EXITED:
        if (e->to == JOB_COMPLETED)
            put_terminated(out, e);
        break;
    case JOB_EV_WAIT:
        put_plain(out, e, 8, e->text);
        break;
    case JOB_EV_RELEASE:
        put_reason(out, e, 13, "Job was released.", "by its owner");
        break;
    case JOB_EV_MATCHED:
    case JOB_EV_VACATE:
    case JOB_EV_FAULT:
    case JOB_EV_HOLD:
    case JOB_EV_REMOVE:
    case JOB_EV_STAYED:
    case JOB_EV_READY:
    case JOB_EVENT_COUNT:
        break;
    }
}

char *job_entry_format(const struct job_entry *entry, const char *home)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    if (!out)
        return NULL;
    put_event(out, entry, home);
    if (entry->to == JOB_HELD && entry->from != JOB_HELD)
        put_reason(out, entry, 12, "Job was held.",
                   job_hold_name(entry->hold_code));
    if (entry->to == JOB_REMOVED)
        put_reason(out, entry, 9, "Job was aborted.", "by its owner");
    if (fclose(out)) {
        free(text);
        return NULL;
    }
    return text;
}
