/* job.h - the states of a job, and the only code that changes them
 *
 * job_step() is a pure function of (job, event, time): it looks the event up
 * in one table and keeps the job's books (run time, goodput, counters).  The
 * store calls it inside a transaction; nothing else sets a state.
 * doc/job-states.md has the picture.  Terms and rows: CON-5..7, CON-17.
 *
 * Times are milliseconds since 1970 on the home machine's clock, 0 is never.
 * A clock that was set back never makes a duration negative.
 */
#ifndef CKPT_SCHEDULER_JOB_H
#define CKPT_SCHEDULER_JOB_H

#include "lib/common/err.h"
#include "scheduler/core/spec.h"

#include <stdbool.h>
#include <stdint.h>

/* Kept in queue.db and sent in home.x: append, never renumber. */
enum job_state {
    JOB_NONE = 0,      /* before it was submitted */
    JOB_IDLE = 1,      /* waits for a station */
    JOB_STARTING = 2,  /* matched; a new incarnation is being started */
    JOB_RUNNING = 3,   /* computes on `station` */
    JOB_SUSPENDED = 4, /* stopped there: the owner is back */
    JOB_VACATING = 5,  /* leaving the station, with a checkpoint if it can */
    JOB_HOLDING = 6,   /* the same; will be held */
    JOB_REMOVING = 7,  /* is being killed; will be removed */
    JOB_HELD = 8,      /* needs a human: hold_code, why */
    JOB_COMPLETED = 9, /* ended by itself; exit_status */
    JOB_REMOVED = 10,  /* by its owner */
    JOB_WAITING = 11,  /* for other jobs to be done (--after) */
    JOB_STATE_COUNT
};

enum job_event {
    JOB_EV_SUBMIT = 0,
    JOB_EV_MATCHED,      /* station: claimed for it.  Makes a new epoch */
    JOB_EV_NOT_STARTED,  /* text: the station refused, or is gone */
    JOB_EV_STARTED,      /* the program runs */
    JOB_EV_OWNER_BACK,   /* the station suspended it */
    JOB_EV_OWNER_LEFT,   /* and let it go on */
    JOB_EV_VACATE,       /* text: it was asked to leave */
    JOB_EV_CHECKPOINTED, /* image: committed at home */
    JOB_EV_NOTE,    /* text: a checkpoint or a file that was refused; what the
                       library has to say */
    JOB_EV_EVICTED, /* it left with an image (exit code 85), or was killed
                       by the station */
    JOB_EV_LOST,    /* text: contact lost, daemon or machine died */
    JOB_EV_EXITED,  /* exit_status: the program's end */
    JOB_EV_FAULT,   /* hold_code, text: cannot run; nothing is left of it
                       on the station */
    JOB_EV_HOLD,    /* text: by its owner */
    JOB_EV_RELEASE,
    JOB_EV_REMOVE,
    JOB_EV_STAYED, /* text: asked to leave, it could not and goes on */
    JOB_EV_WAIT,   /* text: for which jobs it waits */
    JOB_EV_READY,  /* they are done */
    JOB_EVENT_COUNT
};

/* Why a job is held; append only. */
enum job_hold {
    JOB_HOLD_NONE = 0,
    JOB_HOLD_USER = 1,       /* `ckpt hold` */
    JOB_HOLD_EXECUTABLE = 2, /* missing, unreadable, not a program */
    JOB_HOLD_FILES = 3,      /* stdin, stdout, stderr or cwd cannot be opened */
    JOB_HOLD_START = 4,      /* every station failed to start it */
    JOB_HOLD_IMAGE = 5,      /* no readable image, and no way back */
    JOB_HOLD_CONFLICT = 6,   /* its files were changed by somebody else */
    JOB_HOLD_DISK = 7,       /* no space at home */
    JOB_HOLD_MEMORY = 8,     /* wants more memory than its station gives */
    JOB_HOLD_AFTER = 9,      /* a job that it waited for failed */
    JOB_HOLD_KILLED = 10,    /* killed by SIGKILL again and again */
    JOB_HOLD_COUNT
};

