/* view.c - see view.h
 *
 * The new root is a tmpfs on SCRATCH/root.  Mount points are made in it, and
 * below /tmp, which is the job's own; never in a directory of the station's.
 */
#include "scheduler/starter/view.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/securebits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

/* What makes programs run is the station's: as path.c of lib/remote has it. */
static const char *const from_station[] = {
    "usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "proc", "sys"};
enum { FROM_STATION = sizeof from_station / sizeof from_station[0] };
static const char *const in_etc[] = {"/etc/ld.so.cache",  "/etc/ld.so.conf",
                                     "/etc/ld.so.conf.d", "/etc/alternatives",
                                     "/etc/localtime",    "/etc/locale.alias"};

static const char *const in_scratch[] = {"root", "tmp", "shm", "lib"};

/* "a/b/c" of at most three parts. */
static int join(char *path, const char *a, const char *b, const char *c,
                struct ckpt_err *err)
{
    int n = snprintf(path, PATH_MAX, "%s%s%s", a, b, c);

    if (n < 0 || n >= PATH_MAX)
        return ckpt_err_set(err, ENAMETOOLONG, "%s%s: too long", a, b);
    return 0;
}

int view_prepare(const char *scratch, struct ckpt_err *err)
{
    char path[PATH_MAX];

    for (size_t i = 0; i < sizeof in_scratch / sizeof in_scratch[0]; i++)
        if (join(path, scratch, "/", in_scratch[i], err) < 0 ||
            (mkdir(path, 0700) < 0 && errno != EEXIST))
            return ckpt_err_sys(err, "%s", path);
    return 0;
}

/* --- namespaces ------------------------------------------------------------
 */

static int write_map(const char *name, const char *text, struct ckpt_err *err)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/self/%s", name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));
    if (n < 0)
        ckpt_err_sys(err, "%s", path);
    if (fd >= 0)
        close(fd);
    return n < 0 ? -1 : 0;
}

/* The user at home, who may mount here: files whose owner the namespace does
 * not know cannot be written in it.  As root it gets no rights by executing. */
static int enter_user(uid_t uid, gid_t gid, struct ckpt_err *err)
{
    char users[32], groups[32];

    snprintf(users, sizeof users, "%u %u 1", uid, geteuid());
    snprintf(groups, sizeof groups, "%u %u 1", gid, getegid());
    if (unshare(CLONE_NEWUSER) < 0)
        return ckpt_err_sys(err, "a user namespace");
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* or /proc/self is not ours */
    if (write_map("setgroups", "deny", err) < 0 ||
        write_map("uid_map", users, err) < 0 ||
        write_map("gid_map", groups, err) < 0)
        return -1;
    return prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED) < 0
               ? ckpt_err_sys(err, "PR_SET_SECUREBITS")
               : 0;
}

int view_namespaces(uid_t uid, gid_t gid, struct ckpt_err *err)
{
    if (geteuid() != 0 && enter_user(uid, gid, err) < 0)
        return -1;
    if (unshare(CLONE_NEWNS) < 0)
        return ckpt_err_sys(err, "a mount namespace");
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return ckpt_err_sys(err, "private mounts");
    return 0;
}

/* Mount the kernel's end of /dev/fuse at `place`; our end is returned. */
static int mount_fuse(const char *place, uid_t uid, gid_t gid,
                      struct ckpt_err *err)
{
    char options[128];
    int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

    if (fd < 0)
        return ckpt_err_sys(err, "/dev/fuse");
    snprintf(options, sizeof options,
             "fd=%d,rootmode=40000,user_id=%u,group_id=%u,allow_other", fd, uid,
             gid);
    if (mount("ckpt", place, "fuse.ckpt", MS_NOSUID | MS_NODEV, options) < 0) {
        ckpt_err_sys(err, "mounting FUSE");
        close(fd);
        return -1;
    }
    return fd;
}

