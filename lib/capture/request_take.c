/* request_take.c - the program's side of a request; see request.h */
#include "lib/capture/request.h"

#include "lib/common/io.h"
#include "lib/common/sys.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* The value of a request's signal: magic 32 | mode 4 | path fd 14 | reply fd
 * 14.  A path fd of 0 means no path. */
static void reply_open(const siginfo_t *info, uint64_t value,
                       struct ckpt_request *r)
{
    char path[64];
    struct stat st;

    snprintf(path, sizeof path, "/proc/%d/fd/%u", (int)info->si_pid,
             (unsigned)(value & CKPT_REQUEST_REPLY_MASK));
    long fd =
        ckpt_sys(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return;
    if (ckpt_sys(SYS_fstat, fd, &st) < 0 || !S_ISFIFO(st.st_mode)) {
        ckpt_sys(SYS_close, fd);
        return;
    }
    r->reply_fd = (int)fd;
    r->reply_id = st.st_ino;
}

static void path_read(const siginfo_t *info, uint64_t value,
                      struct ckpt_request *r)
{
    char path[64];
    unsigned number = (unsigned)(value >> 14 & 0x3fff);

    if (number == 0)
        return;
    snprintf(path, sizeof path, "/proc/%d/fd/%u", (int)info->si_pid, number);
    long fd = ckpt_sys(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t n = ckpt_pread_full((int)fd, r->path, sizeof r->path - 1, 0);
    r->path[n > 0 ? n : 0] = '\0';
    ckpt_sys(SYS_close, fd);
}

bool ckpt_request_take(const siginfo_t *info, uint64_t last_id,
                       struct ckpt_request *r)
{
    uint64_t value = (uint64_t)(uintptr_t)info->si_value.sival_ptr;

    memset(r, 0, sizeof *r);
    r->mode = CKPT_REQUEST_CONTINUE;
    r->reply_fd = -1;
    if (info->si_code != SI_QUEUE || value >> 32 != CKPT_REQUEST_MAGIC)
        return true;
    r->mode = (enum ckpt_request_mode)(value >> 28 & 0xf);
    if (r->mode == CKPT_REQUEST_SELF)
        return true;
    reply_open(info, value, r);
    if (r->reply_fd >= 0 && r->reply_id == last_id) {
        ckpt_sys(SYS_close, r->reply_fd);
        return false;
    }
    path_read(info, value, r);
    if (r->reply_fd >= 0)
        ckpt_write_full(r->reply_fd, "taken\n", 6);
    return true;
}

void ckpt_request_answer(struct ckpt_request *r, const char *path,
                         const char *error)
{
    char line[CKPT_REQUEST_LINE_MAX];

    if (r->reply_fd < 0)
        return;
    int n = snprintf(line, sizeof line, "%s %s\n", error ? "refused" : "done",
                     error ? error : path);
    if (n > 0)
        ckpt_write_full(r->reply_fd, line,
                        (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
    ckpt_request_drop(r);
}

void ckpt_request_drop(struct ckpt_request *r)
{
    if (r->reply_fd >= 0)
        ckpt_sys(SYS_close, r->reply_fd);
    r->reply_fd = -1;
}
