/* confine.c - see confine.h */
#include "scheduler/starter/confine.h"

#include "scheduler/starter/view.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Rights newer than the headers we may be built with (Linux 5.19, 6.2, 6.10).
 */
#define FS_REFER (1ULL << 13)
#define FS_TRUNCATE (1ULL << 14)
#define FS_IOCTL_DEV (1ULL << 15)
#define SCOPE_ABSTRACT_SOCKET (1ULL << 0) /* 6.12, both */
#define SCOPE_SIGNAL (1ULL << 1)

/* struct landlock_ruleset_attr as of Linux 6.12; kernels before take the part
 * they know. */
struct ruleset_attr {
    uint64_t fs;
    uint64_t net;
    uint64_t scoped;
};

#define FS_READ                                                                \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE |               \
     LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_VERSION_1 (LANDLOCK_ACCESS_FS_MAKE_SYM * 2 - 1)
/* What a rule about something that is not a directory may grant. */
#define FS_FILE_RIGHTS                                                         \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE |               \
     LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

enum {
    IOPRIO_WHO_PROCESS = 1,
    IOPRIO_BE_LOWEST = (2 << 13) | 7,
    AUTOGROUP_TRIES = 20,
};

int confine_landlock_version(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
                           LANDLOCK_CREATE_RULESET_VERSION);

    return version > 0 ? (int)version : 0;
}

static uint64_t all_rights(int version)
{
    uint64_t rights = FS_VERSION_1;

    if (version >= 2)
        rights |= FS_REFER;
    if (version >= 3)
        rights |= FS_TRUNCATE;
    if (version >= 5)
        rights |= FS_IOCTL_DEV;
    return rights;
}

