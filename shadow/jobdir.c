/* jobdir.c - see jobdir.h: files of the job's directory, images, the shadow */
#include "shadow/jobdir.h"

#include "lib/common/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int join(char out[PATH_MAX], const char *dir, const char *name,
                struct ckpt_err *err)
{
    int n = snprintf(out, PATH_MAX, "%s/%s", dir, name);

    if (n < 0 || n >= PATH_MAX)
        return ckpt_err_set(err, ENAMETOOLONG, "%s/%s: name too long", dir,
                            name);
    return 0;
}

static int write_new(const char *path, const void *data, size_t len,
                     bool durable, struct ckpt_err *err)
{
    int fd =
        open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return ckpt_err_sys(err, "%s", path);
    if (ckpt_write_full(fd, data, len) < 0 || (durable && fsync(fd) < 0)) {
        ckpt_err_sys(err, "%s", path);
        close(fd);
        return -1;
    }
    if (close(fd) < 0)
        return ckpt_err_sys(err, "%s", path);
    return 0;
}

static int replace(const char *dir, const char *name, const void *data,
                   size_t len, bool durable, struct ckpt_err *err)
{
    char path[PATH_MAX], part[PATH_MAX], part_name[NAME_MAX];

    if (snprintf(part_name, sizeof part_name, "%s.new", name) >=
        (int)sizeof part_name)
        return ckpt_err_set(err, ENAMETOOLONG, "%s: name too long", name);
    if (join(path, dir, name, err) < 0 || join(part, dir, part_name, err) < 0)
        return -1;
    if (write_new(part, data, len, durable, err) < 0)
        return -1;
    if (rename(part, path) < 0 || (durable && ckpt_fsync_parent(path) < 0))
        return ckpt_err_sys(err, "%s", path);
    return 0;
}

int jobdir_file_write(const char *dir, const char *name, const void *data,
                      size_t len, struct ckpt_err *err)
{
    return replace(dir, name, data, len, true, err);
}

int jobdir_file_put(const char *dir, const char *name, const void *data,
                    size_t len, struct ckpt_err *err)
{
    return replace(dir, name, data, len, false, err);
}

static char *read_up_to(int fd, size_t max, size_t *len)
{
    char *data = malloc(max + 2);

    if (!data)
        return NULL;
    ssize_t n = ckpt_read_full(fd, data, max + 1);
    if (n < 0 || (size_t)n > max) {
        if (n >= 0)
            errno = EFBIG;
        free(data);
        return NULL;
    }
    data[n] = '\0';
    *len = (size_t)n;
    return data;
}

char *jobdir_file_read(const char *dir, const char *name, size_t max,
                       size_t *len, struct ckpt_err *err)
{
    char path[PATH_MAX];
    struct stat st;

    if (join(path, dir, name, err) < 0)
        return NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &st) < 0) {
        ckpt_err_sys(err, "%s", path);
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    if ((size_t)st.st_size < max)
        max = (size_t)st.st_size;
    char *data = read_up_to(fd, max, len);
    if (!data)
        ckpt_err_sys(err, "%s", path);
    close(fd);
    return data;
}

/* --- the shadow ---------------------------------------------------------- */

static void become_shadow(const char *program, const char *dir,
                          const char *listen, int secret_fd)
{
    char number[16];
    sigset_t none;

    setsid();
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (secret_fd < 0) {
        execl(program, "ckpt-shadow", "--job-dir", dir, "--listen", listen,
              "--resume", (char *)NULL);
        _exit(127);
    }
    int fd = dup(secret_fd); /* without O_CLOEXEC */
    snprintf(number, sizeof number, "%d", fd);
    execl(program, "ckpt-shadow", "--job-dir", dir, "--listen", listen,
          "--secret-fd", number, (char *)NULL);
    _exit(127);
}

