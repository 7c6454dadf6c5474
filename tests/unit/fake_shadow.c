/* fake_shadow.c - a shadow for tests of the client
 *
 *     fake-shadow [--cut N | --supersede N] PROG ARG...
 *
 * Runs PROG in remote mode against itself: its own descriptors 0, 1, 2,
 * working directory and identity are the job's home.  With --cut it drops the
 * connection at every Nth call, in turn before and after carrying it out; with
 * --supersede it drops it at the Nth and knows the token no more.
 * Plain calls of the system, no confinement, no journal: ckpt-shadow has those.
 */
#include "tests/unit/fake_shadow.h"

#include "lib/proto/boot.h"
#include "lib/proto/channel.h"
#include "lib/proto/rpc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* rpcgen's dispatcher wants these; the channel is ours. */
extern void shadow_program_1(struct svc_req *req, SVCXPRT *xprt);

enum { KEPT = 8192 };

static struct slot {
    uint32_t seq;
    size_t len;
    uint8_t reply[KEPT];
} slots[SHADOW_SLOTS];
int handles[HANDLES];
static unsigned cut_every, supersede_at, calls, all_calls;
static bool cut_now;

SERVICE(bind, shadow_bind_args, shadow_bind_res)
{
    static const char zero[SHADOW_ID_LEN];
    ZERO;
    if (memcmp(args->session, zero, sizeof zero) == 0)
        memset(slots, 0, sizeof slots);
    memset(res->shadow_bind_res_u.ok.session, 7, SHADOW_ID_LEN);
    res->shadow_bind_res_u.ok.slots = SHADOW_SLOTS;
    return TRUE;
}

<<<<<<< HEAD
bool_t shadow_identity_1_svc(void *args, shadow_identity *res,
                             struct svc_req *req)
{
    char cwd[4096], host[256] = "";
    ZERO;
    gethostname(host, sizeof host - 1);
    mode_t mask = umask(0);
    umask(mask);
    *res = (shadow_identity){
        .pid = getpid(),
        .ppid = getppid(),
        .pgid = getpgrp(),
        .sid = getsid(0),
        .uid = getuid(),
        .euid = geteuid(),
        .gid = getgid(),
        .egid = getegid(),
        .user = strdup("user"),
        .hostname = strdup(host),
        .domainname = strdup("home"),
        .cwd = strdup(getcwd(cwd, sizeof cwd)),
        .umask = mask,
    };
    return TRUE;
}

SERVICE(open, shadow_open_args, shadow_open_res)
{
    struct stat st;
    unsigned h = 3;
    ZERO;
    while (h < HANDLES && handles[h] >= 0)
        h++;
    int fd = openat(dir_of(&args->at), args->at.path,
                    (int)args->flags | O_CLOEXEC, args->mode);
    res->status = status(fd);
    if (fd < 0)
        return TRUE;
    fstat(fd, &st);
    handles[h] = fd;
    res->shadow_open_res_u.ok.handle = h;
    res->shadow_open_res_u.ok.attr = attr_of(&st);
    return TRUE;
}

SERVICE(open_read, shadow_open_read_args, shadow_open_read_res)
{
    static char data[SHADOW_OPEN_DATA_MAX];
    shadow_open_read_ok *ok = &res->shadow_open_read_res_u.ok;
    shadow_open_res open = {.status = 0};

    ZERO;
    shadow_open_1_svc(&args->open, &open, req);
    res->status = open.status;
    if (open.status != 0)
        return TRUE;
    ok->open = open.shadow_open_res_u.ok;
    ssize_t n = S_ISREG(ok->open.attr.mode) && ok->open.attr.size <= args->count
                    ? pread(fd_of(ok->open.handle), data, sizeof data, 0)
                    : -1;
    ok->whole = n >= 0;
    if (n > 0 && (ok->data.data_val = malloc((size_t)n))) {
        memcpy(ok->data.data_val, data, (size_t)n);
        ok->data.data_len = (u_int)n;
    }
    return TRUE;
}

SERVICE(cancel, shadow_cancel_args, shadow_status_res)
{
    UNUSED;
    (void)args;
    res->status = ENOENT;
    return TRUE;
}

SERVICE(tty_set, shadow_tty_set_args, shadow_status_res)
{
    UNUSED;
    (void)args;
    res->status = ENOTTY;
    return TRUE;
}

