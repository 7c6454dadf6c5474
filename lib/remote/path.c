/* path.c - which paths are the station's and which are at home
 *
 * One table of rules, longest name first where it matters.  A path is judged
 * by its text, joined to the directory it is relative to and normalized;
 * symbolic links are not followed for it.  What no rule names is at home.
 */
#include "lib/remote/state.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

struct rule {
    const char *prefix; /* the path itself, and everything below it */
    bool local;
};

/* What makes the program run is the station's: kernel interfaces, and the
 * libraries, locales and time zones that fit its C library. */
static const struct rule rules[] = {
    {"/proc", true},
    {"/sys", true},
    {"/dev/null", true},
    {"/dev/zero", true},
    {"/dev/full", true},
    {"/dev/random", true},
    {"/dev/urandom", true},
    {"/dev/shm", true},
    {"/usr/local/etc", false},
    {"/usr", true},
    {"/lib", true},
    {"/lib32", true},
    {"/lib64", true},
    {"/libx32", true},
    {"/bin", true},
    {"/sbin", true},
    {"/etc/ld.so.cache", true},
    {"/etc/ld.so.conf", true},
    {"/etc/ld.so.conf.d", true},
    {"/etc/ld.so.preload", true},
    {"/etc/localtime", true},
    {"/etc/locale.alias", true},
    {"/run/nscd", true},
    {"/var/run/nscd", true},
};

static bool has_prefix(const char *path, const char *prefix)
{
    size_t len = strlen(prefix);
    return strncmp(path, prefix, len) == 0 &&
           (path[len] == '\0' || path[len] == '/');
}

bool ckpt_path_is_local(const char *path)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (has_prefix(path, rules[i].prefix))
            return rules[i].local;
    return false;
}

/* Append one component to a normalized path of *len bytes. */
static long push(char *out, size_t *len, const char *name, size_t name_len)
{
    if (name_len == 0 || (name_len == 1 && name[0] == '.'))
        return 0;
    if (name_len == 2 && name[0] == '.' && name[1] == '.') {
        while (*len > 0 && out[--*len] != '/')
            ;
        return 0;
    }
    if (*len + 1 + name_len >= PATH_MAX)
        return -ENAMETOOLONG;
    out[(*len)++] = '/';
    memcpy(out + *len, name, name_len);
    *len += name_len;
    return 0;
}

static long push_all(char *out, size_t *len, const char *path)
{
    while (*path) {
        size_t n = strcspn(path, "/");
        long rc = push(out, len, path, n);
        if (rc != 0)
            return rc;
        path += n + (path[n] == '/');
    }
    return 0;
}

long ckpt_path_join(char *out, const char *dir, const char *path)
{
    size_t len = 0;
    long rc = path[0] == '/' ? 0 : push_all(out, &len, dir);

    if (rc == 0)
        rc = push_all(out, &len, path);
    if (rc != 0)
        return rc;
    if (len == 0)
        out[len++] = '/';
    out[len] = '\0';
    return 0;
}

/* Copy a string of the program, page by page. */
static long copy_path(char *to, uint64_t from)
{
    size_t done = 0;

    while (done < PATH_MAX) {
        size_t part = 256 - (from + done) % 256;
        if (part > PATH_MAX - done)
            part = PATH_MAX - done;
        long rc = ckpt_user_read(to + done, from + done, part);
        if (rc != 0)
            return rc;
        if (memchr(to + done, '\0', part))
            return 0;
        done += part;
    }
    return -ENAMETOOLONG;
}

/* The number at the end of PREFIX/N, or -1. */
static int number_below(const char *path, const char *prefix)
{
    size_t len = strlen(prefix);
    int n = 0;

    if (strncmp(path, prefix, len) != 0 || path[len] != '/' || !path[len + 1])
        return -1;
    for (const char *p = path + len + 1; *p; p++) {
        if (*p < '0' || *p > '9' || n > CKPT_FDS)
            return -1;
        n = n * 10 + (*p - '0');
    }
    return n;
}

/* The terminal that the job has at home, if any, is a standard stream. */
static bool is_terminal(int fd)
{
    const struct ckpt_file *file = ckpt_file_of((uint64_t)fd);

    return file && file->standard && file->kind == CKPT_KIND_STREAM &&
           S_ISCHR(file->attr.mode);
}

