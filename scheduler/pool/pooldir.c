/* pooldir.c - see pooldir.h */
#include "scheduler/pool/pooldir.h"

#include "lib/common/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static int path_join(char *out, size_t size, const char *dir, const char *name,
                     struct ckpt_err *err)
{
    int n = snprintf(out, size, "%s/%s", dir, name);

    if (n < 0 || (size_t)n >= size)
        return ckpt_err_set(err, ENAMETOOLONG, "%s: the path is too long", dir);
    return 0;
}

static int daemon_file(const struct pooldir *pool, const char *daemon,
                       const char *name, char *out, struct ckpt_err *err)
{
    char dir[PATH_MAX];

    if (path_join(dir, sizeof dir, pool->path, daemon, err) < 0)
        return -1;
    return path_join(out, PATH_MAX, dir, name, err);
}

static int replace(const char *path, const void *data, size_t len, mode_t mode,
                   bool durable, struct ckpt_err *err)
{
    char tmp[PATH_MAX];
    int n = snprintf(tmp, sizeof tmp, "%s.%d.tmp", path, (int)getpid());

    if (n < 0 || (size_t)n >= sizeof tmp)
        return ckpt_err_set(err, ENAMETOOLONG, "%s: too long", path);
    int fd =
        open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return ckpt_err_sys(err, "%s", tmp);
    int rc = ckpt_write_full(fd, data, len);
    if (rc == 0 && durable)
        rc = fsync(fd);
    close(fd);
    if (rc == 0)
        rc = rename(tmp, path);
    if (rc < 0) {
        ckpt_err_sys(err, "%s", path);
        int saved = errno;
        unlink(tmp);
        errno = saved;
        return -1;
    }
    return durable ? ckpt_fsync_parent(path) : 0;
}

int pooldir_write_file(const char *path, const void *data, size_t len,
                       mode_t mode, struct ckpt_err *err)
{
    return replace(path, data, len, mode, true, err);
}

int pooldir_put_file(const char *path, const void *data, size_t len,
                     mode_t mode, struct ckpt_err *err)
{
    return replace(path, data, len, mode, false, err);
}

/* As pooldir_write_file, but keeps what is there: two processes that make
 * the same pool at once must end with one key. */
static int write_new_file(const char *path, const void *data, size_t len,
                          struct ckpt_err *err)
{
    char tmp[PATH_MAX];
    int n = snprintf(tmp, sizeof tmp, "%s.%d.new", path, (int)getpid());

    if (access(path, F_OK) == 0)
        return 0;
    if (n < 0 || (size_t)n >= sizeof tmp)
        return ckpt_err_set(err, ENAMETOOLONG, "%s: too long", path);
    if (pooldir_write_file(tmp, data, len, 0600, err) < 0)
        return -1;
    int rc = link(tmp, path);
    if (rc < 0 && errno == EEXIST)
        rc = 0;
    if (rc < 0)
        ckpt_err_sys(err, "%s", path);
    unlink(tmp);
    return rc;
}

static int create_secrets(const char *path, struct ckpt_err *err)
{
    uint8_t key[POOLDIR_KEY_LEN];
    char file[PATH_MAX], host[POOLDIR_NAME_MAX + 1] = "pool";

    if (getrandom(key, sizeof key, 0) != (ssize_t)sizeof key)
        return ckpt_err_sys(err, "getrandom");
    int rc = path_join(file, sizeof file, path, "pool.key", err);
    if (rc == 0)
        rc = write_new_file(file, key, sizeof key, err);
    explicit_bzero(key, sizeof key);
    gethostname(host, sizeof host - 1);
    strncat(host, "\n", sizeof host - strlen(host) - 1);
    if (rc == 0)
        rc = path_join(file, sizeof file, path, "pool.name", err);
    if (rc == 0)
        rc = write_new_file(file, host, strlen(host), err);
    return rc;
}

