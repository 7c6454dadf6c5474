/* fdpass.h - a descriptor that comes through a socket */
#ifndef CKPT_COMMON_FDPASS_H
#define CKPT_COMMON_FDPASS_H

#include "lib/common/sys.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* Wait for a message of one byte with one descriptor (SCM_RIGHTS).  Returns it,
 * close-on-exec, or -1: the other end is gone, or sent something else.
 * Async-signal-safe. */
static inline int ckpt_fd_receive(int sock)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {.room = {0}};
    char byte;
    struct iovec iov = {&byte, 1};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = &control,
                         .msg_controllen = sizeof control};
    long n;
    int fd;

    do
        n = ckpt_sys(SYS_recvmsg, sock, &msg, MSG_CMSG_CLOEXEC);
    while (n == -EINTR);
    if (n != 1 || msg.msg_controllen < CMSG_LEN(sizeof fd) ||
        control.head.cmsg_type != SCM_RIGHTS)
        return -1;
    memcpy(&fd, CMSG_DATA(&control.head), sizeof fd);
    return fd;
}

#endif