static int named_descriptor(const char *path)
{
    static const char *const standard[] = {"/dev/stdin", "/dev/stdout",
                                           "/dev/stderr"};

    for (int i = 0; i < 3; i++)
        if (strcmp(path, standard[i]) == 0 ||
            (strcmp(path, "/dev/tty") == 0 && is_terminal(i)))
            return i;
    int n = number_below(path, "/dev/fd");
    return n >= 0 ? n : number_below(path, "/proc/self/fd");
}

/* /proc/PID with our number at home is /proc/self. */
static void rewrite_own_pid(struct ckpt_where *where, char *spare)
{
    char *full = where->full;
    long pid = 0;
    char *p = full + 6;

    if (strncmp(full, "/proc/", 6) != 0 || *p < '1' || *p > '9')
        return;
    for (; *p >= '0' && *p <= '9' && pid < INT_MAX; p++)
        pid = pid * 10 + (*p - '0');
    if (pid != ckpt_state->id.pid || (*p && *p != '/') ||
        strlen(p) + 11 > PATH_MAX)
        return;
    strcpy(spare, "/proc/self");
    strcat(spare, p);
    strcpy(full, spare);
    where->rewritten = true;
}

/* By the rules and the table above.  0, or -ENAMETOOLONG. */
static long judge(struct ckpt_where *where)
{
    enum ckpt_side side = ckpt_path_side(where->full);

    where->local = side == CKPT_SIDE_STATION || side == CKPT_SIDE_SCRATCH;
    where->fetch = side == CKPT_SIDE_FETCH;
    if (side != CKPT_SIDE_SCRATCH)
        return 0;
    where->rewritten = where->scratch = true;
    return ckpt_scratch_name(where->full);
}

static long judge_absolute(struct ckpt_where *where, char *spare)
{
    rewrite_own_pid(where, spare);
    where->fd = named_descriptor(where->full);
    if (where->fd >= 0 && !ckpt_fd_remote((uint64_t)where->fd))
        where->fd = -1;
    long rc = judge(where);
    if (strncmp(where->full, "/dev/fd", 7) == 0 && where->fd < 0)
        where->local = true;
    return rc;
}

/* Relative to the working directory.  A path that leaves the side the
 * directory is on goes by its full name. */
static long judge_relative(struct ckpt_where *where)
{
    long rc = judge(where);

    if (where->local && (!ckpt_state->cwd_local || ckpt_state->cwd_scratch))
        where->rewritten = true;
    if (!where->local && ckpt_state->cwd_local)
        where->at.path = where->full;
    return rc;
}

static long below_descriptor(uint64_t dirfd, struct ckpt_where *where)
{
    struct ckpt_file *dir = ckpt_file_of(dirfd);

    where->full[0] = '\0';
    if (!dir) {
        where->local = true;
        return ckpt_fd_remote(dirfd) ? -EBADF : 0;
    }
    if (dir->kind != CKPT_KIND_DIR && !where->empty)
        return -ENOTDIR;
    where->at.dir = dir->handle;
    long rc = ckpt_path_join(where->full, dir->path, where->at.path);
    if (rc == 0 && ckpt_state->rule_count > 0) {
        enum ckpt_side side = ckpt_path_side(where->full);
        where->fetch = side == CKPT_SIDE_FETCH;
        if (side == CKPT_SIDE_SCRATCH)
            rc = judge(where);
    }
    return rc;
}

long ckpt_path_resolve(uint64_t dirfd, uint64_t path, int which,
                       struct ckpt_where *where)
{
    char *text = ckpt_link->where[which][0];
    long rc;

    *where = (struct ckpt_where){.full = ckpt_link->where[which][1], .fd = -1};
    where->at.dir = SHADOW_CWD;
    where->at.path = text;
    if ((rc = copy_path(text, path)) != 0)
        return rc;
    where->empty = text[0] == '\0';
    if (text[0] != '/' && (int)dirfd != AT_FDCWD)
        return below_descriptor(dirfd, where);
    rc = ckpt_path_join(where->full, ckpt_state->cwd, text);
    if (rc != 0)
        return rc;
    return text[0] == '/'
               ? judge_absolute(where, ckpt_link->where[1 - which][0])
               : judge_relative(where);
}
