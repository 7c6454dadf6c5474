/* log.c - lines for the log of the settings, and for home; see capture.h */
#include "lib/capture/capture.h"

#include "lib/capture/state.h"
#include "lib/common/io.h"
#include "lib/common/sys.h"
#include "lib/remote/remote.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>

static struct ckpt_capture_state *const s = &ckpt_capture_state;

void ckpt_capture_log(const char *fmt, ...)
{
    char line[1024];
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(line, sizeof line - 1, fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    size_t len = (size_t)n < sizeof line - 1 ? (size_t)n : sizeof line - 2;
    line[len] = '\0';
    if (ckpt_remote_active())
        ckpt_remote_log(line);
    if (s->settings.log[0] == '\0')
        return;
    line[len++] = '\n';
    long fd = ckpt_sys(SYS_openat, AT_FDCWD, s->settings.log,
                       O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    ckpt_write_full((int)fd, line, len);
    ckpt_sys(SYS_close, fd);
}