SERVICE(close, shadow_handle_args, shadow_status_res)
{
    UNUSED;
    int fd = fd_of(args->handle);
    if (args->handle < HANDLES)
        handles[args->handle] = -1;
    return tell(res, close(fd));
}

SERVICE(read, shadow_read_args, shadow_read_res)
{
    ZERO;
    char *buf = malloc(args->count + 1);
    ssize_t n =
        pread(fd_of(args->handle), buf, args->count, (off_t)args->offset);
    if (n < 0 && errno == ESPIPE)
        n = read(fd_of(args->handle), buf, args->count);
    res->status = status(n);
    if (n < 0)
        free(buf);
    else
        res->shadow_read_res_u.ok.data = (shadow_data){(u_int)n, buf};
    return TRUE;
}

/* All of it, or the error that stopped it. */
static ssize_t write_all(int fd, const char *buf, size_t len, off_t offset)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = pwrite(fd, buf + done, len - done, offset + (off_t)done);
        if (n < 0 && errno == ESPIPE)
            n = write(fd, buf + done, len - done);
        if (n < 0)
            return -1;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

SERVICE(write, shadow_write_args, shadow_write_res)
{
    int fd = fd_of(args->handle);
    ZERO;
    const shadow_data *d = &args->data;
    off_t at = args->append ? lseek(fd, 0, SEEK_END) : (off_t)args->offset;
    ssize_t n = write_all(fd, d->shadow_data_val, d->shadow_data_len, at);
    res->status = status(n);
    res->shadow_write_res_u.ok.count = (u_int)n;
    res->shadow_write_res_u.ok.end = (uint64_t)(at + n);
    return TRUE;
}

SERVICE(stat, shadow_stat_args, shadow_attr_res)
{
    struct stat st;
    ZERO;
    int rc = fstatat(dir_of(&args->at), args->at.path, &st,
                     args->follow ? 0 : AT_SYMLINK_NOFOLLOW);
    return tell_attr(res, rc, &st);
}

SERVICE(fstat, shadow_handle_args, shadow_attr_res)
{
    struct stat st;
    ZERO;
    return tell_attr(res, fstat(fd_of(args->handle), &st), &st);
}

static bool_t tell_statfs(shadow_statfs_res *res, int rc,
                          const struct statfs *sf)
{
    res->status = status(rc);
    res->shadow_statfs_res_u.ok =
        (shadow_statfs_ok){(uint64_t)sf->f_type,  (uint64_t)sf->f_bsize,
                           sf->f_blocks,          sf->f_bfree,
                           sf->f_bavail,          sf->f_files,
                           sf->f_ffree,           (uint64_t)sf->f_namelen,
                           (uint64_t)sf->f_frsize};
    return TRUE;
}

SERVICE(statfs, shadow_path_args, shadow_statfs_res)
{
    struct statfs sf = {0};
    ZERO;
    return tell_statfs(res, statfs(args->at.path, &sf), &sf);
}

SERVICE(fstatfs, shadow_handle_args, shadow_statfs_res)
{
    struct statfs sf = {0};
    ZERO;
    return tell_statfs(res, fstatfs(fd_of(args->handle), &sf), &sf);
}

SERVICE(truncate, shadow_truncate_args, shadow_status_res)
{
    UNUSED;
    return tell(res, truncate(args->at.path, (off_t)args->size));
}

SERVICE(ftruncate, shadow_ftruncate_args, shadow_status_res)
{
    UNUSED;
    return tell(res, ftruncate(fd_of(args->handle), (off_t)args->size));
}

SERVICE(fallocate, shadow_fallocate_args, shadow_status_res)
{
    UNUSED;
    return tell(res, fallocate(fd_of(args->handle), args->mode,
                               (off_t)args->offset, (off_t)args->len));
}

SERVICE(chmod, shadow_mode_args, shadow_status_res)
{
    UNUSED;
    return tell(res, fchmodat(dir_of(&args->at), args->at.path, args->mode, 0));
}

SERVICE(fchmod, shadow_fchmod_args, shadow_status_res)
{
    UNUSED;
    return tell(res, fchmod(fd_of(args->handle), args->mode));
}

SERVICE(chown, shadow_owner_args, shadow_status_res)
{
    UNUSED;
    return tell(res,
                fchownat(dir_of(&args->at), args->at.path, args->uid, args->gid,
                         args->follow ? 0 : AT_SYMLINK_NOFOLLOW));
}