static int make_parents(const char *path)
{
    char part[PATH_MAX];

    if (strlen(path) >= sizeof part) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(part, path);
    for (char *at = strchr(part + 1, '/'); at; at = strchr(at + 1, '/')) {
        *at = '\0';
        if (mkdir(part, 0700) < 0 && errno != EEXIST)
            return -1;
        *at = '/';
    }
    return 0;
}

int pooldir_create(const char *path, struct ckpt_err *err)
{
    if (make_parents(path) < 0)
        return ckpt_err_sys(err, "%s", path);
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return ckpt_err_sys(err, "%s", path);
    return create_secrets(path, err);
}

static int check_private(const char *path, struct ckpt_err *err)
{
    struct stat st;

    if (lstat(path, &st) < 0)
        return ckpt_err_sys(err, "%s", path);
    if (st.st_uid != geteuid())
        return ckpt_err_set(err, EPERM, "%s: belongs to user %u, not to us",
                            path, st.st_uid);
    if (st.st_mode & 077)
        return ckpt_err_set(err, EPERM,
                            "%s: others can reach it (mode %03o); it must be "
                            "private",
                            path, (unsigned)st.st_mode & 0777);
    return 0;
}

/* Read at most size bytes; returns the count. */
static ssize_t read_file(const char *path, void *buf, size_t size,
                         struct ckpt_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return ckpt_err_sys(err, "%s", path);
    ssize_t n = ckpt_read_full(fd, buf, size);
    if (n < 0)
        ckpt_err_sys(err, "%s", path);
    close(fd);
    return n;
}

static int read_line(const char *path, char *buf, size_t size,
                     struct ckpt_err *err)
{
    ssize_t n = read_file(path, buf, size - 1, err);

    if (n < 0)
        return -1;
    buf[n] = '\0';
    buf[strcspn(buf, "\n")] = '\0';
    return 0;
}

int pooldir_open(struct pooldir *pool, const char *path, struct ckpt_err *err)
{
    struct pooldir found = {.name = ""};
    char file[PATH_MAX];

    if (!realpath(path, found.path))
        return ckpt_err_sys(err, "%s: no pool", path);
    if (check_private(found.path, err) < 0 ||
        path_join(file, sizeof file, found.path, "pool.key", err) < 0 ||
        check_private(file, err) < 0)
        return -1;
    ssize_t n = read_file(file, found.key, sizeof found.key, err);
    if (n < 0)
        return -1;
    if (n != POOLDIR_KEY_LEN)
        return ckpt_err_set(err, EPROTO, "%s: not a key of %d bytes", file,
                            POOLDIR_KEY_LEN);
    if (path_join(file, sizeof file, found.path, "pool.name", err) < 0 ||
        read_line(file, found.name, sizeof found.name, err) < 0)
        return -1;
    *pool = found;
    explicit_bzero(&found, sizeof found);
    return 0;
}

struct count {
    unsigned n;
};

static int count_one(const char *name, void *arg)
{
    struct count *count = arg;

    (void)name;
    count->n++;
    return 0;
}

/* "HOST-", or nothing. */
static void station_prefix(bool joins, char prefix[POOLDIR_NAME_MAX])
{
    char host[POOLDIR_NAME_MAX - 8] = "";

    if (joins)
        gethostname(host, sizeof host - 1);
    host[strcspn(host, ".")] = '\0';
    snprintf(prefix, POOLDIR_NAME_MAX, "%s%s", host, host[0] ? "-" : "");
}

int pooldir_set_stations(const struct pooldir *pool, unsigned n, bool joins,
                         struct ckpt_err *err)
{
    struct count have = {0};
    char file[PATH_MAX], prefix[POOLDIR_NAME_MAX];
    char *text = NULL;
    size_t len = 0;

