/* state.h - what the client of the shadow knows (internal to lib/remote)
 *
 *   descriptor --> open description --> node (the file)    session --> shadow
 *   fds[fd]        files[i]             nodes[j]           slots, channel
 *   the kernel     handle, flags,       write-behind,
 *   has a          offset, path         read-ahead
 *   stand-in
 *
 * Two regions, both mapped at the start of remote mode and never freed:
 *   ckpt_state  ordinary memory, part of every image: tables, identity
 *   ckpt_link   unsaved memory, zero after a restart: keys, connection, cache
 *               contents (a checkpoint empties the cache first)
 *
 * Everything here is read and changed only under the client's lock
 * (ckpt_locked(), lock.c), but for ckpt_fd_remote().
 */
#ifndef CKPT_REMOTE_STATE_H
#define CKPT_REMOTE_STATE_H

#include "lib/capture/unsaved.h"
#include "lib/common/err.h"
#include "lib/common/sys.h"
#include "lib/proto/boot.h"
#include "lib/proto/shadow.h"

#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>

enum {
    CKPT_FDS = 65536,  /* descriptors; above, open fails with EMFILE */
    CKPT_FILES = 4096, /* open descriptions */
    CKPT_NODES = 4096, /* files with an open description */
    CKPT_POOL = 64,    /* cache buffers */
    CKPT_POOL_LEN = 1 << 18,
    CKPT_SLOTS = SHADOW_SLOTS, /* calls in flight */
    CKPT_CALL_STACK = 1 << 17,
    CKPT_FD_PRIVATE =
        0xffff, /* fds[]: libckpt's own, hidden from the program */
};

enum ckpt_kind { CKPT_KIND_FILE, CKPT_KIND_DIR, CKPT_KIND_STREAM };

/* Where the files below a path lie. */
enum ckpt_side {
    CKPT_SIDE_HOME,
    CKPT_SIDE_STATION,
    CKPT_SIDE_SCRATCH, /* of the job, on the station, under another name */
    CKPT_SIDE_FETCH    /* at home, copied when opened */
};
struct ckpt_rule {
    enum ckpt_side side;
    char prefix[256];
};

/* One open file description of the program. */
struct ckpt_file {
    uint32_t refs; /* descriptors; 0: free */
    uint32_t handle;
    int flags; /* as F_GETFL tells them */
    enum ckpt_kind kind;
    uint16_t node;   /* index */
    bool standard;   /* handle 0, 1 or 2 of every session */
    bool at_end;     /* the offset is where the last append ended */
    bool at_dirty;   /* the node's follower: offset is out of date */
    bool attr_fresh; /* attr is as of call number attr_call */
    uint64_t attr_call;
    uint64_t offset; /* for directories: the cookie */
    struct shadow_attr attr;
    char path[PATH_MAX]; /* absolute, at home */
};

/* A window of a file that was asked for before it was needed. */
enum { CKPT_AHEAD = 12 };
struct ckpt_ahead {
    uint64_t start;
    uint32_t want;
    int32_t got; /* or -errno */
    uint16_t buf;
    uint8_t state;
};

/* Bytes [from, to) of the window of dirty bytes. */
enum { CKPT_PARTS = 16 };
struct ckpt_part {
    uint32_t from, to;
};

/* One file at home, however often it is open: its cached contents.  `dirty`
 * bytes from wstart on are written and not sent, and so are `parts` of the
 * window that begins at wbase; no parts while nothing is dirty
 * (cache_write.c). */
struct ckpt_node {
    uint64_t dev, ino;
    uint32_t refs;
    uint16_t wbuf, rbuf; /* pool buffer + 1, or 0 */
    bool append;         /* the dirty bytes go to the end, whatever wstart */
    uint32_t whandle;
    uint64_t wstart;
    uint64_t dirty;
    uint64_t wbase;
    uint32_t parts; /* apart from each other */
    struct ckpt_part part[CKPT_PARTS];
    uint16_t follower; /* file + 1 whose offset is the dirty bytes' end, or 0 */
    uint32_t inflight; /* WRITEs sent and not answered */
    int error;         /* of a late write, told once */
    uint64_t end;      /* after the last answered write */
    uint64_t sent_tsc; /* when dirty bytes were last sent */
    uint64_t longer_tsc; /* the pause until they are again: so much longer */
    uint64_t rstart;
    uint32_t rlen;
    uint64_t end_tsc; /* when the window was seen to reach the file's end */
    bool ended;       /* it does */
    uint64_t rnext;   /* where a sequential reader reads next */
    uint32_t rwindow;
    uint32_t depth;       /* how many windows are asked for ahead */
    uint64_t taken_tsc;   /* when the last one was taken */
    uint64_t between_tsc; /* that happens so often, on the average */
    struct ckpt_ahead ahead[CKPT_AHEAD];
};