SERVICE(fchown, shadow_fchown_args, shadow_status_res)
{
    UNUSED;
    return tell(res, fchown(fd_of(args->handle), args->uid, args->gid));
}

SERVICE(utimes, shadow_utimes_args, shadow_status_res)
{
    UNUSED;
    struct timespec t[2] = {{args->times.atime_sec, args->times.atime_nsec},
                            {args->times.mtime_sec, args->times.mtime_nsec}};
    return tell(res, utimensat(dir_of(&args->at), args->at.path, t,
                               args->follow ? 0 : AT_SYMLINK_NOFOLLOW));
}

SERVICE(futimes, shadow_futimes_args, shadow_status_res)
{
    UNUSED;
    struct timespec t[2] = {{args->times.atime_sec, args->times.atime_nsec},
                            {args->times.mtime_sec, args->times.mtime_nsec}};
    return tell(res, futimens(fd_of(args->handle), t));
}

SERVICE(access, shadow_access_args, shadow_status_res)
{
    UNUSED;
    return tell(res, faccessat(dir_of(&args->at), args->at.path, args->mode,
                               args->effective ? AT_EACCESS : 0));
}

SERVICE(unlink, shadow_unlink_args, shadow_status_res)
{
    UNUSED;
    return tell(res, unlinkat(dir_of(&args->at), args->at.path,
                              args->is_dir ? AT_REMOVEDIR : 0));
}

SERVICE(rename, shadow_two_paths_args, shadow_status_res)
{
    UNUSED;
    return tell(res, renameat2(dir_of(&args->from), args->from.path,
                               dir_of(&args->to), args->to.path, args->flags));
}

SERVICE(link, shadow_two_paths_args, shadow_status_res)
{
    UNUSED;
    return tell(res,
                linkat(dir_of(&args->from), args->from.path, dir_of(&args->to),
                       args->to.path, (int)args->flags));
}

SERVICE(symlink, shadow_symlink_args, shadow_status_res)
{
    UNUSED;
    return tell(res, symlinkat(args->target, dir_of(&args->at), args->at.path));
}

SERVICE(readlink, shadow_path_args, shadow_path_res)
{
    char text[4096] = "";
    ZERO;
    res->status = status(
        readlinkat(dir_of(&args->at), args->at.path, text, sizeof text - 1));
    if (res->status == 0)
        res->shadow_path_res_u.path = strdup(text);
    return TRUE;
}

SERVICE(mkdir, shadow_mode_args, shadow_status_res)
{
    UNUSED;
    return tell(res, mkdirat(dir_of(&args->at), args->at.path, args->mode));
}

SERVICE(readdir, shadow_readdir_args, shadow_readdir_res)
{
    int fd = fd_of(args->handle);
    char buf[8192];
    ZERO;
    lseek(fd, args->cookie, SEEK_SET);
    long n = syscall(SYS_getdents64, fd, buf, sizeof buf);
    res->status = status(n);
    if (n < 0)
        return TRUE;
    shadow_readdir_ok *ok = &res->shadow_readdir_res_u.ok;
    ok->entries.entries_val = calloc(SHADOW_DIR_MAX, sizeof(shadow_dirent));
    for (long at = 0; at < n;) {
        struct dirent64 *d = (struct dirent64 *)(buf + at);
        at += d->d_reclen;
        struct stat st = {.st_ino = 0};
        if (ok->entries.entries_len >= args->count)
            break;
        fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW);
        ok->entries.entries_val[ok->entries.entries_len++] =
            (shadow_dirent){.name = strdup(d->d_name),
                            .ino = d->d_ino,
                            .type = d->d_type,
                            .cookie = d->d_off,
                            .attr = attr_of(&st)};
    }
    return TRUE;
}

static bool_t tell_cwd(shadow_path_res *res, int rc)
{
    res->status = status(rc);
    if (rc == 0)
        res->shadow_path_res_u.path = getcwd(NULL, 0);
    return TRUE;
}

SERVICE(chdir, shadow_path_args, shadow_path_res)
{
    ZERO;
    int fd = openat(dir_of(&args->at), args->at.path, O_PATH | O_CLOEXEC);
    int rc = fd < 0 ? -1 : fchdir(fd);
    tell_cwd(res, rc);
    close(fd);
    return TRUE;
}

SERVICE(fchdir, shadow_handle_args, shadow_path_res)
{
    ZERO;
    return tell_cwd(res, fchdir(fd_of(args->handle)));
}

