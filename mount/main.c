/* main.c - ckpt-mount: a job's files at home, served to the kernel
 *
 * Started by ckpt-starter, with the job's boot record on one descriptor and a
 * socket on another, on which the job-to-be sends the descriptor of its
 * mounted /dev/fuse.  Steps:
 *
 *   1. read the boot record, bind to the shadow as the job
 *   2. ask what was granted; say so (a byte) on the socket
 *   3. give up all but what serving takes
 *   4. serve, until the last mount is gone: the job and all its processes with
 *      their mount namespace
 *   5. send what is still to be sent; exit 0 when it has arrived
 *
 * An outage is waited for.  When the shadow serves a newer incarnation it ends
 * with 125, and the kernel tells the job's processes ENOTCONN until they are
 * killed.
 */
#include "mount/server.h"

#include "lib/capture/unsaved.h"
#include "lib/common/fdpass.h"
#include "mount/confine.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { IDLE_MS = 500 };

/* In libckpt this memory is left out of images; here there are none. */
void *ckpt_unsaved_memory(size_t len)
{
    void *at = mmap(NULL, len, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return at == MAP_FAILED ? NULL : at;
}

static void op_init(void *data, struct fuse_conn_info *conn)
{
    (void)data;
    conn->want &= ~(unsigned)(FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_SPLICE_READ |
                              FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
    conn->want |=
        conn->capable & (FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_AUTO_INVAL_DATA |
                         FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO |
                         FUSE_CAP_ASYNC_READ | FUSE_CAP_PARALLEL_DIROPS);
    conn->max_write = SHADOW_DATA_MAX;
    conn->max_readahead = SHADOW_DATA_MAX;
}

const struct fuse_lowlevel_ops server_ops = {
    .init = op_init,
    .lookup = op_lookup,
    .forget = op_forget,
    .forget_multi = op_forget_multi,
    .getattr = op_getattr,
    .setattr = op_setattr,
    .access = op_access,
    .statfs = op_statfs,
    .readlink = op_readlink,
    .mknod = op_mknod,
    .mkdir = op_mkdir,
    .unlink = op_unlink,
    .rmdir = op_rmdir,
    .symlink = op_symlink,
    .rename = op_rename,
    .link = op_link,
    .create = op_create,
    .open = op_open,
    .read = op_read,
    .write = op_write,
    .flush = op_flush,
    .fsync = op_fsync,
    .release = op_release,
    .fallocate = op_fallocate,
    .setlk = op_setlk,
    .getlk = op_getlk,
    .flock = op_flock,
    .opendir = op_opendir,
    .readdir = op_readdir,
    .readdirplus = op_readdirplus,
    .releasedir = op_releasedir,
};

/* --- 1 and 2 ---------------------------------------------------------------
 */

static bool_t no_arguments(XDR *xdr, void *none)
{
    (void)xdr, (void)none;
    return TRUE;
}

/* In the shadow's order: the starter asks the same, and mounts by number. */
static int fix_grants(struct ckpt_err *err)
{
    shadow_grants_res res = {.status = 0};
    char name[16];

    long rc = ckpt_session_call(SHADOW_GRANTS, (xdrproc_t)no_arguments, NULL,
                                (xdrproc_t)xdr_shadow_grants_res, &res);
    if (rc < 0)
        return ckpt_err_set(err, (int)-rc, "GRANTS: %s", strerror((int)-rc));
    const shadow_grants_ok *ok = &res.shadow_grants_res_u.ok;
    special_own(ok->uid, ok->gid);
    for (u_int i = 0; i < ok->grants.grants_len; i++) {
        snprintf(name, sizeof name, "%u", i);
        if (!tree_fix(name, ok->grants.grants_val[i].path))
            return ckpt_err_sys(err, "no memory");
    }
    return 0; /* the paths are the tree's */
}

static int connect_home(int boot_fd, struct ckpt_err *err)
{
    if (ckpt_state_map(err) < 0 || ckpt_link_init(boot_fd, err) < 0)
        return -1;
    ckpt_link->message = STDERR_FILENO;
    return ckpt_session_open_waiting(err) < 0 || special_fix(err) < 0
               ? -1
               : fix_grants(err);
}

static int mounted_fd(int sock, struct ckpt_err *err)
{
    if (write(sock, "G", 1) != 1)
        return ckpt_err_sys(err, "the job-to-be is gone");
    int fd = ckpt_fd_receive(sock);
    close(sock);
    return fd < 0 ? ckpt_err_set(err, EPIPE, "nothing was mounted") : fd;
}

/* The end of the mount may be told as an error. */
static void libfuse_says(enum fuse_log_level level, const char *fmt, va_list ap)
{
    if (level <= FUSE_LOG_ERR && errno != ECONNABORTED)
        vfprintf(stderr, fmt, ap);
}

/* --- 3 to 5 ---------------------------------------------------------------
 */

/* Nobody asks for anything: what has been written may go. */
static void idle(int fd)
{
    struct pollfd p = {fd, POLLIN, 0};
    bool dirty = ckpt_link->dirty_nodes > 0;

    if (dirty || locks_waiting())
        if (poll(&p, 1, locks_waiting() ? LOCK_POLL_MS : IDLE_MS) == 0 && dirty)
            ckpt_cache_send_all();
}

static bool asked(int fd)
{
    struct pollfd p = {fd, POLLIN, 0};

    return poll(&p, 1, 0) != 0;
}

static int serve(int fd, struct ckpt_err *err)
{
    char program[] = "ckpt-mount", place[32];
    char *argv[] = {program, NULL};
    struct fuse_args args = FUSE_ARGS_INIT(1, argv);
    struct fuse_session *session =
        fuse_session_new(&args, &server_ops, sizeof server_ops, NULL);
    struct fuse_buf buf = {.mem = NULL};

    fuse_set_log_func(libfuse_says);
    snprintf(place, sizeof place, "/dev/fd/%d", fd);
    if (!session || fuse_session_mount(session, place) != 0)
        return ckpt_err_set(err, EIO, "libfuse does not take the mount");
    if (confine_files(err) < 0 || locks_start(session, err) < 0 ||
        confine_calls(err) < 0)
        return -1;
    while (!fuse_session_exited(session)) {
        idle(fd);
        locks_try_again();
        if (locks_waiting() && !asked(fd))
            continue;
        int n = fuse_session_receive_buf(session, &buf);
        if (n == -EINTR || n == -EAGAIN)
            continue;
        if (n <= 0)
            break;
        fuse_session_process_buf(session, &buf);
    }
    return 0;
}

/* A late error has nobody left to hear it but the log. */
static int settle_all(struct ckpt_err *err)
{
    long rc = server_settle();

    if (rc < 0)
        return ckpt_err_set(err, (int)-rc, "what was written last: %s",
                            strerror((int)-rc));
    return 0;
}

static int usage(FILE *out, int rc)
{
    fprintf(out, "usage: ckpt-mount --boot-fd N --mount-fd N\n"
                 "Started by ckpt-starter, with the job's boot record and a "
                 "socket.\nexample: none; it is not for people\n");
    return rc;
}

int main(int argc, char **argv)
{
    int boot_fd = -1, sock = -1, fd;
    struct ckpt_err err;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            return usage(stdout, 0);
        if (i + 1 == argc)
            return usage(stderr, 2);
        if (strcmp(argv[i], "--boot-fd") == 0)
            boot_fd = (int)strtol(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--mount-fd") == 0)
            sock = (int)strtol(argv[++i], NULL, 10);
        else
            return usage(stderr, 2);
    }
    if (boot_fd < 0 || sock < 0)
        return usage(stderr, 2);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* it holds the token */
    signal(SIGPIPE, SIG_IGN);
    umask(0);
    if (connect_home(boot_fd, &err) < 0 || (fd = mounted_fd(sock, &err)) < 0 ||
        serve(fd, &err) < 0 || settle_all(&err) < 0) {
        fprintf(stderr, "ckpt-mount: %s\n", err.text);
        return 1;
    }
    return 0;
}
