/* start.c - see start.h */
#include "shadow/start.h"

#include "lib/common/io.h"
#include "lib/undo/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* --- the directory --- */

/* The lock stays until this process ends. */
static int take_lock(struct shadow *shadow, struct ckpt_err *err)
{
    char text[32];
    int fd = openat(shadow->dirfd, "shadow.lock",
                    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return ckpt_err_sys(err, "%s/shadow.lock", shadow->dir);
    /* whoever asks whether a shadow runs (jobdir_shadow_pid()) has the lock for
     * a moment */
    int busy = flock(fd, LOCK_EX | LOCK_NB);
    for (int i = 0; busy < 0 && errno == EWOULDBLOCK && i < 50; i++) {
        usleep(4000);
        busy = flock(fd, LOCK_EX | LOCK_NB);
    }
    if (busy < 0) {
        close(fd);
        return ckpt_err_set(err, EBUSY, "%s: another shadow serves this job",
                            shadow->dir);
    }
    int n = snprintf(text, sizeof text, "%d\n", (int)getpid());
    if (ftruncate(fd, 0) < 0 || ckpt_pwrite_full(fd, text, (size_t)n, 0) < 0)
        return ckpt_err_sys(err, "%s/shadow.lock", shadow->dir);
    return 0;
}

static int open_append(struct shadow *shadow, const char *name,
                       struct ckpt_err *err)
{
    int fd =
        openat(shadow->dirfd, name,
               O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        ckpt_err_sys(err, "%s/%s", shadow->dir, name);
    return fd;
}

/* An epoch is served once: what an older incarnation may still send must not
 * meet a newer one's files. */
static int take_epoch(struct shadow *shadow, struct ckpt_err *err)
{
    char line[32];
    size_t len;
    unsigned long last = 0;
    char *text = jobdir_file_read(shadow->dir, "epoch", sizeof line, &len, err);

    if (!text && errno != ENOENT)
        return -1;
    if (text)
        last = strtoul(text, NULL, 10);
    free(text);
    if (shadow->revived && shadow->spec.epoch == last)
        return 0;
    if (shadow->revived || shadow->spec.epoch <= last)
        return ckpt_err_set(err, ESTALE,
                            "%s: epoch %u is not newer than %lu, which was "
                            "served already",
                            shadow->dir, shadow->spec.epoch, last);
    int n = snprintf(line, sizeof line, "%u\n", shadow->spec.epoch);
    return jobdir_file_write(shadow->dir, "epoch", line, (size_t)n, err);
}

int start_directory(struct shadow *shadow, struct ckpt_err *err)
{
    shadow->dirfd = open(shadow->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (shadow->dirfd < 0)
        return ckpt_err_sys(err, "%s", shadow->dir);
    if (take_lock(shadow, err) < 0)
        return -1;
    shadow->log_fd = open_append(shadow, "shadow.log", err);
    shadow->events_fd = open_append(shadow, "events", err);
    if (shadow->log_fd < 0 || shadow->events_fd < 0)
        return -1;
    unlinkat(shadow->dirfd, "shadow.addr", 0);
    if (jobspec_read(shadow->dir, &shadow->spec, err) < 0 ||
        take_epoch(shadow, err) < 0)
        return -1;
    if (!shadow->revived)
        unlinkat(shadow->dirfd, "exit", 0);
    else if (faccessat(shadow->dirfd, "exit", F_OK, 0) == 0)
        return ckpt_err_set(err, ESTALE, "%s: the job is over", shadow->dir);
    return 0;
}

int start_survive(struct shadow *shadow, struct ckpt_err *err)
{
    const struct jobspec *spec = &shadow->spec;

    shadow->survive = shadow->revived ? survive_open(shadow->dirfd, spec->job,
                                                     spec->epoch, err)
                                      : survive_create(shadow->dirfd, err);
    if (!shadow->survive)
        return -1;
    for (unsigned i = 0; i < 3; i++)
        shadow->sessions[i].kept = &shadow->survive->sessions[i];
    shadow->cwd = shadow->survive->cwd;
    handles_init(&shadow->handles, shadow->survive->handles);
    return 0;
}

/* --- the files --- */

static void report_conflict(void *arg, const char *text)
{
    struct shadow *shadow = arg;

    shadow->conflicts++;
    tell_event(shadow, JOBEVENT_CONFLICT, 0, 0, 0, text);
}

/* The segments before the kill stay as they are; a new one begins. */
static int go_on(struct shadow *shadow, const struct journal_config *config,
                 struct ckpt_err *err)
{
    uint32_t *numbers, next = shadow->images.current;
    size_t count;

    if (segment_list(shadow->dir, &numbers, &count, err) < 0)
        return -1;
    if (count > 0)
        next = numbers[count - 1] + 1;
    free(numbers);
    shadow->journal = journal_open(config, next, err);
    return shadow->journal ? 0 : -1;
}

static int go_back(struct shadow *shadow, const struct journal_config *config,
                   struct ckpt_err *err)
{
    uint32_t generation = shadow->images.current;

    if (journal_rollback(config, generation, err) < 0)
        return -1;
    tell_event(shadow, JOBEVENT_ROLLED_BACK, (int)generation, 0, 0, "");
    shadow->journal = journal_open(config, generation, err);
    return shadow->journal ? 0 : -1;
}

int start_files(struct shadow *shadow, struct ckpt_err *err)
{
    struct journal_config config = {
        .dir = shadow->dir,
        .sync = true,
        .conflict = report_conflict,
        .arg = shadow,
    };

    if (images_open(shadow, err) < 0 ||
        (shadow->revived ? go_on : go_back)(shadow, &config, err) < 0)
        return -1;
    shadow->change = change_create(shadow->journal);
    if (!shadow->change)
        return ckpt_err_set(err, ENOMEM, "out of memory");
    if (shadow->revived)
        change_sync_all(shadow->change);
    return 0;
}

/* --- grants --- */

/* The terminal at home, which no grant reaches: only as a standard stream, and
 * only the owner's, as this process is the owner.  Its description is ours
 * alone, so that it may be non-blocking. */
static bool open_terminal(struct handle *handle, const char *path)
{
    int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0 || !isatty(fd)) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    handle->fd = fd;
    handle->readable = handle->writable = true;
    return true;
}

static bool is_terminal(const char *path)
{
    struct stat st;

    return strncmp(path, "/dev/", 5) == 0 && stat(path, &st) == 0 &&
           S_ISCHR(st.st_mode);
}

/* One of the standard streams; its directory need not be granted. */
static int open_stream(struct shadow *shadow, unsigned number, const char *path,
                       struct ckpt_err *err)
{
    struct handle *handle = &shadow->handles.table[number];
    char dir[PATH_MAX];
    int flags = O_RDONLY;

    if (number > 0)
        flags = O_WRONLY | O_CREAT |
                (shadow->images.current || shadow->revived ? 0 : O_TRUNC);
    handle->readable = number == 0;
    handle->writable = number > 0;
    if (!path || strcmp(path, "/dev/null") == 0) {
        handle->fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        return handle->fd < 0 ? ckpt_err_sys(err, "/dev/null") : 0;
    }
    if (is_terminal(path))
        return open_terminal(handle, path)
                   ? 0
                   : ckpt_err_set(err, ENOTTY, "%s is not your terminal", path);
    const char *name = strrchr(path, '/') + 1;
    snprintf(dir, sizeof dir, "%.*s", (int)(name - path), path);
    int dirfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dirfd >= 0)
        handle->fd = change_open(shadow->change, dirfd, name, flags,
                                 0666 & ~shadow->spec.umask);
    if (dirfd < 0 || handle->fd < 0) {
        const char *why = change_error(shadow->change);
        ckpt_err_sys(err, "%s%s%s", path, why ? ": " : "", why ? why : "");
    }
    if (dirfd >= 0)
        close(dirfd);
    return handle->fd < 0 ? -1 : 0;
}

static int open_streams(struct shadow *shadow, struct ckpt_err *err)
{
    const struct jobspec *spec = &shadow->spec;

    if (open_stream(shadow, 0, spec->in, err) < 0 ||
        open_stream(shadow, 1, spec->out, err) < 0)
        return -1;
    if (open_stream(shadow, 2, spec->err, err) < 0)
        return -1;
    /* In one file neither may write over the other. */
    bool same = spec->out && spec->err && strcmp(spec->out, spec->err) == 0;
    shadow->handles.table[1].append = same;
    shadow->handles.table[2].append = same;
    return 0;
}

static int resolve_cwd(struct shadow *shadow, struct ckpt_err *err)
{
    char *cwd = realpath(shadow->spec.cwd, NULL);

    if (!cwd)
        return ckpt_err_sys(err, "cannot use %s", shadow->spec.cwd);
    free(shadow->spec.cwd);
    shadow->spec.cwd = cwd;
    if (!shadow->revived)
        strcpy(shadow->cwd, cwd);
    return 0;
}

/* A regular file that no grant covers so far. */
static int grant_file(struct shadow *shadow, char *path, bool write,
                      struct ckpt_err *err)
{
    struct jobspec_grant grant = {.path = path, .write = write};
    struct place place;
    struct stat st;

    if (!path || stat(path, &st) < 0 || !S_ISREG(st.st_mode))
        return 0;
    if (paths_find(shadow->paths, "/", path, true, &place) == 0) {
        place_clear(&place);
        if (!place.above)
            return 0;
    }
    return paths_grant(shadow->paths, &grant, err);
}

int start_grants(struct shadow *shadow, struct ckpt_err *err)
{
    const struct jobspec *spec = &shadow->spec;

    shadow->paths = paths_create();
    if (!shadow->paths)
        return ckpt_err_set(err, ENOMEM, "out of memory");
    if (resolve_cwd(shadow, err) < 0)
        return -1;
    for (size_t i = 0; i < spec->grant_count; i++)
        if (paths_grant(shadow->paths, &spec->grants[i], err) < 0)
            return -1;
    for (char **deny = spec->deny; deny && *deny; deny++)
        if (paths_deny(shadow->paths, *deny, err) < 0)
            return -1;
    if (paths_deny(shadow->paths, shadow->dir, err) < 0)
        return -1;
    struct jobspec_grant cwd = {.path = spec->cwd, .write = true};
    if (spec->grant_count == 0 && paths_grant(shadow->paths, &cwd, err) < 0)
        return -1;
    shadow->exe_fd = open(spec->executable, O_RDONLY | O_CLOEXEC);
    if (shadow->exe_fd < 0)
        return ckpt_err_sys(err, "%s", spec->executable);
    /* A program may look at itself and what it was given. */
    return grant_file(shadow, spec->executable, false, err) < 0 ||
                   open_streams(shadow, err) < 0 ||
                   grant_file(shadow, spec->in, false, err) < 0 ||
                   grant_file(shadow, spec->out, true, err) < 0 ||
                   grant_file(shadow, spec->err, true, err) < 0 ||
                   (shadow->revived && handles_revive(shadow, err) < 0)
               ? -1
               : 0;
}