SERVICE(fsync, shadow_handle_args, shadow_status_res)
{
    UNUSED;
    return tell(res, fsync(fd_of(args->handle)));
}

SERVICE(lock, shadow_lock_args, shadow_status_res)
{
    UNUSED;
    struct flock fl = {.l_type = (short)args->type,
                       .l_start = (off_t)args->start,
                       .l_len = (off_t)args->len};
    return tell(res, fcntl(fd_of(args->handle), F_SETLK, &fl));
}

SERVICE(tty, shadow_tty_args, shadow_tty_res)
{
    ZERO;
    res->status = ENOTTY;
    return TRUE;
}

/* Images go to the file $FAKE_SHADOW_IMAGE. */
SERVICE(image_put, shadow_image_put_args, shadow_status_res)
{
    const char *to = getenv("FAKE_SHADOW_IMAGE");
    const shadow_data *d = &args->data;
    int flags = O_WRONLY | O_CREAT | (args->offset == 0 ? O_TRUNC : 0);
    UNUSED;
    int fd = to ? open(to, flags, 0600) : -1;
    ssize_t n =
        pwrite(fd, d->shadow_data_val, d->shadow_data_len, (off_t)args->offset);
    tell(res, n);
    close(fd);
    image_len = args->offset + d->shadow_data_len;
    return TRUE;
}

SERVICE(image_commit, shadow_image_commit_args, shadow_status_res)
{
    UNUSED;
    res->status = args->size == image_len ? 0 : EINVAL;
    return TRUE;
}

bool_t shadow_image_stat_1_svc(void *args, shadow_image_stat_res *res,
                               struct svc_req *req)
{
    ZERO;
    res->status = ENOSYS;
    return TRUE;
}

SERVICE(image_get, shadow_image_get_args, shadow_read_res)
{
    ZERO;
    res->status = ENOSYS;
    return TRUE;
}

bool_t shadow_start_1_svc(void *args, shadow_start_res *res,
                          struct svc_req *req)
{
    ZERO;
    res->status = ENOSYS;
    return TRUE;
}

SERVICE(exe_get, shadow_image_get_args, shadow_read_res)
{
    ZERO;
    res->status = ENOSYS;
    return TRUE;
}

SERVICE(event, shadow_event_args, shadow_status_res)
{
    ZERO;
    return TRUE;
}

bool_t shadow_rules_1_svc(void *args, shadow_rules *res, struct svc_req *req)
{
    ZERO;
    return TRUE;
}

bool_t shadow_rhythm_1_svc(void *args, shadow_rhythm_res *res,
                           struct svc_req *req)
{
    ZERO;
    return TRUE;
}

SERVICE(log, shadow_log_args, shadow_status_res)
{
    ZERO;
    const char *to = getenv("FAKE_SHADOW_LOG");
    FILE *f = to ? fopen(to, "a") : NULL;
    if (f) {
        fprintf(f, "%s\n", args->text);
        fclose(f);
    }
    return TRUE;
}

=======
>>>>>>> fbd730f (tests: channel, rpc and the fake shadow by subject)
int shadow_program_1_freeresult(SVCXPRT *xprt, xdrproc_t xdr, caddr_t res)
{
    return ckpt_rpc_free_result(xprt, xdr, res);
}

/* --- slots, and cuts
 * ---------------------------------------------------------- */

static bool cut_due(void)
{
    if (supersede_at && ++calls == supersede_at)
        return true;
    return cut_every && ++calls % cut_every == 0;
}

static int admit(struct svc_req *req)
{
    unsigned flavor;
    size_t len;
    uint32_t cred[2];

    const void *body = ckpt_rpc_cred(req, &flavor, &len);
    if (flavor != SHADOW_AUTH || len != sizeof cred)
        return -1;
    memcpy(cred, body, sizeof cred);
    uint32_t slot = ntohl(cred[0]), seq = ntohl(cred[1]);
    if (req->rq_proc == SHADOW_BIND)
        return 0;
    all_calls++;
    if (slot >= SHADOW_SLOTS)
        return -1;
    if (slots[slot].seq == seq && slots[slot].len <= KEPT)
        return ckpt_rpc_replay(req, slots[slot].reply, slots[slot].len), 1;
    if (slots[slot].seq != seq && slots[slot].seq + 1 != seq)
        return -1;
    if (cut_due()) {
        if (supersede_at || calls / cut_every % 2)
            return -1; /* before it is done */
        cut_now = true;
    }
    slots[slot].seq = seq;
    ckpt_rpc_keep(req, slots[slot].reply, KEPT, &slots[slot].len);
    return 0;
}

