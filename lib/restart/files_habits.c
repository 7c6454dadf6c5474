/* files_habits.c - what was set for a file after it was opened; see
 * files_kinds.h
 */
#include "lib/restart/files_kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

static int set_owner(int fd, uint32_t owner, bool async)
{
    struct f_owner_ex o = {.type = F_OWNER_PID, .pid = getpid()};

    if (owner == CKPT_OWNER_THREAD)
        o.type = F_OWNER_TID;
    if (owner == CKPT_OWNER_GROUP)
        o = (struct f_owner_ex){.type = F_OWNER_PGRP, .pid = getpgrp()};
    if (owner == CKPT_OWNER_GROUP && o.pid == 0) { /* not in the namespace */
        errno = ESRCH;
        return async ? -1 : 0;
    }
    return owner ? fcntl(fd, F_SETOWN_EX, &o) : 0;
}

int ckpt_files_commit_habits(const struct ckpt_open_file *f, int fd,
                             struct ckpt_err *err)
{
    const struct ckpt_habits *h = &f->habits;
    int low_mark = (int)h->low_mark, peek_from = (int)h->peek_from - 1;

    if (f->kind == CKPT_FILE_CALLER || (f->flags & O_PATH))
        return 0;
    if ((h->low_mark && setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &low_mark,
                                   sizeof low_mark) < 0) ||
        (h->peek_from && setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &peek_from,
                                    sizeof peek_from) < 0) ||
        set_owner(fd, h->owner, f->flags & O_ASYNC) < 0 ||
        (h->signal && fcntl(fd, F_SETSIG, (int)h->signal) < 0))
        return ckpt_err_sys(err, "%s", f->path);
    /* last: from here on it sends */
    int flags = fcntl(fd, F_GETFL);
    if ((f->flags & O_ASYNC) && !(flags & O_ASYNC) &&
        fcntl(fd, F_SETFL, flags | O_ASYNC) < 0)
        return ckpt_err_sys(err, "the signals of %s", f->path);
    return 0;
}
