/* server.h - ckpt-shadow: what serves one job
 *
 *     main.c       arguments, lock, roll-back, grants, confinement, the loop
 *     session.c    BIND, slots with kept replies            admit() of each
 * call handle.c     open files of the job                    index + generation
 *     call_*.c     the procedures of shadow.x
 *     image.c      images and the journal's intervals
 *     record_job.c events, log, exit
 *
 * One thread; everything hangs off struct shadow.
 */
#ifndef CKPT_SHADOW_SERVER_H
#define CKPT_SHADOW_SERVER_H

#include "lib/proto/serve.h"
#include "lib/proto/shadow.h"
#include "shadow/change.h"
#include "shadow/jobdir.h"
#include "shadow/pace.h"
#include "shadow/path.h"
#include "shadow/survive.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

enum {
    HANDLES_MAX = SURVIVE_HANDLES,
    HANDLE_STANDARD = 3,                      /* 0, 1 and 2 are always there */
    SHADOW_STREAM_MAX = SHADOW_OPEN_DATA_MAX, /* read at once, and kept */
};

/* --- open files -------------------------------------------------------------
 */

struct shadow;

struct handle {
    int fd; /* -1: free */
    uint16_t generation;
    bool readable;
    bool writable;
    bool append; /* always at the end, whatever the call says */
    bool path_only;
    char *path; /* of a directory: what names relative to it begin with */
    struct quota *quota; /* of the grant it was found in, or NULL */
};

/* The number on the wire: generation << 16 | index.  Generation 0 belongs to
 * the standard streams. */
struct handles {
    struct handle table[HANDLES_MAX];
    unsigned next;            /* where to look for a free one */
    struct kept_handle *kept; /* the same, as it survives this process */
};

void handles_init(struct handles *handles, struct kept_handle *kept);
/* Open again what a shadow that was killed had open.  -1 with ENOENT when a
 * file cannot be found. */
int handles_revive(struct shadow *shadow, struct ckpt_err *err);
/* A name was changed: so were those of open files. */
void handles_renamed(struct handles *handles, const char *from, const char *to);
/* A lock was set, or taken away. */
void handle_locked(struct handles *handles, uint32_t number, int type,
                   uint64_t start, uint64_t len);
/* Close all but the standard streams. */
void handles_clear(struct handles *handles);
/* NULL with EBADF. */
struct handle *handle_get(struct handles *handles, uint32_t number);
/* Takes over fd and path (malloc'ed, may be NULL).  -1 with EMFILE.  `place` is
 * where it was found. */
int64_t handle_add(struct shadow *shadow, const struct handle *handle,
                   const struct place *place, const struct stat *st);
int handle_close(struct handles *handles, uint32_t number);

/* --- sessions ---------------------------------------------------------------
 */

struct session {
    struct kept_session *kept;
    struct ckpt_serve_conn *conn; /* NULL: not connected now */
};

/* --- images ------------------------------------------------------------------
 */

struct images {
    uint32_t current;        /* generation, 0: none */
    struct kept_image *kept; /* the one being put */
    int put_fd;              /* -1: none is coming */
    int get_fd;              /* -1: not open */
    uint64_t size;
    struct pace pace;
};

/* --- the whole --- */

struct shadow {
    const char *dir;
    int dirfd;
    struct jobspec spec;
    int log_fd;
    int events_fd;
    int exe_fd;

    struct paths *paths;
    struct journal *journal;
    struct change *change;
    struct images images;

    struct survive *survive;
    bool revived;               /* the shadow before this one was killed */
    struct session sessions[3]; /* by role */
    struct note *note;          /* of the call that is being done */
    struct handles handles;
    struct stream_wait *waits; /* stream.c */
    char *cwd;                 /* the job's, in survive */

    struct ckpt_serve *serve;
    uint64_t sent, received; /* on connections that are closed */
    struct jobexit ended;    /* how is 0 while the job is not over */
    int64_t linger_until;    /* ms: when to leave after the end */
    int64_t starter_seen;    /* ms: last sign of life */
    unsigned denied;         /* lines about refused paths so far */
    struct map *told;        /* those paths */
    unsigned conflicts;
    unsigned refused; /* lines about refused peers so far */
};

