/* rules.c - where the files below a path lie, as the submitter said
 *
 *     local   in the job's scratch directory on the station, which nothing
 *             leaves: while anything lies there no checkpoint is taken
 *     home    at home, though such paths are the station's otherwise
 *     fetch   at home; what is opened for reading is copied to the station
 *             first, into a file without a name, which travels in the image
 *
 * The rule with the longest prefix counts; then the table of path.c.
 */
#include "lib/common/dirent.h"
#include "lib/common/io.h"
#include "lib/remote/state.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static bool has_prefix(const char *path, const char *prefix)
{
    size_t len = strlen(prefix);
    return strncmp(path, prefix, len) == 0 &&
           (path[len] == '\0' || path[len] == '/');
}

enum ckpt_side ckpt_path_side(const char *path)
{
    const struct ckpt_rule *best = NULL;

    for (uint32_t i = 0; i < ckpt_state->rule_count; i++) {
        const struct ckpt_rule *rule = &ckpt_state->rules[i];
        if (has_prefix(path, rule->prefix) &&
            (!best || strlen(rule->prefix) > strlen(best->prefix)))
            best = rule;
    }
    if (best)
        return best->side;
    return ckpt_path_is_local(path) ? CKPT_SIDE_STATION : CKPT_SIDE_HOME;
}

/* --- at a start --------------------------------------------------------- */

static int fail(struct ckpt_err *err, long rc, const char *what)
{
    errno = (int)-rc;
    return ckpt_err_sys(err, "%s", what);
}

static bool_t no_arguments(XDR *xdr, void *none)
{
    (void)xdr;
    (void)none;
    return TRUE;
}

static int take_rule(const shadow_rule *from, struct ckpt_err *err)
{
    static const enum ckpt_side sides[] = {
        [SHADOW_RULE_LOCAL] = CKPT_SIDE_SCRATCH,
        [SHADOW_RULE_HOME] = CKPT_SIDE_HOME,
        [SHADOW_RULE_FETCH] = CKPT_SIDE_FETCH,
    };
    struct ckpt_rule *rule = &ckpt_state->rules[ckpt_state->rule_count];
    char path[PATH_MAX];

    if (ckpt_path_join(path, "/", from->prefix) != 0 ||
        strlen(path) >= sizeof rule->prefix)
        return ckpt_err_set(err, ENAMETOOLONG, "path rule for %.200s: too long",
                            from->prefix);
    rule->side = sides[from->kind];
    strcpy(rule->prefix, path);
    ckpt_state->rule_count++;
    return 0;
}

int ckpt_rules_fetch(struct ckpt_err *err)
{
    static shadow_rule list[SHADOW_RULES_MAX];
    shadow_rules rules = {.rules = {SHADOW_RULES_MAX, list}};
    XDR xdr;

    /* decoded into memory that is there */
    char *texts = (char *)ckpt_link->image;
    for (int i = 0; i < SHADOW_RULES_MAX; i++)
        list[i].prefix = texts + i * (SHADOW_PATH_MAX + 1);
    struct ckpt_slot *slot =
        ckpt_wire_begin(SHADOW_RULES, (xdrproc_t)no_arguments, NULL);
    ckpt_wire_issue(slot);
    ckpt_wire_wait(slot, &xdr);
    if (!xdr_shadow_rules(&xdr, &rules))
        return fail(err, -EPROTO, "the shadow does not tell the path rules");
    ckpt_state->rule_count = 0;
    for (u_int i = 0; i < rules.rules.rules_len; i++)
        if (take_rule(&list[i], err) != 0)
            return -1;
    return 0;
}

/* Make a directory and those above it, as far as they are below `from`. */
static long make_way(char *path, size_t from)
{
    for (char *at = path + from; *at; at++) {
        char *slash = strchr(at + 1, '/');
        if (slash)
            *slash = '\0';
        long rc = ckpt_sys(SYS_mkdir, path, 0700);
        if (slash)
            *slash = '/';
        if (rc < 0 && rc != -EEXIST)
            return rc;
        at = slash ? slash - 1 : at + strlen(at) - 1;
    }
    return 0;
}

