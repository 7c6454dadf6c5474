/* log.c - see log.h */
#include "scheduler/pool/log.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *who = "ckpt";
static uint64_t limit;

void log_name(const char *name)
{
    who = name;
}

void log_limit(uint64_t bytes)
{
    limit = bytes;
}

static bool cut_end(char *path, const char *end)
{
    size_t len = strlen(path), cut = strlen(end);

    if (len < cut || strcmp(path + len - cut, end) != 0)
        return false;
    path[len - cut] = '\0';
    return true;
}

/* Standard error is DIR/log, whose path this is, or was (*old). */
static bool find_log(char path[PATH_MAX], bool *old)
{
    ssize_t n = readlink("/proc/self/fd/2", path, PATH_MAX - 1);

    if (n <= 0 || path[0] != '/')
        return false;
    path[n] = '\0';
    *old = cut_end(path, " (deleted)");
    *old |= cut_end(path, ".old");
    const char *slash = strrchr(path, '/');
    return slash && strcmp(slash, "/log") == 0;
}

static void rotate(void)
{
    char path[PATH_MAX], old_path[PATH_MAX + 8];
    struct stat st;
    bool old;

    if (fstat(STDERR_FILENO, &st) < 0 || !S_ISREG(st.st_mode) ||
        !find_log(path, &old))
        return;
    bool full = limit > 0 && (uint64_t)st.st_size >= limit;
    if (!old && !full)
        return;
    snprintf(old_path, sizeof old_path, "%s.old", path);
    if (!old && rename(path, old_path) < 0)
        return;
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    dup2(fd, STDERR_FILENO);
    close(fd);
}

void log_line(const char *fmt, ...)
{
    char line[1024], when[32];
    struct timespec now;
    struct tm tm;
    va_list ap;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &tm);
    int n = snprintf(line, sizeof line, "%s.%03ld %s[%d]: ", when,
                     now.tv_nsec / 1000000, who, (int)getpid());
    va_start(ap, fmt);
    vsnprintf(line + n, sizeof line - (size_t)n, fmt, ap);
    va_end(ap);
    rotate();
    dprintf(STDERR_FILENO, "%s\n", line);
}
