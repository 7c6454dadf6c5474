/* confine.c - see server.h: a shadow that is taken over is worth little
 *
 * Before it reads a byte from the network the process gives up everything but
 * the granted files, the job's directory and the sockets it has: the owner's
 * ids, no new privileges, no core dump, a filter of system calls, and Landlock
 * where the kernel has it.
 * openat2 in path.c stays what confines each call.
 */
#include "shadow/server.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- ids --- */

static uid_t owner_uid;
static gid_t owner_gid;

static int give_one(const char *path, const struct stat *st, int type,
                    struct FTW *ftw)
{
    (void)st, (void)ftw;
    if (type == FTW_NS)
        return 0;
    return lchown(path, owner_uid, owner_gid);
}

int become_owner(struct shadow *shadow, struct ckpt_err *err)
{
    const char *user = shadow->spec.user;

    if (geteuid() != 0)
        return 0;
    struct passwd *pw = getpwnam(user);
    if (!pw)
        return ckpt_err_set(err, ENOENT, "user %s is not known here", user);
    if (pw->pw_uid == 0)
        return 0;
    owner_uid = pw->pw_uid;
    owner_gid = pw->pw_gid;
    if (nftw(shadow->dir, give_one, 16, FTW_PHYS) != 0)
        return ckpt_err_sys(err, "cannot give %s to %s", shadow->dir, user);
    if (initgroups(user, pw->pw_gid) < 0 ||
        setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) < 0 ||
        setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) < 0)
        return ckpt_err_sys(err, "cannot become %s", user);
    /* The change took /proc/self away from us; the journal looks there. */
    if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
        return ckpt_err_sys(err, "cannot become %s", user);
    return 0;
}

#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

/* --- Landlock --- */

/* Rights by the version of the interface that brought them. */
static uint64_t known_rights(int abi)
{
    uint64_t rights = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1; /* version 1 */

    if (abi >= 2)
        rights |= LANDLOCK_ACCESS_FS_REFER;
    if (abi >= 3)
        rights |= LANDLOCK_ACCESS_FS_TRUNCATE;
    return rights;
}

static const uint64_t read_rights =
    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
static const uint64_t never_rights =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
    LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SOCK;

/* What a rule about a file may grant. */
static const uint64_t file_rights = LANDLOCK_ACCESS_FS_READ_FILE |
                                    LANDLOCK_ACCESS_FS_WRITE_FILE |
                                    LANDLOCK_ACCESS_FS_TRUNCATE;

static int allow(int ruleset, int fd, uint64_t rights)
{
    struct landlock_path_beneath_attr rule = {.parent_fd = fd};
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -1;
    rule.allowed_access = S_ISDIR(st.st_mode) ? rights : rights & file_rights;
    return (int)syscall(SYS_landlock_add_rule, ruleset,
                        LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

static int allow_all(struct shadow *shadow, int ruleset, uint64_t rights)
{
    int fd;
    bool write;

    if (allow(ruleset, shadow->dirfd, rights & ~never_rights) < 0)
        return -1;
    for (size_t i = 0; (fd = paths_grant_fd(shadow->paths, i, &write)) >= 0;
         i++) {
        if (allow(ruleset, fd,
                  write ? rights & ~never_rights : read_rights & rights) < 0)
            return -1;
    }
    return 0;
}

static int landlock(struct shadow *shadow, int *abi)
{
    *abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0,
                        LANDLOCK_CREATE_RULESET_VERSION);
    if (*abi < 2) /* without REFER no file could be moved or linked */
        return 0;
    uint64_t rights = known_rights(*abi);
    struct landlock_ruleset_attr attr = {.handled_access_fs = rights};
    int ruleset =
        (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
    if (ruleset < 0)
        return -1;
    int rc = allow_all(shadow, ruleset, rights);
    if (rc == 0)
        rc = (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
    int saved = errno;
    close(ruleset);
    errno = saved;
    return rc;
}

/* --- seccomp --- */

/* What a file server never does: other programs and processes, other
 * connections, other machines' business. */
static const unsigned forbidden[] = {
    SYS_execve,
    SYS_execveat,
    SYS_fork,
    SYS_vfork,
    SYS_clone,
    SYS_clone3,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_pidfd_getfd,
    SYS_kill,
    SYS_tkill,
    SYS_pidfd_send_signal,
    SYS_socket,
    SYS_socketpair,
    SYS_connect,
    SYS_bind,
    SYS_listen,
    SYS_mount,
    SYS_umount2,
    SYS_move_mount,
    SYS_open_tree,
    SYS_fsopen,
    SYS_pivot_root,
    SYS_chroot,
    SYS_unshare,
    SYS_setns,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_io_uring_setup,
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,
    SYS_mknod,
    SYS_mknodat,
    SYS_open_by_handle_at,
    SYS_init_module,
    SYS_finit_module,
    SYS_kexec_load,
    SYS_reboot,
    SYS_swapon,
};
enum { FORBIDDEN = sizeof forbidden / sizeof forbidden[0] };

static int filter_calls(void)
{
    enum { HEAD = 5, TAIL = 2 };
    struct sock_filter code[HEAD + FORBIDDEN + TAIL] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        /* the x32 calls have this bit */
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, FORBIDDEN + 1, 0),
    };
    struct sock_fprog program = {HEAD + FORBIDDEN + TAIL, code};

    for (unsigned i = 0; i < FORBIDDEN; i++)
        code[HEAD + i] = (struct sock_filter)BPF_JUMP(
            BPF_JMP | BPF_JEQ | BPF_K, forbidden[i],
            (unsigned char)(FORBIDDEN - i), 0);
    code[HEAD + FORBIDDEN] =
        (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[HEAD + FORBIDDEN + 1] = (struct sock_filter)BPF_STMT(
        BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

int confine(struct shadow *shadow, char how[JOBDIR_TEXT_MAX],
            struct ckpt_err *err)
{
    struct rlimit none = {0, 0};
    int abi;

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        setrlimit(RLIMIT_CORE, &none) < 0)
        return ckpt_err_sys(err, "cannot confine the shadow");
    if (landlock(shadow, &abi) < 0)
        return ckpt_err_sys(err, "cannot confine the shadow with Landlock");
    if (filter_calls() < 0)
        return ckpt_err_sys(err, "cannot confine the shadow with seccomp");
    if (abi >= 2)
        snprintf(how, JOBDIR_TEXT_MAX, "uid %u, Landlock %d", geteuid(), abi);
    else
        snprintf(how, JOBDIR_TEXT_MAX, "uid %u, no Landlock here", geteuid());
    return 0;
}