/* A shared mapping of a file at home: our memory, and the bytes as they are at
 * home.  It holds a reference to `file`. */
enum { CKPT_MAPS = 64 };
struct ckpt_map {
    uint64_t at, len; /* 0: free */
    uint64_t offset;
    uint8_t *home;
    struct ckpt_file *file;
};

struct ckpt_sigaction { /* the kernel's layout */
    uint64_t handler;
    uint64_t flags;
    uint64_t restorer;
    uint64_t mask;
};

struct ckpt_state {
    bool active;
    uint16_t fds[CKPT_FDS]; /* 0: the kernel's own; else file index + 1 */
    struct ckpt_file files[CKPT_FILES];
    struct ckpt_node nodes[CKPT_NODES];
    uint32_t files_top, nodes_top; /* entries ever used */
    struct ckpt_map maps[CKPT_MAPS];
    uint32_t maps_used;
    struct ckpt_rule rules[SHADOW_RULES_MAX];
    uint32_t rule_count;
    bool cwd_local;
    bool cwd_scratch; /* then cwd is the program's name for it */
    char cwd[PATH_MAX];
    uint32_t umask;
    struct shadow_identity id; /* its pointers point into id_text */
    char id_text[3][SHADOW_NAME_MAX + 1];
    unsigned int id_groups[SHADOW_GROUPS_MAX];
    char id_cwd[SHADOW_PATH_MAX + 1];
    struct ckpt_sigaction sigsys; /* what the program set for SIGSYS */
    uint64_t internal[2];         /* handlers of the C library's own signals */
    uint64_t defaulted; /* signals whose default action flushes first */
    uint8_t told[64];   /* refused calls that were logged, by number */
    uint8_t cloexec[CKPT_FDS / 8]; /* as of the last checkpoint */
    bool small_altstack; /* some thread's has no room for the SIGSYS handler */
};

/* A call in flight.  The record is kept until the reply has come, so that it
 * can be sent again after a reconnect. */
struct ckpt_slot {
    uint32_t seq;
    uint32_t xid;
    uint64_t order; /* of issue */
    enum { CKPT_SLOT_FREE, CKPT_SLOT_BUSY } state;
    uint32_t proc;
    int node;               /* of an unwaited WRITE or READ, or -1 */
    int ahead;              /* index of an unwaited READ */
    uint32_t count;         /* bytes it writes */
    struct ckpt_park *park; /* who waits for it, or NULL */
    uint32_t len;           /* of the record */
    uint8_t *record;
};

struct ckpt_link {
    struct ckpt_boot boot;
    struct ckpt_channel *channel; /* inside channel_memory, when connected */
    uint8_t *channel_memory;
    int sock;    /* private descriptors, or -1 */
    int message; /* the station's standard error */
    int self;    /* our process id on the station */
    int wake;    /* eventfd: a parked call has been answered */
    uint8_t session[SHADOW_ID_LEN];
    bool bound;
    uint32_t next_xid;
    uint64_t calls;   /* made so far */
    uint64_t changes; /* of those, that may have changed a file */
    struct ckpt_attrs *attrs;
    uint64_t rtt_tsc; /* the shortest time to an answer on this connection */
    struct ckpt_slot slots[CKPT_SLOTS];
    uint8_t *reply; /* one record */
    uint32_t reply_len;
    uint8_t *pool;                  /* CKPT_POOL buffers */
    uint16_t pool_owner[CKPT_POOL]; /* node + 1 */
    uint32_t pool_next;
    uint32_t dirty_nodes;
    uint64_t due_tsc; /* when some of them must be sent */
    uint8_t *image;   /* bytes of an image not yet sent, SHADOW_DATA_MAX */
    uint32_t image_len;
    uint64_t image_offset; /* of those */
    int image_error;
    uint8_t *call_stack_top;
    char where[2][2][PATH_MAX]; /* working memory of path.c */
    char scratch[PATH_MAX];     /* where local paths begin on this station */
};