/* --- the process
 * -------------------------------------------------------------- */

static int listen_on(uint16_t *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) != 0 ||
        listen(fd, 8) != 0 || getsockname(fd, (struct sockaddr *)&a, &len) != 0)
        return -1;
    *port = ntohs(a.sin_port);
    return fd;
}

static pid_t run(char **argv, const struct ckpt_boot *boot)
{
    uint8_t bytes[CKPT_BOOT_MAX];
    int ends[2];
    char number[16];

    size_t len = ckpt_boot_encode(boot, bytes);
    if (pipe(ends) != 0 || write(ends[1], bytes, len) != (ssize_t)len)
        return -1;
    close(ends[1]);
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, 0);
        dup2(null, 1);
        close(null);
        snprintf(number, sizeof number, "%d", ends[0]);
        setenv("CKPT_REMOTE_FD", number, 1);
        if (chdir("/") == 0)
            execv(argv[0], argv);
        _exit(127);
    }
    close(ends[0]);
    return pid;
}

/* Serve one connection to its end. */
static void serve(int fd, const struct ckpt_boot *boot)
{
    struct ckpt_channel *channel = malloc(ckpt_channel_size());
    uint8_t prologue[CKPT_BOOT_PROLOGUE_LEN];
    struct ckpt_err err;

    ckpt_boot_prologue(boot, prologue);
    if (ckpt_channel_accept(channel, fd, boot->token, prologue, sizeof prologue,
                            5000, &err) != 0) {
        close(fd);
        free(channel);
        return;
    }
    struct ckpt_rpc_server *server = ckpt_rpc_server(
        channel, SHADOW_PROGRAM, SHADOW_V1, shadow_program_1, NULL, &err);
    ckpt_rpc_server_set_admit(server, admit);
    int more = 1;
    while (more == 1 && !cut_now) {
        struct pollfd p = {fd, ckpt_rpc_server_events(server), 0};
        if (!ckpt_rpc_server_pending(server) && !ckpt_channel_pending(channel))
            poll(&p, 1, -1);
        more = ckpt_rpc_server_step(server, &err);
    }
    cut_now = false;
    ckpt_rpc_server_destroy(server);
    ckpt_channel_close(channel);
    free(channel);
}

/* $FAKE_SHADOW_CALLS names a file for the number of calls. */
static void tell_calls(void)
{
    const char *name = getenv("FAKE_SHADOW_CALLS");
    FILE *file = name ? fopen(name, "w") : NULL;

    if (!file)
        return;
    fprintf(file, "%u\n", all_calls);
    fclose(file);
}

int main(int argc, char **argv)
{
    struct ckpt_boot boot = {.host = "127.0.0.1", .job = 1, .epoch = 1};
    int result;

    if (argc > 3 && strcmp(argv[1], "--cut") == 0) {
        cut_every = (unsigned)atoi(argv[2]);
        argv += 2;
        argc -= 2;
    }
    if (argc > 3 && strcmp(argv[1], "--supersede") == 0) {
        supersede_at = (unsigned)atoi(argv[2]);
        argv += 2;
        argc -= 2;
    }
    if (argc < 2)
        return 2;
    for (int i = 0; i < HANDLES; i++)
        handles[i] = i < 3 ? i : -1;
    signal(SIGXFSZ, SIG_IGN); /* a full disk, for tests */
    memset(boot.token, 42, sizeof boot.token);
    int fd = listen_on(&boot.port);
    pid_t pid = fd < 0 ? -1 : run(argv + 1, &boot);
    if (pid < 0)
        return 1;
    for (;;) {
        struct pollfd p = {fd, POLLIN, 0};
        if (supersede_at && calls >= supersede_at)
            boot.token[0] = 0;
        if (poll(&p, 1, 20) == 1)
            serve(accept4(fd, NULL, NULL, SOCK_CLOEXEC), &boot);
        if (waitpid(pid, &result, WNOHANG) == pid)
            break;
    }
    tell_calls();
    return WIFEXITED(result) ? WEXITSTATUS(result) : 128 + WTERMSIG(result);
}
