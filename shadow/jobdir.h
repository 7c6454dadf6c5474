/* jobdir.h - a job's directory on its home machine
 *
 * The home station makes one directory for each job (0700) and shares it with
 * the job's shadow; nothing else is in it, and nobody else writes it:
 *
 *     job.conf      what to run, written by the home station before each start
 *     shadow.lock   held (flock) by the running shadow; its process id is in it
 *     shadow.addr   "host port": where the shadow listens
 *     shadow.log    one line for each event of the shadow
 *     events        one line for each event of the job, appended
 *     exit          how this incarnation of the job ended; appears all at once
 *     images/       current, image.N, image.part, damaged.N
 *     keep          how many images are kept from now on, if less than in
 *                   job.conf; written by the home station
 *     journal/      undo records, one directory for each segment (journal.h)
 *     conflicts/    files that others changed, kept before a roll-back
 *     epoch         the newest epoch that a shadow has served
 *
 * doc/remote-io.md describes the formats.  These functions are for the home
 * station and for ckpt-shadow.  They allocate, and block on the disk.
 */
#ifndef CKPT_SHADOW_JOBDIR_H
#define CKPT_SHADOW_JOBDIR_H

#include "lib/common/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    JOBDIR_TOKEN_LEN = 32, /* CKPT_TOKEN_LEN of lib/proto/boot.h */
    JOBDIR_TEXT_MAX = 512, /* SHADOW_TEXT_MAX of lib/proto/shadow.x */
    JOBDIR_HOST_MAX = 256,
};

/* --- job.conf ------------------------------------------------------------ */

/* A directory or file of the home machine that the job may use. */
struct jobspec_grant {
    char *path; /* absolute */
    bool write;
    bool common;    /* only what everybody on the home machine may read */
    uint64_t limit; /* bytes that its files may hold together; 0: any */
};

/* What to run.  All strings are the caller's until jobspec_read() made them;
 * then they belong to the struct. */
struct jobspec {
    uint64_t job;
    uint32_t epoch;   /* one more than at the last start; 0 is none */
    char *user;       /* owner's login name */
    char *executable; /* absolute path at home */
    char *cwd;        /* absolute path at home */
    char *in;         /* absolute, or NULL: /dev/null */
    char *out;
    char *err;
    char **args; /* argv, NULL at the end; args[0] is the name */
    char **env;  /* NAME=VALUE, NULL at the end */
    struct jobspec_grant *grants;
    size_t grant_count;
    char **deny; /* directories never served, NULL at the end, or NULL */
    char **maps; /* "local|home|fetch PATH", NULL at the end, or NULL */
    uint32_t umask;
    uint32_t checkpoint_every_sec; /* 0: never */
    uint32_t checkpoint_mtbf_sec;  /* 0: just that; else RHYTHM of shadow.x */
    uint64_t image_rate;  /* bytes of images in a second, each way; 0: any */
    uint64_t home_rate;   /* the same of all jobs together; 0: any */
    uint32_t keep_images; /* at least 1; default 2 */
    uint32_t lease_sec;   /* starter unheard of this long: lost; default 600 */
    uint32_t plain;       /* 1: the channel is not encrypted; default 0 */
};

/* Fill in the defaults; everything else is zero. */
void jobspec_init(struct jobspec *spec);

/* Add a grant (the path is copied).  0, or -1 with ENOMEM.  Use only on a spec
 * whose grants were added by this function or jobspec_read(). */
int jobspec_grant_add(struct jobspec *spec, const char *path, bool write);
/* The same from a line of job.conf: "ro PATH", "rw PATH", with ",common" and
 * ",limit=BYTES" behind ro or rw.  -1 with EINVAL or ENOMEM. */
int jobspec_grant_text(struct jobspec *spec, const char *text);

/* Write dir/job.conf, durably and all at once, 0600; makes `dir` (0700) when
 * it is not there.  0, or -1 with errno; EINVAL names what is missing. */
int jobspec_write(const char *dir, const struct jobspec *spec,
                  struct ckpt_err *err);

/* Read dir/job.conf.  On success everything in *spec is from malloc; give it
 * back with jobspec_clear().  -1 with EINVAL and file:line in the text for a
 * malformed one; *spec is zero then. */
int jobspec_read(const char *dir, struct jobspec *spec, struct ckpt_err *err);
void jobspec_clear(struct jobspec *spec);

/* --- the shadow ---------------------------------------------------------- */

/* Start `program` (ckpt-shadow) for `dir` in a session of its own, listening
 * on numeric address `listen` and an ephemeral port.  The token goes through a
 * pipe.  Returns its process id (the caller's child), or -1.  Wait for
 * shadow.addr, or for its end, before sending anybody there. */
pid_t jobdir_shadow_start(const char *program, const char *dir,
                          const char *listen,
                          const uint8_t token[JOBDIR_TOKEN_LEN],
                          struct ckpt_err *err);

/* Start one that goes on with the epoch of a shadow that was killed.  It ends
 * at once when it cannot; then nothing was changed. */
pid_t jobdir_shadow_resume(const char *program, const char *dir,
                           const char *listen, struct ckpt_err *err);

/* The process id of the shadow that holds the lock, 0 if there is none, -1
 * with errno.  The only test of "is a shadow running": shadow.addr may be left
 * over from one that was killed. */
pid_t jobdir_shadow_pid(const char *dir);

/* Where the running shadow listens.  -1 with ENOENT while it does not yet
 * (the file is written after the files were rolled back). */
