/* owner.h - is the station's owner here?
 *
 * Watches the terminals and input devices of the configuration.  Each poll
 * expands the patterns again and reads atime and mtime of what they name; the
 * kernel moves those of a terminal only every eight seconds, so that in
 * between inotify tells of each read and write, and input devices that we may
 * open tell of each event themselves.  What a source said is kept with the
 * moment it said it, on the monotonic clock: setting the time of day neither
 * brings an owner back nor sends one away.
 *
 * A source is trusted when it could be read at the last poll.  When none is,
 * nobody can tell, and the station has to count as busy.  The times of an input
 * device tell nothing: where we may not read it ckpt-input(8) is asked, which
 * may have been given the right.
 */
#ifndef CKPT_SCHEDULER_OWNER_H
#define CKPT_SCHEDULER_OWNER_H

#include "lib/common/err.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum { OWNER_SOURCES_MAX = 256, OWNER_SAYS_MAX = 96 };

struct owner_source {
    char name[PATH_MAX];
    bool present; /* named at the last poll */
    bool trusted;
    uint64_t active_ms; /* monotonic time of the last activity; 0: none */
    time_t stamp;       /* newest of atime and mtime when last looked at */
    long stamp_nsec;
    int watch; /* inotify's, or -1 */
    int fd;    /* an input device we read ourselves, or -1 */
    char says[OWNER_SAYS_MAX];
};

struct owner;

/* `patterns`: paths with shell wildcards, separated by blanks or commas.
 * now_ms is the monotonic clock's.  NULL with errno. */
struct owner *owner_create(const char *patterns, uint64_t now_ms,
                           struct ckpt_err *err);
void owner_destroy(struct owner *owner);

/* Readable when something happened: call owner_seen() then. */
int owner_fd(const struct owner *owner);

/* Ask this program about the input devices in `dir` that we may not read
 * ourselves; the strings must live as long.  From the next poll on. */
void owner_ask(struct owner *owner, const char *program, const char *dir);

/* Take what the watched devices said.  True: the owner did something. */
bool owner_seen(struct owner *owner, uint64_t now_ms);

/* Look at every source again. */
void owner_poll(struct owner *owner, uint64_t now_ms);

bool owner_trusted(const struct owner *owner);
/* Some input device tells us its events, or ckpt-input does. */
bool owner_sees_input(const struct owner *owner);
/* Since the last activity of any source, at most since the creation when none
 * ever told of one. */
uint64_t owner_idle_ms(const struct owner *owner, uint64_t now_ms);
/* The sources, present or not; *n of them; valid until the next call. */
const struct owner_source *owner_sources(const struct owner *owner, size_t *n);

#endif