int64_t now_ms(void);

/* session.c: functions of struct ckpt_serve_config */
int session_admit(struct svc_req *req);
void session_closed(struct ckpt_serve_conn *conn, void *daemon,
                    const struct ckpt_err *why);
void session_refused(void *daemon, const char *peer,
                     const struct ckpt_err *why);
struct shadow *shadow_of(struct svc_req *req);
/* The slot and number of a call.  0, or -1. */
int session_slot(struct svc_req *req, uint32_t *slot, uint32_t *seq);
/* Keep the reply of this call, though its kind may be done again.  0, or -1
 * with ENOMEM. */
int session_keep(struct svc_req *req);
/* The call came from the job's starter, or errno EPERM. */
bool is_starter(struct svc_req *req);

/* record_job.c */
void shadow_log(struct shadow *shadow, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void tell_event(struct shadow *shadow, enum jobevent_kind kind, int value,
                uint64_t cpu_usec, uint64_t size, const char *text);
/* A path outside the grants was asked for. */
void shadow_denied(struct shadow *shadow, const char *path);
/* A change would go over a grant's limit; `fd` is the file, or -1. */
void shadow_over_limit(struct shadow *shadow, struct quota *quota, int fd);
/* A connection is closed: add up what went over it. */
void shadow_count(struct shadow *shadow, const struct ckpt_serve_conn *conn);
/* The job is over: write `exit`, leave the loop soon. */
void shadow_end(struct shadow *shadow, enum jobexit_how how, int status,
                uint64_t cpu_usec, const char *text);

/* image.c.  Results: 0, or -1 with errno. */
int images_open(struct shadow *shadow, struct ckpt_err *err);
int images_put(struct shadow *shadow, uint64_t offset, const void *data,
               size_t len);
int images_commit(struct shadow *shadow, uint64_t size);
ssize_t images_get(struct shadow *shadow, uint64_t offset, void *data,
                   size_t len);
/* Everything the job wrote is on the disk. */
int files_sync(struct shadow *shadow);

/* confine.c: from now on this process can reach the granted files, the job's
 * directory, and the sockets it has.  Says in *how what the kernel gave. */
int confine(struct shadow *shadow, char how[JOBDIR_TEXT_MAX],
            struct ckpt_err *err);
/* When root: become the job's owner. */
int become_owner(struct shadow *shadow, struct ckpt_err *err);

/* call_at.c: what the procedures have in common */
int find_at(struct shadow *shadow, const shadow_at *at, bool follow,
            struct place *place);
/* As find_at(), for a change: EROFS where the grant is read-only, EBUSY where
 * the name is the grant's. */
int find_change(struct shadow *shadow, const shadow_at *at, bool follow,
                struct place *place);
/* An O_PATH descriptor of the place itself. */
int open_place_path(const struct place *place);
void attr_of(const struct shadow *shadow, const struct stat *st,
             shadow_attr *attr);

/* call_quota.c.  Around a change of an open file's length, to `grown` or by
 * `appended` bytes.  -1 with EDQUOT: too much. */
struct resize {
    struct quota *quota;
    int fd;
    off_t before;
};
int resize_begin(struct shadow *shadow, struct resize *resize, int fd,
                 struct quota *quota, off_t grown, off_t appended);
void resize_end(const struct resize *resize);
int truncate_to(struct shadow *shadow, int fd, struct quota *quota,
                uint64_t size);
/* What the quota gets back when the name, or the handle, goes. */
off_t freed_by_name(const struct shadow *shadow, const struct place *place);
off_t freed_by_close(const struct shadow *shadow, const struct handle *handle);
/* A file is to go from one grant to another: what the other must hold. */
int rename_fits(struct shadow *shadow, const struct place *from,
                const struct place *to, off_t *moved);

/* 0, or the errno the job is to see; logs what only we should see. */
int status_of(struct shadow *shadow, long rc);

#endif