int jobdir_addr_read(const char *dir, char host[JOBDIR_HOST_MAX],
                     uint16_t *port, struct ckpt_err *err);

/* --- exit ---------------------------------------------------------------- */

enum jobexit_how {
    JOBEXIT_EXITED = 1, /* status: the exit code */
    JOBEXIT_SIGNALED,   /* status: the signal */
    JOBEXIT_VACATED,    /* exit code 85 with an image: run it again */
    JOBEXIT_FAILED,     /* could not be started or served: see text */
    JOBEXIT_LOST,       /* starter unheard of for the lease, or shadow ended */
};

struct jobexit {
    enum jobexit_how how;
    int status;
    uint32_t epoch;
    uint32_t generation;    /* newest committed image, 0: none */
    uint64_t cpu_usec;      /* used on the station by this incarnation */
    uint64_t home_cpu_usec; /* by its shadow */
    uint64_t sent;          /* bytes, from the station to the shadow */
    uint64_t received;      /* and back */
    char text[JOBDIR_TEXT_MAX + 1];
};

/* How the incarnation ended.  -1 with ENOENT when it has not (or the shadow
 * was killed: then jobdir_shadow_pid() is 0 and the job is as good as lost).
 * Compare `epoch`: the file of an older incarnation is removed by the next
 * shadow when it starts, not before. */
int jobexit_read(const char *dir, struct jobexit *ended, struct ckpt_err *err);
int jobexit_write(const char *dir, const struct jobexit *ended,
                  struct ckpt_err *err);
const char *jobexit_how_name(enum jobexit_how how);

/* --- events -------------------------------------------------------------- */

enum jobevent_kind {
    JOBEVENT_STARTED = 1, /* value: process id on the station */
    JOBEVENT_SUSPENDED,
    JOBEVENT_RESUMED,
    JOBEVENT_CHECKPOINTED, /* value: generation; size: bytes */
    JOBEVENT_REFUSED,      /* a checkpoint was refused: see text */
    JOBEVENT_EXITED,       /* value: wait status */
    JOBEVENT_FAILED,       /* could not be started: see text */
    JOBEVENT_ROLLED_BACK,  /* value: generation the files went back to */
    JOBEVENT_CONFLICT,     /* a file was changed by somebody else: see text */
    JOBEVENT_DENIED,       /* the job asked for a path outside its grants */
    JOBEVENT_LOST,
    JOBEVENT_LOG,     /* a line from the program's library */
    JOBEVENT_MIGRATE, /* the job wants to go to the station in text; "": any */
};

struct jobevent {
    int64_t time_usec; /* since 1970, home machine's clock */
    uint32_t epoch;
    enum jobevent_kind kind;
    int value;
    uint64_t cpu_usec;
    uint64_t size;
    char text[JOBDIR_TEXT_MAX + 1];
};

/* One line of dir/events, without its newline, to struct and back.  Parse: 0,
 * or -1 with EINVAL.  Format: the length, always below `size` when size is at
 * least JOBEVENT_LINE_MAX; ends with a newline. */
enum { JOBEVENT_LINE_MAX = 3 * JOBDIR_TEXT_MAX + 160 };
int jobevent_parse(const char *line, struct jobevent *event);
size_t jobevent_format(const struct jobevent *event, char *line, size_t size);
const char *jobevent_name(enum jobevent_kind kind);

/* --- images -------------------------------------------------------------- */

struct jobimage {
    uint32_t generation; /* 0: there is none */
    uint64_t size;
    int64_t time_sec; /* when it was committed */
    char path[4096];
};

/* The newest committed image.  0 (also when there is none), or -1. */
int jobdir_image(const char *dir, struct jobimage *image, struct ckpt_err *err);

/* The newest image proved to be damaged: rename it to damaged.N and go back to
 * the one before it, or to the beginning.  The files are rolled back by the
 * next shadow when it starts.  Refused with EBUSY while a shadow runs, with
 * ENOENT when no older state is kept. */
int jobdir_image_set_aside(const char *dir, struct ckpt_err *err);

/* Remove all images but the newest, and those set aside.  Refused with EBUSY
 * while a shadow runs, which does so by itself (the file `keep`). */
int jobdir_images_prune(const char *dir, struct ckpt_err *err);

/* Shared with the shadow: the generation in images/current, 0 if there is no
 * such file; and its atomic, durable replacement. */
int jobdir_current_read(const char *dir, uint32_t *generation,
                        struct ckpt_err *err);
int jobdir_current_write(const char *dir, uint32_t generation,
                         struct ckpt_err *err);

/* Replace dir/name with these bytes, durably and all at once, 0600. */
int jobdir_file_write(const char *dir, const char *name, const void *data,
                      size_t len, struct ckpt_err *err);
/* The same, but it need not outlive a power loss: its reader must notice a
 * file that was cut short. */
int jobdir_file_put(const char *dir, const char *name, const void *data,
                    size_t len, struct ckpt_err *err);
/* The whole file in a malloc'ed, terminated buffer of at most `max` bytes.
 * EFBIG if it is longer. */
char *jobdir_file_read(const char *dir, const char *name, size_t max,
                       size_t *len, struct ckpt_err *err);

/* Percent-encoding of everything below space, of DEL and of '%'. */
char *jobdir_escape(const char *text); /* malloc'ed, NULL: ENOMEM */
int jobdir_unescape(char *text);       /* in place; -1: EINVAL */

#endif
