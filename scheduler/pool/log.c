/* log.c - see log.h */
#include "scheduler/pool/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static const char *who = "ckpt";

void log_name(const char *name)
{
    who = name;
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
    dprintf(STDERR_FILENO, "%s\n", line);
}
