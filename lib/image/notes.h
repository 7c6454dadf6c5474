/* notes.h - what the notes of owner "CKPT" say
 *
 * Plain structs with an explicit encoding each (bytes.h).  Encoding happens in
 * the stopped program; decoding in the tools, which trust nothing.  Strings
 * are bounded; tables are arrays in memory that the caller lends.
 * doc/image-format.md has the layout.
 */
#ifndef CKPT_IMAGE_NOTES_H
#define CKPT_IMAGE_NOTES_H

#include "lib/arch/x86_64.h"
#include "lib/common/bytes.h"
#include "lib/common/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CKPT_IMAGE_VERSION = 2,       /* the newest: of increments... */
    CKPT_IMAGE_VERSION_WHOLE = 1, /* ...and of all other images */
    CKPT_PATH_MAX = 4096,
    CKPT_NAME_MAX = 128,
    CKPT_ID_LEN = 16,
    CKPT_CPU_WORDS = 8,
    CKPT_NSIG = 64,
    CKPT_COMM_MAX = 16,
    CKPT_AFFINITY_WORDS = 16, /* 1024 processors */
    CKPT_AUXV_MAX = 512,
};

/* META: which image this is, what it needs, and where to enter it. */
struct ckpt_meta {
    uint32_t version;
    uint8_t id[CKPT_ID_LEN];
    uint64_t time_ns;      /* CLOCK_REALTIME of the capture */
    uint64_t monotonic_ns; /* CLOCK_MONOTONIC of the capture */
    uint64_t boottime_ns;
    uint32_t page_size;
    uint32_t flags; /* CKPT_META_* */
    uint32_t cpu_features[CKPT_CPU_WORDS];
    uint64_t xcr0;     /* state components the kernel had enabled */
    uint64_t entry_pc; /* ckpt_revive_entry in the image */
    uint64_t entry_sp;
    uint64_t entry_fs;
    char program[CKPT_PATH_MAX]; /* /proc/self/exe */
    char host[CKPT_NAME_MAX];
    char kernel[CKPT_NAME_MAX];
    char library[CKPT_NAME_MAX]; /* libckpt's version */
    char started[CKPT_PATH_MAX]; /* the program in place of which `program` was
                                    executed by itself; "": none */
};
enum {
    CKPT_META_REMOTE = 1,
    CKPT_META_IN_VDSO = 2,     /* a thread is inside the kernel's vdso */
    CKPT_META_KNOWS_IDS = 4,   /* the program has asked for its ids, or holds
                                  locks that carry them */
    CKPT_META_LAZY = 8,        /* its libckpt can load memory while it runs */
    CKPT_META_PAGED = 16,      /* ...and wait for a pager */
    CKPT_META_HOLDS_LOCK = 32, /* a lock that a thread holds has its id; also
                                  when it is only in a base */
    CKPT_META_FLAGS_AT = 4 + CKPT_ID_LEN + 3 * 8 + 4, /* in the note */
};

/* MAPS: every mapping of the process, in order of address. */
enum ckpt_map_kind {
    CKPT_MAP_ANON = 1,   /* private memory, contents in the segments */
    CKPT_MAP_SHARED = 2, /* shared memory of this process alone; `object` says
                            which, `offset` where in it */
    CKPT_MAP_FILE = 3,   /* file mapping by reference; changed pages of a
                            private one are in the segments */
    CKPT_MAP_VDSO = 4,
    CKPT_MAP_VVAR = 5,
    CKPT_MAP_ZERO = 6, /* memory that is not saved: comes back zeroed */
};
enum {
    CKPT_MAPF_SHARED = 1,
    CKPT_MAPF_STACK = 2, /* grows downwards */
    CKPT_MAPF_HEAP = 4,  /* the brk area */
    CKPT_MAPF_HUGETLB = 8,
};
struct ckpt_map {
    uint64_t start, end;
    uint32_t kind; /* enum ckpt_map_kind */
    uint32_t prot;
    uint32_t flags;
    uint32_t reserved;
    uint64_t offset;
    uint64_t dev, ino; /* identity of the file, or of the shared object */
    uint64_t size;
    int64_t mtime_ns;
    const char *path; /* NUL-terminated; "" when anonymous; never NULL */
};