enum { JOB_STATION_MAX = 64, JOB_WHY_MAX = 512 };

struct job {
    uint64_t id;
    uint64_t cluster; /* id of the first job of the same submission */
    uint32_t proc;    /* 0, 1, ... in it: id == cluster + proc */
    enum job_state state;
    uint32_t epoch; /* newest incarnation; the shadow's fence.  Never falls */
    int prio;
    char station[JOB_STATION_MAX + 1];      /* claimed for it or last, "" */
    char want_station[JOB_STATION_MAX + 1]; /* `ckpt migrate`, "" */

    int64_t submitted_ms;
    int64_t since_ms;    /* in this state */
    int64_t started_ms;  /* this incarnation computes since, 0: none */
    int64_t finished_ms; /* completed or removed */

    int64_t run_ms;   /* computing, all incarnations, up to since_ms */
    int64_t saved_ms; /* of that: in a committed image, or done (goodput) */
    int64_t cpu_usec; /* obtained on stations, ended incarnations */
    int64_t home_cpu_usec; /* spent by shadows on its behalf */
    int64_t sent;          /* bytes, from the job to its shadows */
    int64_t received;      /* and back */

    uint32_t starts; /* times it began to compute */
    uint32_t evictions;
    uint32_t suspensions;
    uint32_t failures; /* NOT_STARTED and LOST since it last computed for long
                          enough to commit an image */
    uint32_t kills;    /* of those: ended by SIGKILL, not by the station */

    uint32_t image_generation; /* newest image at home, 0: none */
    uint64_t image_size;
    int64_t image_ms; /* when it was committed */

    int exit_status; /* wait(2), when completed */
    enum job_hold hold_code;
    char why[JOB_WHY_MAX + 1]; /* last reason, for people */

    struct job_spec spec;
};

/* What goes with an event; unused members are zero. */
struct job_detail {
    const char *station; /* MATCHED: required.  SUBMIT: none */
    const char *text;    /* for people; NULL: none */
    uint32_t generation; /* CHECKPOINTED */
    uint64_t size;       /* CHECKPOINTED: of the image */
    int exit_status;     /* EXITED */
    int64_t cpu_usec;    /* EXITED, EVICTED, LOST: of this incarnation */
    int64_t home_cpu_usec;
    int64_t sent;
    int64_t received;
    bool killed;             /* LOST: the program was, by SIGKILL */
    enum job_hold hold_code; /* FAULT */
};

/* The state after `event`, or JOB_NONE when it cannot happen in `from`. */
enum job_state job_next(enum job_state from, enum job_event event);

/* Let `event` happen to the job.  0; -1 with EINVAL and a sentence when it
 * cannot happen in the job's state (the job is then untouched). */
int job_step(struct job *job, enum job_event event,
             const struct job_detail *detail, int64_t now_ms,
             struct ckpt_err *err);

/* Set up a job that was just submitted: state JOB_IDLE.  Takes spec over. */
void job_init(struct job *job, uint64_t cluster, uint32_t proc,
              struct job_spec *spec, int64_t now_ms);
void job_clear(struct job *job);

/* Time spent computing until now; the part of it that is safe, 0..1000, or -1
 * when it has not computed yet. */
int64_t job_run_ms(const struct job *job, int64_t now_ms);
int job_goodput_permille(const struct job *job, int64_t now_ms);

/* An idle job that was lost, or could not be started, again and again waits
 * longer and longer, up to a minute: it may be matched from this time on. */
int64_t job_retry_ms(const struct job *job);

/* I R S H C X, as condor_q shows them. */
char job_state_letter(enum job_state state);
const char *job_state_name(enum job_state state);
const char *job_event_name(enum job_event event);
const char *job_hold_name(enum job_hold code);

/* A station is, or may still be, occupied by the job. */
bool job_state_is_active(enum job_state state);
/* Completed or removed: it belongs to the history. */
bool job_state_is_final(enum job_state state);

#endif