/* The station starts the job in a directory of its own. */
int ckpt_rules_prepare(struct ckpt_err *err)
{
    static const char name[] = "/local";
    char path[PATH_MAX + sizeof ckpt_state->rules[0].prefix];
    bool any = false;

    for (uint32_t i = 0; i < ckpt_state->rule_count; i++)
        any |= ckpt_state->rules[i].side != CKPT_SIDE_HOME;
    if (!any)
        return 0;
    long n = ckpt_sys(SYS_getcwd, ckpt_link->scratch,
                      sizeof ckpt_link->scratch - sizeof name);
    if (n < 0)
        return fail(err, n, "path rules: no scratch directory");
    strcat(ckpt_link->scratch, name);
    size_t len = strlen(ckpt_link->scratch);
    memcpy(path, ckpt_link->scratch, len + 1);
    long rc = ckpt_sys(SYS_mkdir, path, 0700);
    for (uint32_t i = 0; i < ckpt_state->rule_count; i++) {
        if (ckpt_state->rules[i].side != CKPT_SIDE_SCRATCH)
            continue;
        strcpy(path + len, ckpt_state->rules[i].prefix);
        rc = make_way(path, len);
        if (rc < 0)
            break;
    }
    if (rc < 0 && rc != -EEXIST)
        return fail(err, rc, "path rules: the station's scratch directory");
    return 0;
}

/* --- local ---------------------------------------------------------------- */

long ckpt_scratch_name(char *full)
{
    size_t add = strlen(ckpt_link->scratch), len = strlen(full);

    if (add + len >= PATH_MAX)
        return -ENAMETOOLONG;
    memmove(full + add, full, len + 1);
    memcpy(full, ckpt_link->scratch, add);
    return 0;
}

/* Which arguments are paths; the second -1 when there is only one. */
static void path_arguments(long nr, int at[2])
{
    at[0] = 0;
    at[1] = -1;
    switch (nr) {
    case SYS_rename:
    case SYS_link:
        at[1] = 1;
        break;
    case SYS_renameat:
    case SYS_renameat2:
    case SYS_linkat:
        at[0] = 1;
        at[1] = 3;
        break;
    case SYS_symlink: /* the target stays what it is */
        at[0] = -1;
        at[1] = 1;
        break;
    case SYS_symlinkat:
        at[0] = -1;
        at[1] = 2;
        break;
    case SYS_mkdirat:
    case SYS_unlinkat:
    case SYS_fchmodat:
    case SYS_fchownat:
    case SYS_futimesat:
    case SYS_utimensat:
    case 452: /* fchmodat2 */
        at[0] = 1;
        break;
    }
}