/* THREADS */
struct ckpt_thread_note {
    int32_t tid;
    int32_t policy;
    int32_t priority;
    int32_t nice;
    uint64_t record; /* address of its struct ckpt_thread in the image */
    uint64_t fs_base, gs_base;
    uint64_t pc, sp; /* of the interrupted code, for people */
    uint64_t affinity[CKPT_AFFINITY_WORDS];
    char comm[CKPT_COMM_MAX];
};

/* FILES: descriptors refer to open file descriptions by index. */
enum ckpt_file_kind {
    CKPT_FILE_REGULAR = 1,
    CKPT_FILE_DIRECTORY = 2,
    CKPT_FILE_DEVICE = 3, /* character device reopened by path */
    CKPT_FILE_CALLER = 4, /* terminal, pipe or socket that the caller of the
                             restart provides; `caller_fd` says which */
    CKPT_FILE_PIPE = 5,   /* the kinds from here on have a `state` */
    CKPT_FILE_SOCKETPAIR = 6,
    CKPT_FILE_EVENTFD = 7,
    CKPT_FILE_TIMERFD = 8,
    CKPT_FILE_SIGNALFD = 9,
    CKPT_FILE_EPOLL = 10,
    CKPT_FILE_INOTIFY = 11,
    CKPT_FILE_MEMFD = 12,    /* `content`, and seals */
    CKPT_FILE_UNLINKED = 13, /* a regular file without a name: `content` */
    CKPT_FILE_PTY = 14,
};
/* Bytes that the encodings of OBJECTS have; doc/image-format.md explains. */
struct ckpt_blob {
    const uint8_t *data;
    uint32_t len;
};
/* HABITS: what was set for a description after it was opened; 0: nothing. */
enum ckpt_owner { CKPT_OWNER_THREAD = 1, CKPT_OWNER_PROCESS, CKPT_OWNER_GROUP };
struct ckpt_habits {
    uint32_t owner;     /* who gets its signals: the first thread, the process
                           or its group; enum ckpt_owner */
    uint32_t signal;    /* F_SETSIG */
    uint32_t low_mark;  /* SO_RCVLOWAT */
    uint32_t peek_from; /* SO_PEEK_OFF, plus 1 */
};
struct ckpt_open_file {
    uint32_t kind;
    uint32_t flags; /* F_GETFL */
    uint32_t mode;  /* st_mode */
    int32_t caller_fd;
    uint64_t dev, ino, offset, size;
    int64_t mtime_ns;
    uint64_t digest;  /* of the contents of a file open for writing
                         (files/digest.h); 0: none */
    const char *path; /* never NULL */
    struct ckpt_habits habits;
    /* in the OBJECTS note, for files that have any of these */
    struct ckpt_blob state;   /* of the kind */
    struct ckpt_blob locks;   /* held through this description */
    struct ckpt_blob content; /* a note of its own, CONTENT */
    uint32_t content_number;  /* from 1: which of them; 0: none */
};
enum ckpt_lock_kind {
    CKPT_LOCK_FLOCK = 1,
    CKPT_LOCK_POSIX = 2,
    CKPT_LOCK_OFD = 3, /* of the open file description */
};
struct ckpt_descriptor {
    int32_t fd;
    uint32_t file; /* index of its open file description */
    uint32_t cloexec;
};

/* PROCESS: what belongs to the process as a whole. */
struct ckpt_sigaction_note {
    uint64_t handler, flags, restorer, mask;
};
struct ckpt_process {
    int32_t pid, ppid, pgid, sid;
    uint32_t uid, gid;
    uint32_t umask;
    uint32_t dumpable;
    uint64_t start_code, end_code, start_data, end_data;
    uint64_t start_brk, brk, start_stack;
    uint64_t arg_start, arg_end, env_start, env_end;
    uint32_t auxv_len;
    uint8_t auxv[CKPT_AUXV_MAX];
    struct ckpt_sigaction_note sigactions[CKPT_NSIG];
    uint64_t itimer_value_us[3], itimer_interval_us[3];
    uint64_t rlimit_cur[16], rlimit_max[16];
    char cwd[CKPT_PATH_MAX];
};