int view_probe(const char *scratch, struct ckpt_err *err)
{
    struct ckpt_err why = {""};
    int report[2];

    if (pipe2(report, O_CLOEXEC) < 0)
        return ckpt_err_sys(err, "pipe");
    pid_t pid = fork();
    if (pid == 0) {
        if (view_namespaces(geteuid(), getegid(), &why) == 0)
            mount_fuse(scratch, geteuid(), getegid(), &why);
        (void)!write(report[1], why.text, strlen(why.text));
        _exit(0);
    }
    close(report[1]);
    ssize_t n = pid < 0 ? -1 : read(report[0], why.text, sizeof why.text - 1);
    close(report[0]);
    if (pid > 0)
        waitpid(pid, NULL, 0);
    if (n < 0)
        return ckpt_err_sys(err, "fork");
    why.text[n] = '\0';
    return n > 0 ? ckpt_err_set(err, ENOTSUP, "%s", why.text) : 0;
}

/* --- the new root ----------------------------------------------------------
 */

static int bind_to(const char *from, const char *to, struct ckpt_err *err)
{
    if (mount(from, to, NULL, MS_BIND | MS_REC, NULL) < 0)
        return ckpt_err_sys(err, "binding %s", to);
    return 0;
}

static int touch(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

    if (fd >= 0)
        close(fd);
    return fd < 0 ? -1 : 0;
}

/* A directory or a symbolic link of the station's, under the same name. */
static int take_from_station(const char *root, const char *name,
                             struct ckpt_err *err)
{
    char from[PATH_MAX], to[PATH_MAX], target[PATH_MAX];
    struct stat st;

    if (join(from, "/", name, "", err) < 0 ||
        join(to, root, "/", name, err) < 0)
        return -1;
    if (lstat(from, &st) < 0)
        return 0;
    if (S_ISLNK(st.st_mode)) {
        ssize_t n = readlink(from, target, sizeof target - 1);
        target[n > 0 ? n : 0] = '\0';
        return symlink(target, to) < 0 ? ckpt_err_sys(err, "%s", to) : 0;
    }
    if (mkdir(to, 0755) < 0)
        return ckpt_err_sys(err, "%s", to);
    return bind_to(from, to, err);
}

static int make_bound(const struct view *view, const char *root,
                      const char *name, const char *from, struct ckpt_err *err)
{
    char source[PATH_MAX], to[PATH_MAX];

    if (join(source, view->scratch, "/", from, err) < 0 ||
        join(to, root, "/", name, err) < 0)
        return -1;
    if (mkdir(to, 0755) < 0)
        return ckpt_err_sys(err, "%s", to);
    return bind_to(source, to, err);
}

static int make_devices(const struct view *view, const char *root,
                        struct ckpt_err *err)
{
    static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/full",
                                          "/dev/random", "/dev/urandom"};
    static const struct {
        const char *name, *target;
    } links[] = {{"/dev/fd", "/proc/self/fd"},
                 {"/dev/stdin", "/proc/self/fd/0"},
                 {"/dev/stdout", "/proc/self/fd/1"},
                 {"/dev/stderr", "/proc/self/fd/2"}};
    char path[PATH_MAX];

    if (join(path, root, "/dev", "", err) < 0 || mkdir(path, 0755) < 0)
        return ckpt_err_sys(err, "%s/dev", root);
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++)
        if (join(path, root, devices[i], "", err) < 0 || touch(path) < 0 ||
            bind_to(devices[i], path, err) < 0)
            return ckpt_err_sys(err, "%s", devices[i]);
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++)
        if (join(path, root, links[i].name, "", err) < 0 ||
            symlink(links[i].target, path) < 0)
            return ckpt_err_sys(err, "%s", path);
    return make_bound(view, root, "dev/shm", "shm", err);
}

static int make_own(const struct view *view, const char *root,
                    struct ckpt_err *err)
{
    static const char *const dirs[] = {VIEW_OWN, VIEW_HOME, "/var", "/etc"};
    char path[PATH_MAX];