long ckpt_scratch_call(struct ckpt_call *call)
{
    uint64_t arg[6];
    int at[2];

    memcpy(arg, call->arg, sizeof arg);
    path_arguments(call->nr, at);
    for (int i = 0; i < 2; i++)
        if (at[i] >= 0)
            arg[at[i]] = (uint64_t)(uintptr_t)ckpt_link->where[i][1];
    return ckpt_sys(call->nr, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}

long ckpt_named(struct ckpt_call *call)
{
    long rc = call->body(call);

    return rc == CKPT_SCRATCH ? ckpt_scratch_call(call) : rc;
}

/* Does another rule's directory begin with this entry of the rule's? */
static bool leads_to_rule(const struct ckpt_rule *rule, const char *name)
{
    size_t len = strlen(rule->prefix), name_len = strlen(name);

    for (uint32_t i = 0; i < ckpt_state->rule_count; i++) {
        const struct ckpt_rule *other = &ckpt_state->rules[i];
        const char *tail = other->prefix + len + 1;
        if (other->side == CKPT_SIDE_SCRATCH &&
            strlen(other->prefix) > len + name_len &&
            has_prefix(other->prefix, rule->prefix) &&
            strncmp(tail, name, name_len) == 0 &&
            (tail[name_len] == '/' || tail[name_len] == '\0'))
            return true;
    }
    return false;
}

static int check_entries(const struct ckpt_rule *rule, int fd,
                         struct ckpt_err *err)
{
    _Alignas(struct ckpt_dirent) char buf[4096];
    long n;

    while ((n = ckpt_sys(SYS_getdents64, fd, buf, sizeof buf)) > 0)
        for (long at = 0; at < n;) {
            const struct ckpt_dirent *d = (void *)(buf + at);
            at += d->reclen;
            if (strcmp(d->name, ".") != 0 && strcmp(d->name, "..") != 0 &&
                !leads_to_rule(rule, d->name))
                return ckpt_err_set(
                    err, EBUSY,
                    "%.200s/%.200s lies on the station (path rule local) and "
                    "would be lost: remove it before a checkpoint",
                    rule->prefix, d->name);
        }
    return n < 0 ? fail(err, n, rule->prefix) : 0;
}

int ckpt_scratch_is_empty(struct ckpt_err *err)
{
    char path[PATH_MAX];

    for (uint32_t i = 0; i < ckpt_state->rule_count; i++) {
        const struct ckpt_rule *rule = &ckpt_state->rules[i];
        if (rule->side != CKPT_SIDE_SCRATCH)
            continue;
        strcpy(path, rule->prefix);
        long fd = ckpt_scratch_name(path);
        if (fd == 0)
            fd = ckpt_sys(SYS_openat, AT_FDCWD, path,
                          O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
            return fail(err, fd, rule->prefix);
        int rc = check_entries(rule, (int)fd, err);
        ckpt_sys(SYS_close, fd);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* --- fetch ------------------------------------------------------------------
 */

enum { FETCH_PART = 1 << 20 };

static long copy_to(struct ckpt_file *file, int to, void *part)
{
    uint64_t offset = 0;
    long n;

    while ((n = ckpt_cache_read(file, part, FETCH_PART, offset)) > 0) {
        if (ckpt_write_full(to, part, (size_t)n) < 0)
            return -errno;
        offset += (uint64_t)n;
    }
    return n;
}

/* As the file at home looks. */
static void dress(int fd, const struct shadow_attr *attr)
{
    struct timespec times[2] = {
        {attr->atime_sec, (long)attr->atime_nsec},
        {attr->mtime_sec, (long)attr->mtime_nsec},
    };

    ckpt_sys(SYS_fchmod, fd, attr->mode & 0777);
    ckpt_sys(SYS_utimensat, fd, NULL, times, 0);
}

/* A new file without a name, open for writing, and again for reading. */
static long unnamed(int *writer, int flags)
{
    char path[PATH_MAX + 16], link[32];

    snprintf(path, sizeof path, "%s/.fetched", ckpt_link->scratch);
    long fd = ckpt_sys(SYS_openat, AT_FDCWD, path,
                       O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return fd;
    *writer = (int)fd;
    snprintf(link, sizeof link, "/proc/self/fd/%d", *writer);
    fd = ckpt_sys(SYS_openat, AT_FDCWD, link, O_RDONLY | (flags & O_CLOEXEC));
    ckpt_sys(SYS_unlinkat, AT_FDCWD, path, 0);
    if (fd < 0)
        ckpt_sys(SYS_close, *writer);
    return fd;
}

long ckpt_fetch(struct ckpt_file *file, int flags)
{
    long part = ckpt_sys(SYS_mmap, NULL, FETCH_PART, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int writer;

    if (part < 0 && part > -4096)
        return part;
    long fd = unnamed(&writer, flags);
    if (fd >= 0) {
        long rc = copy_to(file, writer, (void *)part);
        dress(writer, &file->attr);
        ckpt_sys(SYS_close, writer);
        if (rc < 0) {
            ckpt_sys(SYS_close, fd);
            fd = rc;
        }
    }
    ckpt_sys(SYS_munmap, part, FETCH_PART);
    return fd;
}