/* BASE: what an increment leaves to the image before it. */
struct ckpt_range {
    uint64_t start, end;
};
struct ckpt_base {
    uint8_t id[CKPT_ID_LEN]; /* of that image's META */
    const char *name;        /* its file, seen from this one's directory */
    const char *dir;         /* that directory when it was written */
    /* In these it has the contents, where no segment has them; all other
     * memory is zero. */
    const struct ckpt_range *held;
    size_t nheld;
};

/* TAKEN: how the image was taken, for people. */
enum ckpt_dirty_method {
    CKPT_DIRTY_OFF = 0, /* whole, and no increment can follow */
    CKPT_DIRTY_UFFD = 1,
    CKPT_DIRTY_SOFTDIRTY = 2,
    CKPT_DIRTY_HASH = 3,
};
enum { CKPT_REASON_MAX = 200 };
struct ckpt_taken {
    uint32_t method;              /* enum ckpt_dirty_method */
    uint32_t depth;               /* bases below; 0: stands by itself */
    uint64_t interval_ns;         /* of periodic checkpoints; 0: none */
    char reason[CKPT_REASON_MAX]; /* of the interval */
};

/* KEPT: files go back in time with the image (lib/keep). */
struct ckpt_kept {
    uint32_t number;         /* of the files' state; 0: they do not */
    char dir[CKPT_PATH_MAX]; /* where it is kept; absolute */
};

/* Encoders append to `b`; check b->failed at the end. */
void ckpt_base_encode(struct ckpt_bytes *b, const struct ckpt_base *base);
void ckpt_taken_encode(struct ckpt_bytes *b, const struct ckpt_taken *taken);
void ckpt_meta_encode(struct ckpt_bytes *b, const struct ckpt_meta *meta);
void ckpt_maps_encode(struct ckpt_bytes *b, const struct ckpt_map *maps,
                      size_t count);
void ckpt_threads_encode(struct ckpt_bytes *b,
                         const struct ckpt_thread_note *threads, size_t count);
void ckpt_files_encode(struct ckpt_bytes *b, const struct ckpt_open_file *files,
                       size_t nfiles, const struct ckpt_descriptor *descriptors,
                       size_t ndescriptors);
/* What FILES has no room for. */
/* Whether there are any: then the note is to be written. */
bool ckpt_habits_any(const struct ckpt_open_file *files, size_t nfiles);
void ckpt_habits_encode(struct ckpt_bytes *b,
                        const struct ckpt_open_file *files, size_t nfiles);
void ckpt_objects_encode(struct ckpt_bytes *b,
                         const struct ckpt_open_file *files, size_t nfiles);
void ckpt_kept_encode(struct ckpt_bytes *b, const struct ckpt_kept *kept);
void ckpt_process_encode(struct ckpt_bytes *b, const struct ckpt_process *p);

/* Everything the CKPT notes of one image say.  The strings point into memory
 * that the struct owns. */
struct ckpt_notes {
    struct ckpt_meta meta;
    struct ckpt_map *maps;
    size_t nmaps;
    struct ckpt_thread_note *threads;
    size_t nthreads;
    struct ckpt_open_file *files;
    size_t nfiles;
    struct ckpt_descriptor *descriptors;
    size_t ndescriptors;
    struct ckpt_process process;
    struct ckpt_taken taken;
    struct ckpt_kept kept;
    char *strings;
};

struct ckpt_image;

/* Decode the notes of an image (allocates; not for use inside programs; blobs
 * point into the image, which must outlive the notes).  0,
 * or -1 with EPROTO and the note that is wrong, or ENOTSUP for a newer
 * version; `notes` is to be cleared after success only. */
int ckpt_notes_read(const struct ckpt_image *image, struct ckpt_notes *notes,
                    struct ckpt_err *err);
void ckpt_notes_clear(struct ckpt_notes *notes);

#endif