extern struct ckpt_state *ckpt_state;
extern struct ckpt_link *ckpt_link;

/* --- lock.c --------------------------------------------------------------- */

/* A READ of a terminal or pipe at home, which may take for ever: it has a slot,
 * but nobody holds the lock for it (park.c). */
struct ckpt_park {
    enum { CKPT_PARK_AGAIN, CKPT_PARK_SENT, CKPT_PARK_DONE } state;
    bool nonblock;
    uint32_t handle;
    uint32_t len;
    void *buf;
    long result;
};

/* A trapped call. */
struct ckpt_call {
    long nr;
    uint64_t arg[6];
    ucontext_t *uc;
    struct ckpt_park park;
    long (*body)(struct ckpt_call *call); /* of ckpt_named() */
};
/* The result of a handler that leaves the call to the kernel. */
#define CKPT_LOCAL LONG_MIN
/* Inside a handler: the same, with the rewritten names. */
#define CKPT_SCRATCH (LONG_MIN + 1)
/* Inside a handler: it has filled in `park`. */
#define CKPT_PARKED (LONG_MIN + 2)

/* Run fn(call) under the client's lock, on the client's own stack.  All
 * signals are blocked. */
long ckpt_locked(long (*fn)(struct ckpt_call *call), struct ckpt_call *call);

/* The lock for what fast.c does: without a system call, with signals open.
 * Returns what the lock word now holds, or 0 when it is not free.  It may be
 * taken away at any time: what is done under it must be one
 * ckpt_copy_commit(). */
extern uint64_t ckpt_lock;
uint64_t ckpt_lock_lend(void);
void ckpt_lock_give_back(uint64_t mine);
/* The kernel can abort restartable sequences of other threads, from now on. */
bool ckpt_lock_can_lend(void);

/* --- session.c, wire.c --------------------------------------------------
 */

/* Connect and bind; a first start fails with err, errno EACCES when the shadow
 * serves another incarnation. */
int ckpt_session_open(struct ckpt_err *err);
/* The same, but an outage of half a minute is waited for. */
int ckpt_session_open_waiting(struct ckpt_err *err);
/* Connect again, for as long as it takes; send again what is in flight. */
void ckpt_session_recover(void);
void ckpt_session_close(void);
/* A line for the job's log at home; does not wait. */
void ckpt_session_log(const char *text);
/* Print one line on the station's standard error and end the process. */
void ckpt_session_die(const char *why) __attribute__((noreturn));

/* Begin a call in a free slot (waiting for one): the header and the encoded
 * arguments. */
struct ckpt_slot *ckpt_wire_begin(uint32_t proc, xdrproc_t encode, void *args);
void ckpt_wire_issue(struct ckpt_slot *slot);
/* Wait for this slot's answer; `results` then decodes from ckpt_link->reply,
 * until the next request.  Answers to other slots are taken on the way. */
void ckpt_wire_wait(struct ckpt_slot *slot, XDR *results);
/* Take one answer; only when a call is in flight. */
void ckpt_wire_take(void);
/* Free slots. */
int ckpt_wire_room(void);
/* Take answers until no WRITE to `node` (-1: nothing at all, but for parked
 * READs) is in flight. */
void ckpt_wire_settle(int node);

/* Send and wait.  `results` may be NULL with a proc whose result begins with
 * the status.  Returns -status, or -EIO when the answer makes no sense. */
long ckpt_session_call(uint32_t proc, xdrproc_t encode, void *args,
                       xdrproc_t decode, void *results);

/* --- park.c ------------------------------------------------------------------
 */

/* Carry out call->park, without the lock; signals are let in.  The result, or
 * -EINTR. */
long ckpt_park_wait(struct ckpt_call *call);
/* The answer has come. */
void ckpt_park_answered(struct ckpt_park *park, XDR *xdr);
/* Have every parked READ answered now; those that got nothing are sent again
 * later.  Under the lock. */
void ckpt_park_cancel_all(void);
/* The bytes of an answer to READ: the count, or -errno.  (cache_read.c) */
int ckpt_take_data(XDR *xdr, void *to, uint32_t len);
/* Wait for ms, and let signals in that come.  0, or -EINTR when a handler ran
 * that does not restart calls. */
long ckpt_call_wait(struct ckpt_call *call, int ms);

/* --- link.c ----------------------------------------------------------------
 */

