/* increment.c - see increment.h */
#include "lib/capture/increment.h"

#include "lib/capture/capture.h"
#include "lib/capture/changes.h"
#include "lib/capture/hashes.h"
#include "lib/capture/state.h"
#include "lib/capture/unsaved.h"
#include "lib/common/sys.h"
#include "lib/image/bases.h"
#include "lib/remote/remote.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum {
    /* A chain is read link by link at a restart, and takes the room of all
     * its images: after so many increments, or when they are together as
     * large as the whole image below them, a whole one follows. */
    DEPTH_MAX = 30,
    /* Changed pages up to here are copied while the program stands still;
     * more are cheaper left to copy-on-write. */
    COPY_MAX = 64 << 20,
    /* Memory of which a child need not have the page tables, and what is left
     * around an address that it looks at. */
    HIDE_MIN = 4 << 20,
    WINDOW = 256 << 10,
    RUNS_MAX = 1 << 20,
    PAGE = 4096,
    HUGE_PAGE = 2 << 20,
    /* What an increment has beside its pages, generously. */
    NOTES_MAX = 16 << 20,
};

/* One image, as the next one needs to know it. */
struct link {
    bool valid;
    uint8_t id[CKPT_ID_LEN];
    char chain[20]; /* name of the chain: from the id of its first image */
    uint32_t depth;
    uint64_t whole_bytes; /* of the whole image below... */
    uint64_t bytes;       /* ...and of all increments on it */
    uint64_t bytes_max;   /* no increment like this one has more */
};

/* In unsaved memory: the pages are zero in a new process. */
struct ckpt_chain {
    struct ckpt_tracker tracker;
    char path[CKPT_PATH_MAX]; /* of the images of this chain */
    struct link base;         /* durable */
    struct link pending;      /* being written */
    void *before, *now;       /* hashes of the base, of the pending */
    size_t before_len, now_len;
    uint8_t *copy; /* room for changed pages, kept for the next time */
    size_t copy_len;
    uint64_t exclusions; /* a digest of what the base leaves out */
};

static struct ckpt_capture_state *const s = &ckpt_capture_state;

static struct ckpt_chain *chain(void)
{
    if (!s->chain)
        s->chain = ckpt_unsaved_memory(sizeof *s->chain);
    return s->chain;
}

static struct ckpt_range range_of(const void *at, size_t len)
{
    uint64_t start = (uint64_t)(uintptr_t)at;

    return (struct ckpt_range){start, start ? start + len : 0};
}

void ckpt_increment_omit(struct ckpt_range omit[CKPT_INCREMENT_OMIT])
{
    const struct ckpt_chain *c = s->settings.incremental ? chain() : s->chain;

    memset(omit, 0, CKPT_INCREMENT_OMIT * sizeof omit[0]);
    if (!c)
        return;
    omit[0] = range_of(c->before, c->before_len);
    omit[1] = range_of(c->copy, c->copy_len);
}

bool ckpt_increment_owns_fd(int fd)
{
    return s->chain && ckpt_tracker_owns(&s->chain->tracker, fd);
}

/* --- what can be followed ------------------------------------------------- */

/* Private memory of the process alone.  The main stack grows in its own way,
 * and is small. */
static bool is_plain(const struct ckpt_map *m)
{
    return m->kind == CKPT_MAP_ANON && m->ino == 0 &&
           !(m->flags & (CKPT_MAPF_SHARED | CKPT_MAPF_STACK));
}

static bool has_hashes(const struct ckpt_map *m)
{
    return m->kind == CKPT_MAP_ANON || m->kind == CKPT_MAP_SHARED ||
           m->kind == CKPT_MAP_VDSO ||
           (m->kind == CKPT_MAP_FILE && !(m->flags & CKPT_MAPF_SHARED));
}

/* Divide the mappings into those that are followed and those that are hashed.
 */
static int divide(struct ckpt_increment *inc, struct ckpt_chain *c,
                  const struct ckpt_memory *memory, struct ckpt_arena *arena,
                  struct ckpt_err *err)
{
    size_t n = memory->nmaps, nhashed = 0;
    struct ckpt_range *tracked = ckpt_arena_alloc(arena, n * sizeof *tracked);
    struct ckpt_range *hashed = ckpt_arena_alloc(arena, n * sizeof *hashed);

    if (!tracked || !hashed)
        return ckpt_err_sys(err, "lists of %zu mappings", n);
    for (size_t i = 0; i < n; i++) {
        const struct ckpt_map *m = &memory->maps[i];
        struct ckpt_range r = {m->start, m->end};
        if (is_plain(m) && ckpt_tracker_follow(&c->tracker, r.start, r.end))
            tracked[inc->since.ntracked++] = r;
        else if (has_hashes(m))
            hashed[nhashed++] = r;
    }
    inc->since.tracked = tracked;
    c->now = ckpt_hashes_map(hashed, nhashed, &c->now_len, err);
    inc->since.now = c->now;
    inc->since.before = c->before;
    return c->now ? 0 : -1;
}

