/* look_habits.c - signals of open files, and marks in sockets; see kinds.h */
#include "lib/files/kinds.h"

#include "lib/common/sys.h"

#include <fcntl.h>
#include <sys/socket.h>

struct owner {
    int type, id; /* struct f_owner_ex */
};

/* The program's own threads, process or group; another's would be a stranger
 * after a restart. */
static int look_owner(struct ckpt_look *l, struct ckpt_open_file *f, int fd)
{
    struct owner o = {0, 0};

    if (ckpt_sys(SYS_fcntl, fd, F_GETOWN_EX, &o) < 0 || o.id == 0)
        return 0;
    if (o.type == F_OWNER_PID && o.id == l->pid)
        f->habits.owner = CKPT_OWNER_PROCESS;
    else if (o.type == F_OWNER_TID && o.id == l->pid)
        f->habits.owner = CKPT_OWNER_THREAD;
    else if (o.type == F_OWNER_PGRP && o.id == ckpt_sys(SYS_getpgid, 0))
        f->habits.owner = CKPT_OWNER_GROUP;
    else if (f->flags & O_ASYNC)
        return ckpt_look_refuse(l, f,
                                o.type == F_OWNER_TID
                                    ? "a file that sends its signals to a "
                                      "thread (F_SETOWN_EX)"
                                    : "a file that sends its signals to "
                                      "another process (F_SETOWN)");
    return 0;
}

int ckpt_look_habits(struct ckpt_look *l, struct ckpt_open_file *f)
{
    int fd = ckpt_look_fd(l, f), value = 0;
    socklen_t len = sizeof value;

    /* what the caller gave is the caller's */
    if ((f->flags & O_PATH) || f->kind == CKPT_FILE_CALLER)
        return 0;
    long sig = ckpt_sys(SYS_fcntl, fd, F_GETSIG);
    f->habits.signal = sig > 0 ? (uint32_t)sig : 0;
    if (f->kind == CKPT_FILE_SOCKETPAIR) {
        if (ckpt_sys(SYS_getsockopt, fd, SOL_SOCKET, SO_RCVLOWAT, &value,
                     &len) == 0 &&
            value > 1)
            f->habits.low_mark = (uint32_t)value;
        if (ckpt_sys(SYS_getsockopt, fd, SOL_SOCKET, SO_PEEK_OFF, &value,
                     &len) == 0 &&
            value >= 0)
            f->habits.peek_from = (uint32_t)value + 1;
    }
    return look_owner(l, f, fd);
}