/* Map both regions, once. */
int ckpt_state_map(struct ckpt_err *err);
/* Lay out ckpt_link, which is all zero, and read the boot record. */
int ckpt_link_init(int boot_fd, struct ckpt_err *err);

/* --- table.c ---------------------------------------------------------------
 */

static inline bool ckpt_fd_remote(uint64_t fd)
{
    return (uint32_t)fd < CKPT_FDS &&
           __atomic_load_n(&ckpt_state->fds[(uint32_t)fd], __ATOMIC_ACQUIRE);
}

/* The description of a remote descriptor, or NULL (EBADF); its offset is up to
 * date. */
struct ckpt_file *ckpt_file_of(uint64_t fd);
/* Bring the offset of the node's follower up to date; it follows no more. */
void ckpt_node_unfollow(struct ckpt_node *node);
struct ckpt_file *ckpt_file_new(uint32_t handle, int flags, const char *path,
                                const struct shadow_attr *attr);
/* Drop one reference; the last one sends CLOSE.  Returns 0 or -errno of a late
 * write. */
long ckpt_file_put(struct ckpt_file *file);
/* A descriptor with a stand-in for `file`; takes over the reference.  -errno:
 * the caller still has it. */
long ckpt_fd_make(struct ckpt_file *file, bool cloexec);
void ckpt_fd_set(int fd, struct ckpt_file *file);
/* Make the kernel's descriptor `fd` a stand-in (again). */
long ckpt_fd_stand_in(int fd, struct ckpt_file *file, bool cloexec);
/* Move a descriptor of libckpt's own to a high number, close-on-exec, and hide
 * it from the program.  The new number or -errno; `fd` is closed. */
long ckpt_fd_hide(int fd);
/* Close it; or only forget it, when somebody else closed it. */
void ckpt_fd_unhide(int fd);
void ckpt_fd_forget(int fd);

/* --- cache.c, cache_write.c, cache_read.c ----------------------------------
 */

long ckpt_cache_read(struct ckpt_file *file, void *buf, size_t len,
                     uint64_t offset);
/* At the end of the file when `append`. */
long ckpt_cache_write(struct ckpt_file *file, const void *buf, size_t len,
                      uint64_t offset, bool append);
/* The file, just opened, holds these bytes and no more. */
void ckpt_cache_fill(struct ckpt_file *file, const void *buf, size_t len);
/* Send all dirty bytes of a node / of all nodes; does not wait. */
void ckpt_cache_send(struct ckpt_node *node);
void ckpt_cache_send_all(void);
/* Send and wait; returns and clears the late error, as -errno. */
long ckpt_cache_settle(struct ckpt_node *node);
/* Forget cached contents that are not dirty. */
void ckpt_cache_drop(struct ckpt_node *node);
/* The answer to an unwaited WRITE. */
void ckpt_cache_written(int node, uint32_t asked, int status,
                        const struct shadow_write_ok *ok);
/* The answer to an unwaited READ. */
void ckpt_ahead_arrived(int node, int ahead, XDR *xdr);
struct ckpt_node *ckpt_node_get(const struct shadow_attr *attr);
void ckpt_node_put(struct ckpt_node *node);
int ckpt_node_index(const struct ckpt_node *node);

/* --- map.c -------------------------------------------------------------------
 */

/* Room for one more shared mapping: NULL when there is none. */
struct ckpt_map *ckpt_map_new(struct ckpt_file *file, uint64_t at, uint64_t len,
                              uint64_t offset);
/* mmap(MAP_FIXED) is about to put something else there. */
long ckpt_maps_cover(struct ckpt_call *call);
/* Write what was changed in all of them.  The first error, or 0. */
long ckpt_maps_write_back(void);

/* --- fast.c, names.c ---------------------------------------------------------
 */

/* Reads and writes that the cache can serve at once, lseek, at any time and
 * with any signal mask.  `at` is NULL for the description's own offset.  The
 * result, or CKPT_LOCAL: make the call. */
long ckpt_fast_read(int fd, void *buf, size_t len, const uint64_t *at);
long ckpt_fast_write(int fd, const void *buf, size_t len, const uint64_t *at);
long ckpt_fast_seek(int fd, int64_t offset, int whence);
/* A stat(2) or lstat(2) that was answered a moment ago. */
struct stat;
long ckpt_fast_stat(const char *path, bool follow, struct stat *to);
/* A call on a remote regular file or directory, without a trap; CKPT_LOCAL for
 * other descriptors. */