static int allow_fd(int ruleset, int fd, uint64_t rights)
{
    struct landlock_path_beneath_attr rule = {.parent_fd = fd};
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -1;
    rule.allowed_access =
        S_ISDIR(st.st_mode) ? rights : rights & FS_FILE_RIGHTS;
    return (int)syscall(SYS_landlock_add_rule, ruleset,
                        LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

/* A path that this machine does not have needs no rule. */
static int allow_path(int ruleset, const char *path, uint64_t rights)
{
    int fd = open(path, O_PATH | O_CLOEXEC);

    if (fd < 0)
        return 0;
    int rc = allow_fd(ruleset, fd, rights);
    close(fd);
    return rc;
}

/* What is mounted from home, where the shadow looks after what is allowed, and
 * the job's own. */
static int allow_view(int ruleset, const shadow_grants_ok *grants,
                      uint64_t rights)
{
    int rc = allow_path(ruleset, VIEW_OWN, FS_READ);

    if (rc == 0) /* the image and the log */
        rc = allow_path(
            ruleset, VIEW_HOME,
            rights & (FS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE));
    if (rc == 0)
        rc = allow_path(ruleset, "/tmp", rights);
    if (rc == 0)
        rc = allow_path(ruleset, "/dev/shm", rights);
    for (unsigned i = 0; rc == 0 && i < grants->grants.grants_len; i++)
        if (view_mounts(grants, i))
            rc = allow_path(ruleset, grants->grants.grants_val[i].path, rights);
    return rc;
}

static int allow_all(int ruleset, const struct confine *confine,
                     uint64_t rights)
{
    static const char *const system[] = {"/usr", "/bin",   "/sbin",
                                         "/lib", "/lib32", "/lib64",
                                         "/etc", "/proc",  "/sys"};
    static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/full",
                                          "/dev/random", "/dev/urandom"};
    uint64_t device = LANDLOCK_ACCESS_FS_READ_FILE |
                      LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE;
    int rc = confine->mounted
                 ? allow_view(ruleset, confine->mounted, rights)
                 : allow_path(ruleset, ".", rights); /* the scratch directory */

    for (size_t i = 0; rc == 0 && i < sizeof system / sizeof system[0]; i++)
        rc = allow_path(ruleset, system[i], FS_READ);
    for (size_t i = 0; rc == 0 && i < sizeof devices / sizeof devices[0]; i++)
        rc = allow_path(ruleset, devices[i], rights & device);
    /* its own name and memory are written through /proc/self */
    if (rc == 0)
        rc = allow_path(ruleset, "/proc",
                        FS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE);
    if (rc == 0 && confine->program_fd >= 0)
        rc = allow_fd(ruleset, confine->program_fd, FS_READ);
    return rc;
}

static int confine_files(const struct confine *confine, struct ckpt_err *err)
{
    int version = confine_landlock_version();
    struct ruleset_attr attr = {.scoped = SCOPE_ABSTRACT_SOCKET | SCOPE_SIGNAL};

    if (version == 0)
        return 0;
    uint64_t rights = attr.fs = all_rights(version);
    /* jobs of several stations may share a user: no signals to each other */
    long ruleset = syscall(SYS_landlock_create_ruleset, &attr,
                           version >= 6 ? sizeof attr : sizeof attr.fs, 0);
    if (ruleset < 0)
        return ckpt_err_sys(err, "Landlock");
    int rc = allow_all((int)ruleset, confine, rights);
    if (rc == 0)
        rc = (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
    if (rc < 0)
        ckpt_err_sys(err, "Landlock");
    close((int)ruleset);
    return rc;
}

static int confine_use(const struct confine *confine, struct ckpt_err *err)
{
    struct rlimit none = {0, 0}, data = {confine->memory, confine->memory};

    if (setpriority(PRIO_PROCESS, 0, confine->nice) < 0)
        return ckpt_err_sys(err, "nice %d", confine->nice);
    syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_BE_LOWEST);
    if (setrlimit(RLIMIT_CORE, &none) < 0)
        return ckpt_err_sys(err, "RLIMIT_CORE");
    if (confine->memory > 0 && setrlimit(RLIMIT_DATA, &data) < 0)
        return ckpt_err_sys(err, "RLIMIT_DATA");
    return 0;
}

static int confine_user(const struct confine *confine, struct ckpt_err *err)
{
    if (!confine->change_user)
        return 0;
    if (setgroups(0, NULL) < 0 ||
        setresgid(confine->gid, confine->gid, confine->gid) < 0 ||
        setresuid(confine->uid, confine->uid, confine->uid) < 0)
        return ckpt_err_sys(err, "becoming user %u", confine->uid);
    return 0;
}

/* After the change of user, which takes the wish back. */
static int die_with_parent(const struct confine *confine, struct ckpt_err *err)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return ckpt_err_sys(err, "PR_SET_PDEATHSIG");
    if (getppid() != confine->parent)
        return ckpt_err_set(err, ESRCH, "the starter is gone");
    return 0;
}

int confine_self(const struct confine *confine, struct ckpt_err *err)
{
    if (setsid() < 0)
        return ckpt_err_sys(err, "setsid");
    if (chdir(confine->scratch) < 0)
        return ckpt_err_sys(err, "%s", confine->scratch);
    if (confine_use(confine, err) < 0 || confine_user(confine, err) < 0 ||
        die_with_parent(confine, err) < 0)
        return -1;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return ckpt_err_sys(err, "PR_SET_NO_NEW_PRIVS");
    return confine_files(confine, err) < 0
               ? -1
               : confine_calls(confine->mounted, err);
}

void confine_session(pid_t pid, int nice)
{
    struct timespec moment = {0, 110000000};
    char path[64], text[16];

    snprintf(path, sizeof path, "/proc/%d/autogroup", (int)pid);
    int n = snprintf(text, sizeof text, "%d", nice);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    for (int i = 0; i < AUTOGROUP_TRIES; i++) {
        if (write(fd, text, (size_t)n) > 0 || errno != EAGAIN)
            break;
        nanosleep(&moment, NULL);
    }
    close(fd);
}