    if (n > POOLDIR_STATIONS_MAX)
        return ckpt_err_set(err, EINVAL, "at most %d stations",
                            POOLDIR_STATIONS_MAX);
    if (pooldir_each_station(pool, count_one, &have, NULL) == 0 && have.n >= n)
        return 0;
    if (path_join(file, sizeof file, pool->path, "pool.stations", err) < 0)
        return -1;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return ckpt_err_sys(err, "no memory");
    station_prefix(joins, prefix);
    for (unsigned i = 1; i <= n; i++)
        fprintf(out, "%ss%u\n", prefix, i);
    fclose(out);
    int rc = pooldir_write_file(file, text, len, 0600, err);
    free(text);
    return rc;
}

int pooldir_each_station(const struct pooldir *pool,
                         int (*fn)(const char *name, void *arg), void *arg,
                         struct ckpt_err *err)
{
    char file[PATH_MAX], line[POOLDIR_NAME_MAX + 2];
    int rc = 0;

    if (path_join(file, sizeof file, pool->path, "pool.stations", err) < 0)
        return -1;
    FILE *in = fopen(file, "re");
    if (!in)
        return ckpt_err_sys(err, "%s", file);
    while (rc == 0 && fgets(line, sizeof line, in)) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0])
            rc = fn(line, arg);
    }
    fclose(in);
    return rc;
}

int pooldir_addr(const struct pooldir *pool, const char *daemon, char *addr,
                 struct ckpt_err *err)
{
    char file[PATH_MAX];

    if (daemon_file(pool, daemon, "addr", file, err) < 0)
        return -1;
    return read_line(file, addr, POOLDIR_ADDR_MAX + 1, err);
}

int pooldir_write_addr(const struct pooldir *pool, const char *daemon,
                       const char *addr, struct ckpt_err *err)
{
    char file[PATH_MAX], line[POOLDIR_ADDR_MAX + 2];
    int n = snprintf(line, sizeof line, "%s\n", addr);

    if (n < 0 || (size_t)n >= sizeof line)
        return ckpt_err_set(err, EINVAL, "address %s is too long", addr);
    if (daemon_file(pool, daemon, "addr", file, err) < 0)
        return -1;
    return pooldir_write_file(file, line, (size_t)n, 0600, err);
}

/* Whether somebody holds the lock is asked with a lock of another kind
 * (F_OFD_GETLK tells without taking it), so that asking never makes a daemon
 * that starts at the same moment believe it is there already. */
pid_t pooldir_holder(const struct pooldir *pool, const char *daemon)
{
    struct flock probe = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char file[PATH_MAX], pid[32] = "";

    if (daemon_file(pool, daemon, "lock", file, NULL) < 0)
        return -1;
    int fd = open(file, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    int rc = fcntl(fd, F_OFD_GETLK, &probe);
    ssize_t n = pread(fd, pid, sizeof pid - 1, 0);
    close(fd);
    if (rc < 0 || n < 0)
        return -1;
    if (probe.l_type == F_UNLCK)
        return 0;
    return (pid_t)strtol(pid, NULL, 10);
}

int pooldir_lock(const struct pooldir *pool, const char *daemon,
                 struct ckpt_err *err)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char file[PATH_MAX], pid[32];

    if (daemon_file(pool, daemon, "", file, err) < 0)
        return -1;
    if (mkdir(file, 0700) < 0 && errno != EEXIST)
        return ckpt_err_sys(err, "%s", file);
    if (daemon_file(pool, daemon, "lock", file, err) < 0)
        return -1;
    int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return ckpt_err_sys(err, "%s", file);
    if (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
        close(fd);
        return ckpt_err_set(err, EAGAIN, "%s is running already", daemon);
    }
    int n = snprintf(pid, sizeof pid, "%-10d\n", (int)getpid());
    if (ckpt_pwrite_full(fd, pid, (size_t)n, 0) < 0) {
        ckpt_err_sys(err, "%s", file);
        close(fd);
        return -1;
    }
    return fd;
}