long ckpt_direct_call(struct ckpt_call *call,
                      long (*fn)(struct ckpt_call *call));
/* From now on the program's calls of libc's names come to names.c first. */
void ckpt_names_install(void);

/* --- path.c ----------------------------------------------------------------
 */

struct ckpt_where {
    bool local;     /* the kernel's */
    bool rewritten; /* local, but under the name in `full` */
    bool scratch;   /* rewritten, and the job may change what is there */
    bool fetch;     /* at home, to be copied when opened */
    bool empty;     /* the path was "" */
    int fd;         /* the path names this descriptor (/dev/fd/N), or -1 */
    struct shadow_at at;
    char *full; /* absolute and normalized; "" relative to a local directory */
};

/* Is this absolute, normalized path on the station, unless a rule says
 * otherwise? */
bool ckpt_path_is_local(const char *path);
/* Where does the program's `path` (user memory), relative to `dirfd`, lie?
 * `which` is 0 or 1: calls with two paths need both.  0 or -errno. */
long ckpt_path_resolve(uint64_t dirfd, uint64_t path, int which,
                       struct ckpt_where *where);
/* Join and normalize: at most PATH_MAX with terminator; 0 or -ENAMETOOLONG. */
long ckpt_path_join(char *out, const char *dir, const char *path);

/* --- rules.c ---------------------------------------------------------------
 */

enum ckpt_side ckpt_path_side(const char *path);
/* Ask the shadow for the rules; prepare the scratch directory for them. */
int ckpt_rules_fetch(struct ckpt_err *err);
int ckpt_rules_prepare(struct ckpt_err *err);
/* EBUSY naming what would be lost. */
int ckpt_scratch_is_empty(struct ckpt_err *err);
/* Put the scratch directory's name before the PATH_MAX bytes of `full`. */
long ckpt_scratch_name(char *full);
/* Run call->body under the lock; when it says CKPT_SCRATCH, the kernel's call
 * with the names that were resolved last. */
long ckpt_named(struct ckpt_call *call);
long ckpt_scratch_call(struct ckpt_call *call);
/* A local descriptor for a copy of the file, open for reading, or -errno. */
long ckpt_fetch(struct ckpt_file *file, int flags);

/* --- trap.c, filter.c -------------------------------------------------------
 */

int ckpt_filter_install(struct ckpt_err *err);
int ckpt_trap_install(struct ckpt_err *err);
/* Copy from and to user memory; -EFAULT where there is none. */
long ckpt_user_read(void *to, uint64_t from, size_t len);
long ckpt_user_write(uint64_t to, const void *from, size_t len);
/* Under the lock: note in the job's log, once per call number, that it was
 * refused. */
void ckpt_refusal_log(long nr, const char *why);
const char *ckpt_syscall_name(long nr);
/* Signals of which the program never hears a thing and which end it: have them
 * flush first.  (calls_signal.c) */
void ckpt_signals_install(void);
/* Flush, then let the default action of `sig` end the process. */
void ckpt_end_with(int sig, ucontext_t *uc);
/* fcntl(F_DUPFD, F_DUPFD_CLOEXEC) of a remote descriptor.  (table.c) */
long ckpt_fd_copy(uint64_t fd, int command, uint64_t least);
/* Ask home for up to `room` entries of an open directory from `cookie` on, and
 * hand them to `take` until it has no room.  0 or -errno.  (readdir.c) */
long ckpt_readdir(uint32_t handle, int64_t cookie, size_t room,
                  bool (*take)(void *arg, const shadow_dirent *entry),
                  void *arg);
/* Attributes of an open file, at home.  0 or -errno.  (calls_stat.c) */
long ckpt_file_attr(struct ckpt_file *file, struct shadow_attr *attr);
/* Run fn under the lock if this descriptor is remote; else the kernel's. */
static inline long ckpt_if_remote(uint64_t fd,
                                  long (*fn)(struct ckpt_call *call),
                                  struct ckpt_call *call)
{
    return ckpt_fd_remote(fd) ? ckpt_locked(fn, call) : CKPT_LOCAL;
}

#define CKPT_SYSCALL(number, name, check, argument, handler)                   \
    long ckpt_on_##handler(struct ckpt_call *call);
#include "lib/wrap/syscalls.inc"
#undef CKPT_SYSCALL

#endif
