/* locks.c - see server.h: who has locked what
 *
 * A node has a list of the locks of the job's processes.  What one of them
 * may have beside the others is decided here, as the kernel does: locks of
 * flock(2) and of fcntl(2) do not know each other.  At home one open file of
 * the node's own holds the union of them all; there the two are one.
 */
#include "mount/server.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

struct lock {
    struct lock *next;
    struct locking is;
};

/* --- lists -----------------------------------------------------------------
 */

static bool overlap(const struct locking *a, const struct locking *b)
{
    return a->start <= b->last && b->start <= a->last;
}

static bool same_owner(const struct locking *a, const struct locking *b)
{
    return a->owner == b->owner && a->flock == b->flock;
}

static void list_free(struct lock *list)
{
    while (list) {
        struct lock *next = list->next;
        free(list);
        list = next;
    }
}

static bool list_add(struct lock **list, const struct locking *is,
                     int64_t start, int64_t last)
{
    struct lock *lock = start <= last ? malloc(sizeof *lock) : NULL;

    if (!lock)
        return start > last;
    *lock = (struct lock){*list, *is};
    lock->is.start = start;
    lock->is.last = last;
    *list = lock;
    return true;
}

/* What is left of `old` beside `want`. */
static bool list_keep(struct lock **list, const struct locking *old,
                      const struct locking *want)
{
    if (!same_owner(old, want) || !overlap(old, want))
        return list_add(list, old, old->start, old->last);
    return (want->start == 0 ||
            list_add(list, old, old->start, want->start - 1)) &&
           (want->last == INT64_MAX ||
            list_add(list, old, want->last + 1, old->last));
}

/* The list after `want`; false: no memory. */
static bool list_after(const struct lock *old, const struct locking *want,
                       struct lock **list)
{
    bool fits = true;

    for (*list = NULL; old && fits; old = old->next)
        fits = list_keep(list, &old->is, want);
    if (fits && want->type != F_UNLCK)
        fits = list_add(list, want, want->start, want->last);
    if (!fits)
        list_free(*list);
    return fits;
}

/* --- the union, at home ----------------------------------------------------
 */

enum { NONE, SHARED, EXCLUSIVE };

static int level_at(const struct lock *list, int64_t at)
{
    int level = NONE;

    for (; list; list = list->next) {
        int its = list->is.type == F_WRLCK ? EXCLUSIVE : SHARED;
        if (list->is.start <= at && at <= list->is.last && its > level)
            level = its;
    }
    return level;
}

/* The last position like `at`, as far as this list says; not after `last`. */
static int64_t last_like(const struct lock *list, int64_t at, int64_t last)
{
    for (; list; list = list->next) {
        if (list->is.start > at && list->is.start - 1 < last)
            last = list->is.start - 1;
        if (list->is.last >= at && list->is.last < last)
            last = list->is.last;
    }
    return last;
}

static long home_lock(const struct node *node, int level, int64_t start,
                      int64_t last)
{
    shadow_lock_args args = {.handle = node->lock_handle,
                             .type = level == EXCLUSIVE ? F_WRLCK
                                     : level == SHARED  ? F_RDLCK
                                                        : F_UNLCK,
                             .start = (uint64_t)start};

    if (last != INT64_MAX)
        args.len = (uint64_t)(last - start + 1);
    long rc = home_do(SHADOW_LOCK, (xdrproc_t)xdr_shadow_lock_args, &args);
    return rc == -EACCES ? -EAGAIN : rc;
}

/* Have locked what `new` has more than `old`; or not what it has less. */
static long home_change(const struct node *node, const struct lock *old,
                        const struct lock *new, bool more)
{
    long rc = 0;

    for (int64_t at = 0, last; rc == 0; at = last + 1) {
        int was = level_at(old, at), is = level_at(new, at);
        last = last_like(new, at, last_like(old, at, INT64_MAX));
        if (more ? is > was : is < was)
            rc = home_lock(node, is, at, last);
        if (last == INT64_MAX)
            break;
    }
    return rc;
}