static pid_t spawn(const char *program, const char *dir, const char *listen,
                   int secret_fd, struct ckpt_err *err)
{
    char addr[PATH_MAX];

    if (join(addr, dir, "shadow.addr", err) < 0)
        return -1;
    if (jobdir_shadow_pid(dir) == 0)
        unlink(addr); /* left over */
    if (access(program, X_OK) < 0)
        return ckpt_err_sys(err, "%s", program);
    pid_t pid = fork();
    if (pid == 0)
        become_shadow(program, dir, listen, secret_fd);
    if (pid < 0)
        ckpt_err_sys(err, "cannot start %s", program);
    return pid;
}

pid_t jobdir_shadow_start(const char *program, const char *dir,
                          const char *listen,
                          const uint8_t token[JOBDIR_TOKEN_LEN],
                          struct ckpt_err *err)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) < 0)
        return ckpt_err_sys(err, "pipe");
    pid_t pid = spawn(program, dir, listen, fds[0], err);
    if (pid > 0)
        (void)ckpt_write_full(fds[1], token, JOBDIR_TOKEN_LEN);
    int saved = errno;
    close(fds[0]);
    close(fds[1]);
    errno = saved;
    return pid;
}

pid_t jobdir_shadow_resume(const char *program, const char *dir,
                           const char *listen, struct ckpt_err *err)
{
    return spawn(program, dir, listen, -1, err);
}

pid_t jobdir_shadow_pid(const char *dir)
{
    char path[PATH_MAX], text[32];

    if (join(path, dir, "shadow.lock", NULL) < 0)
        return -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    pid_t pid = 0;
    if (flock(fd, LOCK_SH | LOCK_NB) < 0) {
        ssize_t n = ckpt_pread_full(fd, text, sizeof text - 1, 0);
        text[n > 0 ? n : 0] = '\0';
        pid = (pid_t)atoi(text);
        if (pid <= 0) {
            errno = EAGAIN; /* it is just starting */
            pid = -1;
        }
    }
    close(fd);
    return pid;
}

int jobdir_addr_read(const char *dir, char host[JOBDIR_HOST_MAX],
                     uint16_t *port, struct ckpt_err *err)
{
    size_t len;
    unsigned number;
    char name[JOBDIR_HOST_MAX];

    char *text =
        jobdir_file_read(dir, "shadow.addr", JOBDIR_HOST_MAX + 16, &len, err);
    if (!text)
        return -1;
    int n = sscanf(text, "%255s %u", name, &number);
    free(text);
    if (n != 2 || number == 0 || number > 65535)
        return ckpt_err_set(err, EINVAL, "%s/shadow.addr: malformed", dir);
    memcpy(host, name, strlen(name) + 1);
    *port = (uint16_t)number;
    return 0;
}

/* --- images -------------------------------------------------------------- */

int jobdir_current_read(const char *dir, uint32_t *generation,
                        struct ckpt_err *err)
{
    size_t len;
    unsigned long number;
    char end;

    char *text = jobdir_file_read(dir, "images/current", 64, &len, err);
    if (!text) {
        if (errno != ENOENT)
            return -1;
        *generation = 0;
        return 0;
    }
    int n = sscanf(text, "ckpt-current 1 %lu%c", &number, &end);
    free(text);
    if (n != 2 || end != '\n' || number > UINT32_MAX)
        return ckpt_err_set(err, EINVAL, "%s/images/current: malformed", dir);
    *generation = (uint32_t)number;
    return 0;
}

int jobdir_current_write(const char *dir, uint32_t generation,
                         struct ckpt_err *err)
{
    char text[64];
    int n = snprintf(text, sizeof text, "ckpt-current 1 %u\n", generation);

    return jobdir_file_write(dir, "images/current", text, (size_t)n, err);
}

