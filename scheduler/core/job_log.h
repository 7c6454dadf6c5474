/* job_log.h - what happened to a job, in HTCondor's event log format
 *
 * The queue keeps one entry for each event of a job.  The user's log file and
 * `ckpt log` show them as HTCondor's shadow and schedd write them (its
 * src/condor_utils/condor_event.cpp is the format's only definition), so that
 * tools that read such logs work: 000 submitted, 001 executing, 003
 * checkpointed, 004 evicted, 005 terminated, 007 could not be started, 008 a
 * line of text, 009 aborted, 010 suspended, 011 unsuspended, 012 held, 013
 * released.  Pure.
 */
#ifndef CKPT_SCHEDULER_JOB_LOG_H
#define CKPT_SCHEDULER_JOB_LOG_H

#include "scheduler/core/job.h"

/* An entry is written once and never changed. */
struct job_entry {
    uint64_t seq; /* in the queue's order; 0: not stored yet */
    uint64_t job;
    uint64_t cluster;
    uint32_t proc;
    int64_t ms;
    enum job_event event;
    enum job_state from;
    enum job_state to;
    char station[JOB_STATION_MAX + 1];
    char text[JOB_WHY_MAX + 1];
    uint64_t image_size; /* CHECKPOINTED */
    bool checkpointed;   /* the incarnation that ended committed an image */
    int exit_status;     /* EXITED: wait(2) */
    enum job_hold hold_code;
    int64_t cpu_usec; /* of the incarnation that ended */
    int64_t home_cpu_usec;
    int64_t total_cpu_usec;
    int64_t total_home_cpu_usec;
    int64_t sent; /* bytes, by that incarnation to its shadow */
    int64_t received;
    int64_t total_sent;
    int64_t total_received;
};

/* The entry for an event: `before` and `after` are the job around
 * job_step(). */
void job_entry_fill(struct job_entry *entry, const struct job *before,
                    const struct job *after, enum job_event event,
                    const struct job_detail *detail, int64_t now_ms);

/* Append the entry's records, none or more, each ended by a line "...".
 * `home` is the home machine's name, for 000.  Times are local time.  Returns
 * a malloc'ed string ("" when the format has no such event), or NULL with
 * ENOMEM. */
char *job_entry_format(const struct job_entry *entry, const char *home);

#endif