static void close_handle(struct node *node)
{
    shadow_handle_args args = {node->lock_handle};

    node->lock_open = false;
    home_do(SHADOW_CLOSE, (xdrproc_t)xdr_shadow_handle_args, &args);
}

/* For writing, where the user may: flock(2) asks for no right to write. */
static long open_handle(struct node *node)
{
    char path[PATH_MAX] = "";
    shadow_open_args args = {home_at(path), O_RDWR | O_NOFOLLOW, 0};
    shadow_open_res res = {.status = EIO};
    const shadow_open_ok *ok = &res.shadow_open_res_u.ok;

    if (node->lock_open)
        return 0;
    long rc = tree_path(node, NULL, path);
    for (int i = 0; i < 2 && (rc == 0 || i == 1); i++) {
        rc = home_call(SHADOW_OPEN, (xdrproc_t)xdr_shadow_open_args, &args,
                       (xdrproc_t)xdr_shadow_open_res, &res);
        if (rc == 0 || (rc != -EACCES && rc != -EROFS && rc != -EPERM))
            break;
        args.flags = O_RDONLY | O_NOFOLLOW;
    }
    if (rc != 0)
        return rc;
    node->lock_handle = ok->handle;
    node->lock_open = true;
    if (node->fixed || (ok->attr.dev == node->dev && ok->attr.ino == node->ino))
        return 0;
    close_handle(node);
    return -ENOENT;
}

/* What cannot be locked at home is not locked here either. */
static long refuse(const struct node *node, long rc)
{
    char text[SHADOW_TEXT_MAX];

    snprintf(text, sizeof text, "refused: a lock of %.400s: %s at home",
             node->names ? tree_name(node) : "a removed file",
             rc == -EBADF ? "it cannot be opened for writing"
                          : strerror((int)-rc));
    ckpt_session_log(text);
    return -ENOLCK;
}

static int locked; /* nodes */

static long replace(struct node *node, struct lock *new)
{
    struct lock *old = node->locks;
    long rc = open_handle(node);

    if (rc == 0) {
        rc = home_change(node, old, new, true);
        if (rc != 0)
            home_change(node, new, old, false);
    }
    if (rc == 0) {
        home_change(node, old, new, false);
        locked = locked + (new != NULL) - (old != NULL);
        node->locks = new;
        new = old;
    }
    list_free(new);
    if (!node->locks && node->lock_open)
        close_handle(node);
    return rc == 0 || rc == -EAGAIN ? rc : refuse(node, rc);
}

/* --- the node's locks ------------------------------------------------------
 */

const struct locking *locks_against(const struct node *node,
                                    const struct locking *want)
{
    for (const struct lock *l = node->locks; l; l = l->next)
        if (want->flock == l->is.flock && want->owner != l->is.owner &&
            overlap(want, &l->is) &&
            (want->type == F_WRLCK || l->is.type == F_WRLCK))
            return &l->is;
    return NULL;
}

bool locks_cover(const struct node *node, const struct locking *want)
{
    int level = want->type == F_WRLCK ? EXCLUSIVE : SHARED;
    int64_t at = want->start, last;

    for (;; at = last + 1) {
        last = last_like(node->locks, at, want->last);
        if (level_at(node->locks, at) < level)
            return false;
        if (last == want->last)
            return true;
    }
}

long locks_set(struct node *node, const struct locking *want)
{
    struct lock *list;

    if (want->type == F_UNLCK && !node->locks)
        return 0;
    if (want->type != F_UNLCK && locks_against(node, want))
        return -EAGAIN;
    return list_after(node->locks, want, &list) ? replace(node, list) : -ENOLCK;
}

void locks_closed(struct node *node, uint64_t owner)
{
    locks_set(node, &(struct locking){
                        .owner = owner, .type = F_UNLCK, .last = INT64_MAX});
}

void locks_released(struct node *node, uint64_t fh)
{
    struct lock *l = node->locks;

    while (l && l->is.fh != fh)
        l = l->next;
    if (!l)
        return;
    struct locking of = l->is;
    of.type = F_UNLCK;
    of.start = 0;
    of.last = INT64_MAX;
    locks_set(node, &of);
    locks_released(node, fh);
}

bool locks_any(void)
{
    return locked > 0;
}