int jobdir_image(const char *dir, struct jobimage *image, struct ckpt_err *err)
{
    struct jobimage found = {0};
    struct stat st;

    if (jobdir_current_read(dir, &found.generation, err) < 0)
        return -1;
    if (found.generation != 0) {
        int n = snprintf(found.path, sizeof found.path, "%s/images/image.%u",
                         dir, found.generation);
        if (n < 0 || n >= (int)sizeof found.path)
            return ckpt_err_set(err, ENAMETOOLONG, "%s: name too long", dir);
        if (stat(found.path, &st) < 0)
            return ckpt_err_sys(err, "%s", found.path);
        found.size = (uint64_t)st.st_size;
        found.time_sec = st.st_mtim.tv_sec;
    }
    *image = found;
    return 0;
}

/* The state of generation g can be had again: its journal is still there, and
 * so is its image, unless it is the beginning. */
static bool can_go_back(const char *dir, uint32_t g)
{
    char path[PATH_MAX], name[64];

    snprintf(name, sizeof name, "journal/%u/log", g);
    if (join(path, dir, name, NULL) < 0 || access(path, F_OK) < 0)
        return false;
    if (g == 0)
        return true;
    snprintf(name, sizeof name, "images/image.%u", g);
    return join(path, dir, name, NULL) == 0 && access(path, F_OK) == 0;
}

static int set_aside(const char *dir, struct ckpt_err *err)
{
    char from[PATH_MAX], to[PATH_MAX], name[64];
    uint32_t bad;

    if (jobdir_current_read(dir, &bad, err) < 0)
        return -1;
    if (bad == 0)
        return ckpt_err_set(err, ENOENT, "%s: no image", dir);
    uint32_t g = bad;
    do
        g--;
    while (g > 0 && !can_go_back(dir, g));
    if (!can_go_back(dir, g))
        return ckpt_err_set(err, ENOENT, "%s: no state before image %u is kept",
                            dir, bad);
    if (jobdir_current_write(dir, g, err) < 0)
        return -1;
    snprintf(name, sizeof name, "images/image.%u", bad);
    if (join(from, dir, name, err) < 0)
        return -1;
    snprintf(name, sizeof name, "images/damaged.%u", bad);
    if (join(to, dir, name, err) < 0)
        return -1;
    if (rename(from, to) < 0 && errno != ENOENT)
        return ckpt_err_sys(err, "%s", from);
    return 0;
}

/* Do what only a shadow does, while there is none. */
static int without_shadow(const char *dir,
                          int (*fn)(const char *dir, struct ckpt_err *err),
                          struct ckpt_err *err)
{
    char path[PATH_MAX];

    if (join(path, dir, "shadow.lock", err) < 0)
        return -1;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return ckpt_err_sys(err, "%s", path);
    int rc;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        rc = ckpt_err_set(err, EBUSY, "%s: a shadow is running", dir);
    else
        rc = fn(dir, err);
    int saved = errno;
    close(fd);
    errno = saved;
    return rc;
}

int jobdir_image_set_aside(const char *dir, struct ckpt_err *err)
{
    return without_shadow(dir, set_aside, err);
}

/* The journal's older intervals are dropped by the next shadow, with its first
 * image. */
static int prune(const char *dir, struct ckpt_err *err)
{
    char path[PATH_MAX], end;
    struct dirent *entry;
    uint32_t newest;
    unsigned number;

    if (jobdir_current_read(dir, &newest, err) < 0 ||
        join(path, dir, "images", err) < 0)
        return -1;
    DIR *images = opendir(path);
    while (images && (entry = readdir(images)) != NULL)
        if ((sscanf(entry->d_name, "image.%u%c", &number, &end) == 1 &&
             number < newest) ||
            sscanf(entry->d_name, "damaged.%u%c", &number, &end) == 1)
            unlinkat(dirfd(images), entry->d_name, 0);
    if (images)
        closedir(images);
    return 0;
}

int jobdir_images_prune(const char *dir, struct ckpt_err *err)
{
    return without_shadow(dir, prune, err);
}