/* Find the runs of what is followed, and begin to follow anew. */
static int scan(struct ckpt_increment *inc, struct ckpt_chain *c,
                struct ckpt_arena *arena, struct ckpt_err *err)
{
    struct ckpt_runs *runs = &inc->runs;
    size_t room;

    runs->list = ckpt_arena_rest(arena, &room);
    runs->room = room / 2 / sizeof *runs->list;
    if (runs->room > RUNS_MAX)
        runs->room = RUNS_MAX;
    for (size_t i = 0; i < inc->since.ntracked; i++)
        if (ckpt_tracker_scan(&c->tracker, inc->since.tracked[i].start,
                              inc->since.tracked[i].end, runs, err) < 0)
            return -1;
    ckpt_arena_keep(arena, runs->count * sizeof *runs->list);
    inc->since.runs = runs;
    inc->since.room = runs->count + 65536;
    inc->since.held =
        ckpt_arena_reserve(arena, inc->since.room * sizeof *inc->since.held);
    if (!inc->since.held)
        return ckpt_err_sys(err, "list of unchanged pages");
    return ckpt_tracker_restart(&c->tracker, err);
}

/* --- which image may this one build on ------------------------------------ */

static uint64_t exclusions(void)
{
    uint64_t sum = s->nexclude + 1;

    for (size_t i = 0; i < s->nexclude; i++)
        sum = (sum ^ s->exclude[i].start ^ s->exclude[i].end << 1) *
              0x9e3779b97f4a7c15u;
    return sum;
}