    for (size_t i = 0; i < sizeof dirs / sizeof dirs[0]; i++)
        if (join(path, root, dirs[i], "", err) < 0 || mkdir(path, 0755) < 0)
            return ckpt_err_sys(err, "%s%s", root, dirs[i]);
    return make_bound(view, root, VIEW_LIB, "lib", err) < 0 ||
                   make_bound(view, root, "tmp", "tmp", err) < 0 ||
                   make_bound(view, root, "var/tmp", "tmp", err) < 0
               ? -1
               : 0;
}

static int make_root(const struct view *view, const char *root,
                     struct ckpt_err *err)
{
    if (mount("ckpt", root, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=1m") <
        0)
        return ckpt_err_sys(err, "a root file system");
    for (size_t i = 0; i < FROM_STATION; i++)
        if (take_from_station(root, from_station[i], err) < 0)
            return -1;
    return make_devices(view, root, err) < 0 || make_own(view, root, err) < 0
               ? -1
               : 0;
}

/* --- what was granted -------------------------------------------------------
 */

int view_mount(const char *place, uid_t uid, gid_t gid, int server,
               struct ckpt_err *err)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)),
                          .cmsg_level = SOL_SOCKET,
                          .cmsg_type = SCM_RIGHTS}};
    char byte = 0;
    struct iovec iov = {&byte, 1};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = &control,
                         .msg_controllen = sizeof control};

    if (read(server, &byte, 1) != 1)
        return ckpt_err_set(err, EPIPE, "ckpt-mount does not come up");
    int fd = mount_fuse(place, uid, gid, err);
    if (fd < 0)
        return -1;
    memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
    ssize_t n = sendmsg(server, &msg, MSG_NOSIGNAL);
    close(fd);
    return n == 1 ? 0 : ckpt_err_sys(err, "ckpt-mount");
}

/* Our end of the file system; the other is the server's. */
static int connect_server(const struct view *view, const char *root,
                          struct ckpt_err *err)
{
    char place[PATH_MAX];

    if (join(place, root, VIEW_HOME, "", err) < 0)
        return -1;
    return view_mount(place, view->uid, view->gid, view->server, err);
}

static bool is_below(const char *path, const char *dir)
{
    size_t len = strlen(dir);

    return strncmp(path, dir, len) == 0 && path[len] == '/';
}

bool view_mounts(const shadow_grants_ok *grants, unsigned n)
{
    const shadow_grant *list = grants->grants.grants_val;

    for (unsigned i = 0; i < grants->grants.grants_len; i++)
        if (i != n && list[i].is_dir &&
            (is_below(list[n].path, list[i].path) ||
             (i < n && strcmp(list[n].path, list[i].path) == 0)))
            return false;
    return true;
}

static bool is_from_station(const char *path)
{
    size_t len = strcspn(path + 1, "/");

    for (size_t i = 0; i < FROM_STATION; i++)
        if (strlen(from_station[i]) == len &&
            strncmp(path + 1, from_station[i], len) == 0)
            return true;
    return len == 3 && strncmp(path + 1, "dev", 3) == 0;
}

/* Make the mount point `path` below the root. */
static int make_point(char *path, size_t root_len, bool is_dir,
                      struct ckpt_err *err)
{
    struct stat st;

    if (stat(path, &st) == 0)
        return S_ISDIR(st.st_mode) == is_dir
                   ? 0
                   : ckpt_err_set(err, ENOTDIR,
                                  "%s is another kind of file on the station",
                                  path + root_len);
    for (char *at = path + root_len + 1; (at = strchr(at, '/')); at++) {
        *at = '\0';
        int rc = mkdir(path, 0555); /* nothing else is to be made there */
        *at = '/';
        if (rc < 0 && errno != EEXIST)
            return ckpt_err_sys(err, "mount point %s", path + root_len);
    }
    if (is_dir ? mkdir(path, 0755) < 0 : touch(path) < 0)
        return ckpt_err_sys(err, "mount point %s", path + root_len);
    return 0;
}

