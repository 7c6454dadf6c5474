/* program.c - see program.h */
#include "scheduler/pool/program.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int program_find(const char *name, char *path, struct ckpt_err *err)
{
    static const char *const places[] = {
        "",                    /* installed daemons; bin/ */
        "../bin/",             /* build tree */
        "../../bin/",          /* libexec/libckpt -> bin */
        "../libexec/libckpt/", /* bin -> libexec/libckpt */
        "lib/",                /* build tree, library */
        "../lib/",
        "../../lib/", /* libexec/libckpt -> lib */
        "../lib/libckpt/",
        "../../lib/libckpt/",
    };
    char self[PATH_MAX], tried[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

    if (n < 0)
        return ckpt_err_sys(err, "/proc/self/exe");
    self[n] = '\0';
    char *slash = strrchr(self, '/');
    if (slash)
        slash[1] = '\0';
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        int len =
            snprintf(tried, sizeof tried, "%s%s%s", self, places[i], name);
        if (len < 0 || (size_t)len >= sizeof tried)
            continue;
        if (access(tried, R_OK) == 0) {
            strcpy(path, tried);
            return 0;
        }
    }
    return ckpt_err_set(err, ENOENT,
                        "%s is neither beside %s nor where make "
                        "install puts it",
                        name, self);
}
