/* path.c - see path.h */
#include "shadow/path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LINKS_MAX = 40 };

struct grant {
    char *path; /* without symbolic links, without a slash at the end */
    size_t len;
    bool write;
    bool common;
    bool is_file;
    int fd;              /* the directory, or the file's */
    int file_fd;         /* of a file, O_PATH; else -1 */
    struct quota *quota; /* or NULL */
};

struct paths {
    struct grant *grants;
    size_t count;
    char **denied; /* without symbolic links */
    size_t denied_count;
};

/* --- grants ----------------------------------------------------------------
 */

struct paths *paths_create(void)
{
    return calloc(1, sizeof(struct paths));
}

void paths_destroy(struct paths *paths)
{
    if (!paths)
        return;
    for (size_t i = 0; i < paths->count; i++) {
        free(paths->grants[i].path);
        free(paths->grants[i].quota);
        close(paths->grants[i].fd);
        if (paths->grants[i].file_fd >= 0)
            close(paths->grants[i].file_fd);
    }
    for (size_t i = 0; i < paths->denied_count; i++)
        free(paths->denied[i]);
    free(paths->denied);
    free(paths->grants);
    free(paths);
}

static int open_grant(struct grant *grant, const char *path)
{
    struct stat st;

    grant->path = realpath(path, NULL);
    if (!grant->path || stat(grant->path, &st) < 0)
        return -1;
    grant->len = strcmp(grant->path, "/") == 0 ? 0 : strlen(grant->path);
    grant->is_file = !S_ISDIR(st.st_mode);
    grant->file_fd =
        grant->is_file ? open(grant->path, O_PATH | O_CLOEXEC) : -1;
    char *slash = strrchr(grant->path, '/');
    char first = slash[1];
    if (grant->is_file)
        slash[1] = '\0'; /* for a moment: its directory */
    grant->fd = open(grant->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (grant->fd < 0) /* searching is enough */
        grant->fd = open(grant->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    slash[1] = first;
    return grant->fd < 0 || (grant->is_file && grant->file_fd < 0) ? -1 : 0;
}

int paths_grant(struct paths *paths, const struct jobspec_grant *asked,
                struct ckpt_err *err)
{
    const char *path = asked->path;
    struct grant *more =
        realloc(paths->grants, (paths->count + 1) * sizeof *more);
    struct grant grant = {.write = asked->write,
                          .common = asked->common,
                          .fd = -1,
                          .file_fd = -1};

    if (!more)
        return ckpt_err_set(err, ENOMEM, "%s: out of memory", path);
    paths->grants = more;
    if (open_grant(&grant, path) < 0 ||
        (asked->limit &&
         !(grant.quota = quota_create(grant.path, asked->limit)))) {
        ckpt_err_sys(err, "cannot grant %s", path);
        free(grant.path);
        return -1;
    }
    paths->grants[paths->count++] = grant;
    return 0;
}

int paths_deny(struct paths *paths, const char *path, struct ckpt_err *err)
{
    char **more =
        realloc(paths->denied, (paths->denied_count + 1) * sizeof *more);

    if (!more)
        return ckpt_err_set(err, ENOMEM, "%s: out of memory", path);
    paths->denied = more;
    char *real = realpath(path, NULL);
    if (!real)
        return ckpt_err_sys(err, "cannot deny %s", path);
    more[paths->denied_count++] = real;
    return 0;
}

int paths_grant_fd(const struct paths *paths, size_t n, bool *write)
{
    if (n >= paths->count)
        return -1;
    const struct grant *grant = &paths->grants[n];
    *write = grant->write;
    return grant->is_file ? grant->file_fd : grant->fd;
}

const char *paths_grant_path(const struct paths *paths, size_t n, bool *is_dir,
                             bool *write)
{
    if (n >= paths->count)
        return NULL;
    *is_dir = !paths->grants[n].is_file;
    *write = paths->grants[n].write;
    return paths->grants[n].path;
}

/* `path` is the grant or below it. */
static bool covers(const struct grant *grant, const char *path)
{
    if (strncmp(grant->path, path, grant->len) != 0)
        return false;
    return path[grant->len] == '\0' ||
           (path[grant->len] == '/' && !grant->is_file);
}

static const struct grant *find_grant(const struct paths *paths,
                                      const char *path)
{
    const struct grant *best = NULL;

    for (size_t i = 0; i < paths->count; i++) {
        const struct grant *grant = &paths->grants[i];
        if (covers(grant, path) && (!best || grant->len > best->len ||
                                    (grant->len == best->len && grant->write)))
            best = grant;
    }
    return best;
}

/* `path` is `above` or below it. */
static bool is_below(const char *above, const char *path)
{
    size_t len = strcmp(above, "/") == 0 ? 0 : strlen(above);

    return strncmp(above, path, len) == 0 &&
           (path[len] == '/' || path[len] == '\0');
}

static bool is_denied(const struct paths *paths, const char *path)
{
    for (size_t i = 0; i < paths->denied_count; i++)
        if (is_below(paths->denied[i], path))
            return true;
    return false;
}

/* Something below `path` is denied: it must keep its name, or the other name
 * would lead there. */
static bool holds_denied(const struct paths *paths, const char *path)
{
    for (size_t i = 0; i < paths->denied_count; i++)
        if (is_below(path, paths->denied[i]))
            return true;
    return false;
}

/* `path` is a directory above a grant. */
static bool is_above(const struct paths *paths, const char *path)
{
    size_t len = strcmp(path, "/") == 0 ? 0 : strlen(path);

    for (size_t i = 0; i < paths->count; i++)
        if (strncmp(paths->grants[i].path, path, len) == 0 &&
            paths->grants[i].path[len] == '/')
            return true;
    return false;
}

/* --- walking -----------------------------------------------------------------
 */

struct walk {
    char done[PATH_MAX]; /* absolute, without links; "" is the root */
    size_t len;
    char rest[2 * PATH_MAX]; /* components still to come */
    int links;
};

static int set_rest(struct walk *walk, const char *before, const char *after)
{
    char rest[sizeof walk->rest];
    int n = snprintf(rest, sizeof rest, "%s%s%s", before,
                     *before && *after ? "/" : "", after);

    if (n < 0 || (size_t)n >= sizeof rest) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(walk->rest, rest, (size_t)n + 1);
    return 0;
}

static void step_up(struct walk *walk)
{
    while (walk->len > 0 && walk->done[--walk->len] != '/')
        ;
    walk->done[walk->len] = '\0';
}

static int step_down(struct walk *walk, const char *name)
{
    size_t len = strlen(name);

    if (len > NAME_MAX || walk->len + len + 2 > sizeof walk->done) {
        errno = ENAMETOOLONG;
        return -1;
    }
    walk->done[walk->len] = '/';
    memcpy(walk->done + walk->len + 1, name, len + 1);
    walk->len += len + 1;
    return 0;
}

/* Where `done` is a link, go on with its target.  1: it was one. */
static int follow_link(struct walk *walk, const char *rest)
{
    char target[PATH_MAX];
    ssize_t n = readlink(walk->done, target, sizeof target - 1);

    if (n < 0)
        return errno == EINVAL || (errno == ENOENT && !*rest) ? 0 : -1;
    if (++walk->links > LINKS_MAX) {
        errno = ELOOP;
        return -1;
    }
    target[n] = '\0';
    step_up(walk);
    if (target[0] == '/') {
        walk->len = 0;
        walk->done[0] = '\0';
    }
    return set_rest(walk, target, rest) < 0 ? -1 : 1;
}

static int walk_on(struct walk *walk, bool follow)
{
    while (walk->rest[0]) {
        char name[sizeof walk->rest];
        const char *rest = walk->rest + strspn(walk->rest, "/");
        size_t len = strcspn(rest, "/");
        memcpy(name, rest, len);
        name[len] = '\0';
        rest += len;
        bool slash = *rest == '/';
        rest += strspn(rest, "/");
        bool last = !*rest;
        int rc = 0;
        if (strcmp(name, "..") == 0) {
            step_up(walk);
        } else if (*name && strcmp(name, ".") != 0) {
            if (step_down(walk, name) < 0)
                return -1;
            if (!last || follow || slash)
                rc = follow_link(walk, rest);
        }
        if (rc < 0)
            return -1;
        if (rc == 0)
            memmove(walk->rest, rest, strlen(rest) + 1);
    }
    return 0;
}

/* --- places --- */

/* Grants have no links in their names: begin behind a grant's. */
static int begin(const struct paths *paths, struct walk *walk, const char *base,
                 const char *path)
{
    const char *from = path[0] == '/' ? path : base;
    size_t len = 0;

    for (size_t i = 0; i < paths->count; i++)
        if (!paths->grants[i].is_file && covers(&paths->grants[i], from) &&
            paths->grants[i].len > len)
            len = paths->grants[i].len;
    memcpy(walk->done, from, len);
    walk->done[len] = '\0';
    walk->len = len;
    walk->links = 0;
    return path[0] == '/' ? set_rest(walk, path + len, "")
                          : set_rest(walk, base + len, path);
}

static int open_parent(const struct grant *grant, const char *below,
                       struct place *place)
{
    char parent[PATH_MAX];
    const char *slash = strrchr(below, '/');
    struct open_how how = {
        .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
        .resolve =
            RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };

    memcpy(place->name, slash ? slash + 1 : below,
           strlen(slash ? slash + 1 : below) + 1);
    place->dirfd = grant->fd;
    place->close_dirfd = false;
    if (!slash)
        return 0;
    memcpy(parent, below, (size_t)(slash - below));
    parent[slash - below] = '\0';
    long fd;
    do
        fd = syscall(SYS_openat2, grant->fd, parent, &how, sizeof how);
    while (fd < 0 && (errno == EAGAIN || errno == EINTR));
    if (fd < 0) {
        if (errno == EXDEV || errno == ELOOP)
            errno = EACCES; /* it changed under our eyes */
        return -1;
    }
    place->dirfd = (int)fd;
    place->close_dirfd = true;
    return 0;
}

/* In a `common` grant: readable for others, in directories that others may
 * search.  What is not there is nobody's secret. */
static bool is_common(const struct grant *grant, const char *below)
{
    char name[PATH_MAX];
    struct stat st;

    for (const char *end = below; *end; end += *end == '/') {
        end += strcspn(end, "/");
        memcpy(name, below, (size_t)(end - below));
        name[end - below] = '\0';
        if (fstatat(grant->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            return errno == ENOENT;
        mode_t need = S_ISDIR(st.st_mode) ? S_IXOTH : S_IROTH;
        if (!(st.st_mode & need))
            return false;
    }
    return true;
}

static int open_place(const struct paths *paths, struct place *place)
{
    const struct grant *grant = find_grant(paths, place->path);

    if (is_denied(paths, place->path)) {
        errno = EACCES;
        return -1;
    }
    if (!grant) {
        if (!is_above(paths, place->path)) {
            errno = EACCES;
            return -1;
        }
        place->above = true;
        place->fixed = true;
        return 0;
    }
    place->write = grant->write;
    place->quota = grant->quota;
    if (grant->is_file) {
        place->fixed = true;
        place->dirfd = grant->fd;
        snprintf(place->name, sizeof place->name, "%s",
                 strrchr(grant->path, '/') + 1);
        return 0;
    }
    const char *below = place->path + grant->len;
    if (!*below || (grant->len == 0 && !below[1])) {
        place->fixed = true;
        place->dirfd = grant->fd;
        strcpy(place->name, ".");
        return 0;
    }
    if (grant->common && !is_common(grant, below + 1)) {
        errno = EACCES;
        return -1;
    }
    place->fixed = holds_denied(paths, place->path);
    return open_parent(grant, below + 1, place);
}

int paths_find(const struct paths *paths, const char *base, const char *path,
               bool follow, struct place *place)
{
    struct walk walk;

    if (!*path) {
        errno = ENOENT;
        return -1;
    }
    if (begin(paths, &walk, base, path) < 0)
        return -1;
    *place = (struct place){.dirfd = -1};
    if (walk_on(&walk, follow) < 0) {
        /* What is outside must not be told apart by its errors. */
        int saved = errno;
        if (!find_grant(paths, walk.done) && !is_above(paths, walk.done))
            saved = EACCES;
        errno = saved;
        return -1;
    }
    memcpy(place->path, walk.len ? walk.done : "/", walk.len + 1);
    if (walk.len == 0)
        strcpy(place->path, "/");
    return open_place(paths, place);
}

void place_clear(struct place *place)
{
    int saved = errno;

    if (place->close_dirfd)
        close(place->dirfd);
    place->close_dirfd = false;
    errno = saved;
}