/* Home's /etc, with what belongs to the station's libraries; or the station's
 * when home's was not granted. */
static int fill_etc(const char *root, struct ckpt_err *err)
{
    char path[PATH_MAX];
    struct stat etc, above;

    if (join(path, root, "/etc", "", err) < 0 || stat(root, &above) < 0 ||
        stat(path, &etc) < 0)
        return ckpt_err_sys(err, "%s/etc", root);
    if (etc.st_dev == above.st_dev)
        return bind_to("/etc", path, err);
    for (size_t i = 0; i < sizeof in_etc / sizeof in_etc[0]; i++)
        if (join(path, root, in_etc[i], "", err) == 0 && stat(path, &etc) == 0)
            mount(in_etc[i], path, NULL, MS_BIND | MS_REC, NULL);
    return 0;
}

/* Home's copies of what is the station's here are not mounted. */
static int mount_grant(const char *root, const shadow_grant *grant, unsigned n,
                       struct ckpt_err *err)
{
    char from[PATH_MAX], to[PATH_MAX], number[16];

    if (strcmp(grant->path, "/") == 0)
        return ckpt_err_set(err, ENOTSUP,
                            "all of / is granted, which cannot be mounted: "
                            "grant directories");
    snprintf(number, sizeof number, "/%u", n);
    if (join(from, root, VIEW_HOME, number, err) < 0 ||
        join(to, root, grant->path, "", err) < 0)
        return -1;
    if (is_from_station(grant->path))
        return 0;
    if (make_point(to, strlen(root), grant->is_dir, err) < 0)
        return -1;
    return bind_to(from, to, err);
}

static int enter_root(const char *root, struct ckpt_err *err)
{
    if (chdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
        umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        return ckpt_err_sys(err, "a new root");
    return 0;
}

int view_enter(const struct view *view, struct ckpt_err *err)
{
    char root[PATH_MAX];

    umask(022);
    if (join(root, view->scratch, "/root", "", err) < 0 ||
        view_namespaces(view->uid, view->gid, err) < 0 ||
        make_root(view, root, err) < 0 || connect_server(view, root, err) < 0)
        return -1;
    for (unsigned n = 0; n < view->grants.grants.grants_len; n++)
        if (view_mounts(&view->grants, n) &&
            mount_grant(root, &view->grants.grants.grants_val[n], n, err) < 0)
            return -1;
    return fill_etc(root, err) < 0 ? -1 : enter_root(root, err);
}

/* --- the program ------------------------------------------------------------
 */

enum { FUSE_MAGIC = 0x65735546 };

const char *view_program(const char *path, const char *copy)
{
    struct statfs fs;

    if (statfs(path, &fs) == 0 && (fs.f_type == FUSE_MAGIC ||
                                   mount(copy, path, NULL, MS_BIND, NULL) == 0))
        return path;
    return copy;
}

/* --- standard streams --------------------------------------------------------
 */

/* Bytes written to a file go to its end, whoever else writes there at home. */
static int open_stream(int number, const char *path, struct ckpt_err *err)
{
    struct stat st;

    if (!*path || strcmp(path, "/dev/null") == 0)
        return 0;
    if (stat(path, &st) < 0)
        return ckpt_err_sys(err, "%s", path);
    if (!S_ISREG(st.st_mode))
        return ckpt_err_set(err, ENOTSUP,
                            "%s is not a file, and cannot be the standard "
                            "%s of a job whose files are mounted",
                            path, number ? "output" : "input");
    int fd = open(path, number ? O_WRONLY | O_APPEND : O_RDONLY);
    if (fd < 0)
        return ckpt_err_sys(err, "%s", path);
    dup2(fd, number);
    close(fd);
    return 0;
}

int view_streams(const struct view *view, bool with_stderr,
                 struct ckpt_err *err)
{
    for (int i = 0; i < (with_stderr ? 3 : 2); i++)
        if (open_stream(i, view->grants.streams[i], err) < 0)
            return -1;
    return 0;
}
