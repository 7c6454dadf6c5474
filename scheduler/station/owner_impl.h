/* owner_impl.h - what the parts of owner detection share */
#ifndef CKPT_SCHEDULER_OWNER_IMPL_H
#define CKPT_SCHEDULER_OWNER_IMPL_H

#include "scheduler/station/owner.h"

#include <sys/stat.h>

enum { OWNER_INPUT_MAJOR = 13 }; /* of the kernel's input devices */

struct owner {
    char *patterns;
    int epoll;
    int inotify;
    uint64_t base_ms;    /* when we began to look */
    uint64_t last_ms;    /* newest activity of any source, 0: none */
    const char *program; /* ckpt-input, or NULL */
    const char *input_dir;
    uint64_t asked_ms; /* when it was started last */
    size_t n;
    struct owner_source sources[OWNER_SOURCES_MAX];
};

/* --- owner.c --- */

/* The source of that name; NULL: not known. */
struct owner_source *owner_find(struct owner *owner, const char *name);
/* A slot for a new source; one that is gone gives up its place.  NULL: there is
 * none. */
struct owner_source *owner_add(struct owner *owner, const char *name);
/* It tells by itself, through `fd` unless that is -1; ours from now on. */
void owner_listen(struct owner *owner, struct owner_source *source, int fd);
void owner_unwatch(struct owner *owner, struct owner_source *source);
/* Somebody was there at that moment. */
void owner_active(struct owner *owner, struct owner_source *source,
                  uint64_t at_ms);
bool owner_is_input(const struct owner *owner, const char *name,
                    const struct stat *st);

/* --- owner_look.c --- */

/* Look at every source that a pattern names. */
void owner_look(struct owner *owner, const char *pattern, uint64_t now_ms);

/* --- owner_helper.c --- */

bool owner_is_helper(const struct owner_source *source);
/* Start ckpt-input where there are devices that only it may read. */
void owner_helper_look(struct owner *owner, uint64_t now_ms);
/* Take what it said.  True: the owner did something. */
bool owner_helper_read(struct owner *owner, struct owner_source *source,
                       uint64_t now_ms);

#endif
