/* advice.c - see advice.h */
#include "lib/capture/advice.h"

#include "lib/capture/capture.h"
#include "lib/capture/state.h"
#include "lib/common/io.h"
#include "lib/common/sys.h"

#include <fcntl.h>
#include <linux/mman.h>
#include <stdlib.h>
#include <string.h>

enum { LOCK = -1, LOCK_ON_FAULT = -2 };

/* The words of VmFlags in proc(5), and how each comes to be; the bit is the
 * index. */
static const struct {
    char word[3];
    int advice;
} table[] = {
    {"dc", MADV_DONTFORK},   {"wf", MADV_WIPEONFORK},
    {"dd", MADV_DONTDUMP},   {"mg", MADV_MERGEABLE},
    {"hg", MADV_HUGEPAGE},   {"nh", MADV_NOHUGEPAGE},
    {"sr", MADV_SEQUENTIAL}, {"rr", MADV_RANDOM},
    {"lf", LOCK_ON_FAULT},   {"lo", LOCK},
};
enum { NTABLE = sizeof table / sizeof table[0], UNLIKE = 3 /* dc, wf */ };

static bool has_word(const char *flags, size_t len, const char *word)
{
    for (size_t i = 0; i + 1 < len; i += 3)
        if (flags[i] == word[0] && flags[i + 1] == word[1])
            return true;
    return false;
}

static uint32_t parse_flags(const char *flags, size_t len)
{
    uint32_t what = 0;

    /* the kernel's own: vdso data and the like */
    if (has_word(flags, len, "io") || has_word(flags, len, "pf"))
        return 0;
    for (int i = 0; i < NTABLE; i++)
        if (has_word(flags, len, table[i].word))
            what |= 1u << i;
    return what;
}

/* libckpt's own memory, which gets its own advice. */
static bool is_own(uint64_t start)
{
    const struct ckpt_capture_state *s = &ckpt_capture_state;

    if (start == s->marker.start)
        return true;
    for (size_t i = 0; i < s->nunsaved; i++)
        if (start >= s->unsaved[i].start && start < s->unsaved[i].end)
            return true;
    return false;
}

static int add(struct ckpt_advice *a, uint64_t start, uint64_t end,
               uint32_t what, struct ckpt_err *err)
{
    size_t n = a->count;

    if (n > 0 && a->entries[n - 1].end == start &&
        a->entries[n - 1].what == what) {
        a->entries[n - 1].end = end;
        return 0;
    }
    if (n == CKPT_ADVICE_MAX)
        return ckpt_err_set(err, EBUSY,
                            "more than %d pieces of memory are locked or under "
                            "madvise()",
                            CKPT_ADVICE_MAX);
    a->entries[n].start = start;
    a->entries[n].end = end;
    a->entries[n].what = what;
    a->count++;
    if (what & UNLIKE)
        a->unlike_in_child = true;
    return 0;
}

/* A mapping's first line begins with its addresses, all others with a name in
 * capitals; the flags are on the last. */
static int parse(struct ckpt_advice *a, char *text, struct ckpt_err *err)
{
    uint64_t start = 0, end = 0;

    for (char *line = text, *next; *line; line = next) {
        next = strchr(line, '\n');
        size_t len = next ? (size_t)(next - line) : strlen(line);
        next = next ? next + 1 : line + len;
        if (*line < 'A' || *line > 'Z') {
            char *dash;
            start = strtoull(line, &dash, 16);
            end = strtoull(dash + 1, NULL, 16);
        } else if (strncmp(line, "VmFlags: ", 9) == 0) {
            uint32_t what = parse_flags(line + 9, len - 9);
            if (what && !is_own(start) && add(a, start, end, what, err) < 0)
                return -1;
        }
    }
    return 0;
}

static int read_flags(struct ckpt_advice *a, struct ckpt_arena *arena,
                      struct ckpt_err *err)
{
    size_t room;

