/* owner_helper.c - see owner.h: what ckpt-input tells */
#include "scheduler/station/helper.h"
#include "scheduler/station/owner_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char helper_name[] = "ckpt-input";
enum { ASK_AGAIN_MS = 60000 };

bool owner_is_helper(const struct owner_source *source)
{
    return strcmp(source->name, helper_name) == 0;
}

/* There are input devices that only ckpt-input may read. */
static bool needs_helper(const struct owner *owner)
{
    for (size_t i = 0; owner->program && i < owner->n; i++) {
        const struct owner_source *source = &owner->sources[i];
        struct stat st;
        if (source->present && !source->trusted &&
            stat(source->name, &st) == 0 &&
            owner_is_input(owner, source->name, &st))
            return true;
    }
    return false;
}

/* It is trusted once it has said that it reads devices. */
void owner_helper_look(struct owner *owner, uint64_t now_ms)
{
    struct owner_source *source = owner_find(owner, helper_name);

    if (!needs_helper(owner))
        return;
    if (!source)
        source = owner_add(owner, helper_name);
    if (!source)
        return;
    source->present = true;
    if (source->fd >= 0 ||
        (owner->asked_ms && now_ms - owner->asked_ms < ASK_AGAIN_MS))
        return;
    owner->asked_ms = now_ms;
    source->trusted = false;
    owner_listen(owner, source, helper_start(owner->program, owner->input_dir));
    snprintf(source->says, sizeof source->says, "%s",
             source->fd >= 0 ? "starting" : strerror(errno));
}

bool owner_helper_read(struct owner *owner, struct owner_source *source,
                       uint64_t now_ms)
{
    char buf[64];
    bool seen = false;
    ssize_t n;

    while ((n = read(source->fd, buf, sizeof buf)) > 0) {
        source->trusted = true;
        strcpy(source->says, "events");
        seen |= memchr(buf, 'a', (size_t)n) != NULL;
    }
    if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        source->trusted = false;
        strcpy(source->says, "it may not read them either, see ckpt-input(8)");
        owner_unwatch(owner, source);
    }
    if (seen)
        owner_active(owner, source, now_ms);
    return seen;
}