/* The size of the member, 0 when it is not there. */
static uint64_t member_bytes(const char *path, const char *member)
{
    char name[CKPT_PATH_MAX + 64];
    struct stat st;

    if (!ckpt_bases_member(path, member, name, sizeof name) ||
        ckpt_sys(SYS_newfstatat, AT_FDCWD, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    return (uint64_t)st.st_size;
}

static void member_name(const struct link *l, char *name, size_t size)
{
    snprintf(name, size, "%s.%u", l->chain, l->depth);
}

static bool may_extend(const struct ckpt_chain *c, const char *path)
{
    char member[64];

    member_name(&c->base, member, sizeof member);
    return c->base.valid && strcmp(c->path, path) == 0 &&
           c->base.depth < DEPTH_MAX && c->base.bytes < c->base.whole_bytes &&
           c->exclusions == exclusions() && member_bytes(path, member) > 0;
}

/* Not when most of the memory has changed: the room for a whole image is
 * better spent on one. */
static bool is_worthwhile(const struct ckpt_increment *inc)
{
    return !inc->runs.overflow &&
           (inc->runs.changed_bytes < inc->runs.bytes / 2 ||
            inc->runs.changed_bytes < COPY_MAX);
}

/* --- names ---------------------------------------------------------------- */

static void name_first(struct link *l)
{
    for (int i = 0; i < 8; i++)
        snprintf(l->chain + 2 * i, 3, "%02x", l->id[i]);
    l->depth = 0;
}

static void name_next(struct link *l, const struct link *base)
{
    memcpy(l->chain, base->chain, sizeof l->chain);
    l->depth = base->depth + 1;
    l->whole_bytes = base->whole_bytes;
    l->bytes = base->bytes;
}

/* What BASE says: the base's name, seen from the directory of the image. */
static void refer(struct ckpt_increment *inc, const struct link *base,
                  const char *path)
{
    const char *slash = strrchr(path, '/');
    char member[64];

    member_name(base, member, sizeof member);
    snprintf(inc->base_name, sizeof inc->base_name,
             "%s" CKPT_BASES_SUFFIX "/%s", slash ? slash + 1 : path, member);
    snprintf(inc->dir, sizeof inc->dir, "%.*s", slash ? (int)(slash - path) : 0,
             path);
    memcpy(inc->base.id, base->id, sizeof inc->base.id);
    inc->base.name = inc->base_name;
    inc->base.dir = inc->dir;
}

/* --- room to copy --------------------------------------------------------- */

/* Into huge pages, whose first touch costs less. */
static uint8_t *map_copy(size_t len)
{
    long p = ckpt_sys(SYS_mmap, 0, len + HUGE_PAGE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (ckpt_sys_errno(p) == -1)
        return NULL;
    uint64_t start = ((uint64_t)p + HUGE_PAGE - 1) & ~(uint64_t)(HUGE_PAGE - 1);
    ckpt_sys(SYS_munmap, p, start - (uint64_t)p);
    ckpt_sys(SYS_munmap, start + len, (uint64_t)p + HUGE_PAGE - start);
    ckpt_sys(SYS_madvise, start, len, MADV_HUGEPAGE);
    return (uint8_t *)start;
}

/* Room for `len` bytes.  Zeroing new pages takes as long as copying, so it is
 * kept, where it is little beside the program's own memory. */
static uint8_t *room_for(struct ckpt_chain *c, size_t len)
{
    if (c->copy_len >= len)
        return c->copy;
    if (c->copy)
        ckpt_sys(SYS_munmap, c->copy, c->copy_len);
    c->copy_len = (len + len / 4 + HUGE_PAGE) & ~(uint64_t)(HUGE_PAGE - 1);
    c->copy = map_copy(c->copy_len);
    if (!c->copy)
        c->copy_len = 0;
    return c->copy;
}

static void keep_room(struct ckpt_chain *c, uint64_t program_bytes)
{
    if (!c->copy || c->copy_len <= program_bytes / 16)
        return;
    ckpt_sys(SYS_munmap, c->copy, c->copy_len);
    c->copy = NULL;
    c->copy_len = 0;
}

/* Half of what makes a whole image follow.  Where files are kept, only libckpt
 * may write images. */
static bool is_long(const struct link *l, bool in_child)
{
    return in_child && l->depth > 0 && s->settings.merge &&
           s->settings.merger[0] && s->kept_dir[0] == '\0' &&
           (l->depth >= s->settings.merge || l->bytes >= l->whole_bytes / 2);
}

static void begin_merging(struct ckpt_increment *inc, const struct link *l,
                          const struct ckpt_increment_plan *plan)
{
    struct link fresh = *l;

    name_first(&fresh);
    member_name(&fresh, inc->merged_member, sizeof inc->merged_member);
    inc->merge = is_long(l, plan->in_child);
}

/* --- the steps ------------------------------------------------------------ */

static int begin(struct ckpt_increment *inc, struct ckpt_chain *c,
                 struct ckpt_memory *memory,
                 const struct ckpt_increment_plan *plan,
                 struct ckpt_arena *arena, struct ckpt_err *err)
{
    struct link base = c->base;
    bool extends = may_extend(c, plan->path);

    c->base.valid = false; /* what it builds on is being overwritten */
    if (divide(inc, c, memory, arena, err) < 0 || scan(inc, c, arena, err) < 0)
        return -1;
    memset(&c->pending, 0, sizeof c->pending);
    memcpy(c->pending.id, plan->meta->id, sizeof c->pending.id);
    snprintf(c->path, sizeof c->path, "%s", plan->path);
    c->exclusions = exclusions();
    inc->since.increment = extends && is_worthwhile(inc);
    if (inc->since.increment) {
        name_next(&c->pending, &base);
        refer(inc, &base, plan->path);
        c->pending.bytes_max = 2 * inc->runs.changed_bytes + NOTES_MAX;
        if (plan->in_child && inc->runs.changed_bytes <= COPY_MAX)
            inc->copy = room_for(c, inc->runs.changed_bytes);
        if (inc->copy)
            ckpt_changes_copy(&inc->runs, memory, inc->copy, arena);
    } else {
        name_first(&c->pending);
    }
    begin_merging(inc, &c->pending, plan);
    c->pending.valid = true;
    member_name(&c->pending, inc->member, sizeof inc->member);
    inc->taken.method = c->tracker.method;
    inc->taken.depth = c->pending.depth;
    inc->on = true;
    return 0;
}

/* An image that was asked for under another name is whole and stands by
 * itself. */
static bool is_wanted(const char *path)
{
    return s->settings.incremental && !ckpt_remote_active() &&
           strcmp(path, s->settings.image) == 0;
}

int ckpt_increment_begin(struct ckpt_increment *inc, struct ckpt_memory *memory,
                         const struct ckpt_increment_plan *plan,
                         struct ckpt_arena *arena, struct ckpt_err *err)
{
    memset(inc, 0, sizeof *inc);
    if (!is_wanted(plan->path))
        return 0;
    struct ckpt_chain *c = s->chain;
    if (!c)
        return ckpt_err_set(err, ENOMEM, "memory for incremental checkpoints");
    if (c->tracker.method == CKPT_DIRTY_OFF &&
        ckpt_tracker_probe(&c->tracker, s->settings.dirty, err) < 0)
        return -1;
    if (begin(inc, c, memory, plan, arena, err) == 0)
        return 0;
    ckpt_capture_log("whole and without increments: %s", err->text);
    ckpt_increment_done(false);
    memset(inc, 0, sizeof *inc);
    return 0;
}

/* The writable data of the program or library that libckpt is part of; the
 * linker defines them. */
extern const char _GLOBAL_OFFSET_TABLE_[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));

/* Find the lowest window of memory that the child looks at, among those that
 * end after `at`: libckpt's data, libc's, errno and what is beside it, and each
 * thread's record and signal frame. */
struct search {
    uint64_t at;
    struct ckpt_range found;
};

static void consider(struct search *search, const void *address, size_t len)
{
    uint64_t start = (uint64_t)(uintptr_t)address;
    struct ckpt_range window = {(start - WINDOW) & ~(uint64_t)(PAGE - 1),
                                (start + len + WINDOW) & ~(uint64_t)(PAGE - 1)};

    if (window.end > search->at && window.start < search->found.start)
        search->found = window;
}

static struct ckpt_range next_needed(uint64_t at,
                                     const struct ckpt_thread *threads)
{
    struct search search = {at, {UINT64_MAX, UINT64_MAX}};

    consider(&search, _GLOBAL_OFFSET_TABLE_,
             (size_t)(_end - _GLOBAL_OFFSET_TABLE_));
    consider(&search, stdout, sizeof *stdout);
    consider(&search, stderr, sizeof *stderr);
    consider(&search, &errno, sizeof errno);
    for (const struct ckpt_thread *t = threads; t; t = t->next) {
        consider(&search, t, sizeof *t);
        consider(&search, t->ucontext, sizeof(uint64_t));
        consider(&search, (const void *)(uintptr_t)t->fs_base, 0);
    }
    return search.found;
}

/* All of the tracked memory but those windows. */
static void advise(const struct ckpt_increment *inc,
                   const struct ckpt_thread *threads, int advice)
{
    for (size_t i = 0; inc->copy && i < inc->since.ntracked; i++) {
        const struct ckpt_range *r = &inc->since.tracked[i];
        for (uint64_t at = r->start; at < r->end;) {
            struct ckpt_range needed = next_needed(at, threads);
            uint64_t upto = needed.start < r->end ? needed.start : r->end;
            if (upto > at && upto - at >= HIDE_MIN)
                ckpt_sys(SYS_madvise, at, upto - at, advice);
            at = needed.end;
        }
    }
}

void ckpt_increment_hide(const struct ckpt_increment *inc,
                         const struct ckpt_thread *threads)
{
    advise(inc, threads, MADV_DONTFORK);
}

void ckpt_increment_unhide(const struct ckpt_increment *inc,
                           const struct ckpt_thread *threads)
{
    advise(inc, threads, MADV_DOFORK);
}

void ckpt_increment_end(struct ckpt_increment *inc)
{
    if (s->chain)
        keep_room(s->chain, inc->runs.bytes);
    inc->copy = NULL;
}

static void take_over(struct ckpt_chain *c)
{
    char member[64];

    member_name(&c->pending, member, sizeof member);
    uint64_t bytes = member_bytes(c->path, member);
    bool merged = bytes > c->pending.bytes_max; /* `ckpt image merge` */
    if (c->pending.depth == 0 || merged) {
        c->pending.whole_bytes = bytes;
        c->pending.bytes = 0;
    } else {
        c->pending.bytes += bytes;
    }
    c->base = c->pending;
    c->base.valid = bytes > 0; /* no links in this file system: no bases */
    ckpt_hashes_unmap(c->before, c->before_len);
    c->before = c->now;
    c->before_len = c->now_len;
    c->now = NULL;
}

void ckpt_increment_done(bool durable)
{
    struct ckpt_chain *c = s->chain;

    if (!c)
        return;
    if (durable && c->pending.valid)
        take_over(c);
    else if (c->now)
        c->base.valid = false;
    ckpt_hashes_unmap(c->now, c->now_len);
    c->now = NULL;
    c->pending.valid = false;
}

/* The image at the path is the merged one, and so is its name among the
 * bases? */
static bool is_replaced(const char *path, const char *member_path)
{
    struct stat image, base;

    return ckpt_sys(SYS_newfstatat, AT_FDCWD, member_path, &base,
                    AT_SYMLINK_NOFOLLOW) == 0 &&
           ckpt_sys(SYS_newfstatat, AT_FDCWD, path, &image, 0) == 0 &&
           image.st_ino == base.st_ino && image.st_dev == base.st_dev;
}

bool ckpt_increment_rename_merged(const struct ckpt_increment *inc,
                                  const char *path)
{
    char old[CKPT_PATH_MAX + 64], fresh[CKPT_PATH_MAX + 64];

    return ckpt_bases_member(path, inc->member, old, sizeof old) &&
           ckpt_bases_member(path, inc->merged_member, fresh, sizeof fresh) &&
           is_replaced(path, old) &&
           ckpt_sys(SYS_renameat2, AT_FDCWD, old, AT_FDCWD, fresh,
                    RENAME_NOREPLACE) == 0;
}

void ckpt_increment_take_merged(void)
{
    if (s->chain && s->chain->pending.valid)
        name_first(&s->chain->pending);
}