    a->count = 0;
    a->unlike_in_child = false;
    a->seen = 0;
    long fd = ckpt_sys(SYS_openat, AT_FDCWD, "/proc/self/smaps",
                       O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        errno = (int)-fd;
        return ckpt_err_sys(err, "/proc/self/smaps");
    }
    char *text = ckpt_arena_rest(arena, &room);
    ssize_t n = ckpt_read_full((int)fd, text, room - 1);
    ckpt_sys(SYS_close, fd);
    if (n < 0 || (size_t)n == room - 1)
        return ckpt_err_set(err, EIO, "/proc/self/smaps cannot be read");
    text[n] = '\0';
    return parse(a, text, err);
}

/* The mappings that entries are about: as long as they are the same and no more
 * advice was given, nothing has changed. */
static uint64_t digest(const struct ckpt_advice *a,
                       const struct ckpt_memory *memory)
{
    const uint64_t prime = 0x9e3779b97f4a7c15u;
    uint64_t sum = 1;
    size_t next = 0;

    for (size_t i = 0; i < a->count; i++) {
        while (next < memory->nmaps &&
               memory->maps[next].end <= a->entries[i].start)
            next++;
        for (size_t k = next;
             k < memory->nmaps && memory->maps[k].start < a->entries[i].end;
             k++) {
            const struct ckpt_map *m = &memory->maps[k];
            sum = (sum ^ m->start) * prime;
            sum = (sum ^ m->end ^ m->ino ^ m->flags) * prime;
        }
    }
    return sum;
}

int ckpt_advice_look(struct ckpt_advice *a, const struct ckpt_memory *memory,
                     bool may_wait, struct ckpt_arena *arena,
                     struct ckpt_err *err)
{
    uint32_t given = atomic_load(&a->given);

    a->late = false;
    if (given == 0 || (given == a->seen && digest(a, memory) == a->places))
        return 0;
    /* few calls cannot have made too many pieces */
    if (may_wait && !atomic_load(&a->of_locks) && given < CKPT_ADVICE_MAX / 4) {
        a->late = true;
        return 0;
    }
    if (read_flags(a, arena, err) < 0)
        return -1;
    a->seen = given;
    a->places = digest(a, memory);
    return 0;
}

int ckpt_advice_look_late(struct ckpt_advice *a, struct ckpt_arena *arena,
                          struct ckpt_err *err)
{
    return a->late ? read_flags(a, arena, err) : 0;
}

/* While a checkpoint is made, what is mapped for it is not read in at once. */
void ckpt_advice_pause(const struct ckpt_advice *a)
{
    if (a->lock_future)
        ckpt_sys(SYS_mlockall, MCL_FUTURE | MCL_ONFAULT);
}

void ckpt_advice_resume(const struct ckpt_advice *a)
{
    if (a->lock_future)
        ckpt_sys(SYS_mlockall, a->lock_future);
}

/* Inaccessible memory can be locked, but not read in. */
static bool lock(uint64_t start, uint64_t len, bool on_fault)
{
    if (ckpt_sys(SYS_mlock2, start, len, MLOCK_ONFAULT) < 0)
        return false;
    if (!on_fault)
        ckpt_sys(SYS_mlock, start, len);
    return true;
}

/* What one piece of memory was under.  Whether all could be done. */
static bool give(uint64_t start, uint64_t len, uint32_t what)
{
    bool on_fault = false, all = true;

    for (int k = 0; k < NTABLE; k++) {
        if (!(what >> k & 1))
            continue;
        if (table[k].advice == LOCK_ON_FAULT)
            on_fault = true;
        else if (table[k].advice == LOCK)
            all = lock(start, len, on_fault);
        else
            ckpt_sys(SYS_madvise, start, len, table[k].advice);
    }
    return all;
}

void ckpt_advice_give(struct ckpt_advice *a)
{
    bool all = true;

    a->seen = 0; /* what cannot be given now is not given any more */
    for (size_t i = 0; i < a->count; i++) {
        uint64_t start = a->entries[i].start;
        all &= give(start, a->entries[i].end - start, a->entries[i].what);
    }
    if (a->lock_future)
        all &= ckpt_sys(SYS_mlockall, a->lock_future) == 0;
    if (!all)
        ckpt_capture_log("some memory could not be locked again");
}
