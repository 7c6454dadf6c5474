/* pager.c - see pager.h: making the pager */
#include "lib/restart/pager.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef USERFAULTFD_IOC_NEW
#define USERFAULTFD_IOC_NEW _IO(0xAA, 0x00)
#endif
enum { FDS_MAX = 1100, FLAGS = O_CLOEXEC | O_NONBLOCK };

/* --- userfaultfd --------------------------------------------------------- */

/* One that handles faults of the kernel's, too. */
static int open_uffd(void)
{
    struct uffdio_api api = {.api = UFFD_API};
    int fd = (int)syscall(SYS_userfaultfd, FLAGS);

    if (fd < 0) {
        int dev = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
        if (dev < 0)
            return -1;
        fd = ioctl(dev, USERFAULTFD_IOC_NEW, FLAGS);
        close(dev);
    }
    if (fd >= 0 && ioctl(fd, UFFDIO_API, &api) < 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

bool ckpt_pager_is_possible(void)
{
    int fd = open_uffd();

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

int ckpt_pager_send(int sock, char byte, int fd)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {.room = {0}};
    struct iovec iov = {&byte, 1};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

    if (fd >= 0) {
        msg.msg_control = &control;
        msg.msg_controllen = sizeof control;
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
    }
    return sendmsg(sock, &msg, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

int ckpt_pager_arm(int sock, struct ckpt_err *err)
{
    int fd = open_uffd();

    if (fd < 0)
        return ckpt_err_sys(err, "userfaultfd");
    int rc = ckpt_pager_send(sock, 'u', fd);
    if (rc < 0)
        ckpt_err_sys(err, "the pager");
    close(fd);
    return rc;
}

/* --- the process --------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Nothing of the program's is kept open but the images. */
static void close_others(const struct ckpt_image *image, int sock)
{
    int keep[FDS_MAX];
    size_t n = 0;

    keep[n++] = sock;
    for (; image && n < FDS_MAX; image = ckpt_image_base(image))
        keep[n++] = ckpt_image_fd(image);
    qsort(keep, n, sizeof *keep, compare);
    for (size_t i = 0, next = 0; i < n; i++) {
        if ((size_t)keep[i] > next)
            syscall(SYS_close_range, (unsigned)next, keep[i] - 1, 0);
        next = (size_t)keep[i] + 1;
        if (i + 1 == n)
            syscall(SYS_close_range, (unsigned)next, ~0u, 0);
    }
}

static _Noreturn void be_pager(const struct ckpt_image *image, int sock,
                               const struct ckpt_load *load,
                               const struct ckpt_span *spans, size_t nspans)
{
    sigset_t all;

    sigfillset(&all); /* the program's business, not ours */
    sigprocmask(SIG_SETMASK, &all, NULL);
    setsid();
    prctl(PR_SET_NAME, "ckpt-pager");
    close_others(image, sock);
    if (chdir("/") < 0)
        _exit(1);
    ckpt_pager_serve(sock, load, spans, nspans);
}

/* No child that the program's wait() would see: its parent ends at once. */
static int fork_pager(struct ckpt_image *image, int sock,
                      const struct ckpt_load *load,
                      const struct ckpt_span *spans, size_t nspans,
                      struct ckpt_err *err)
{
    int status = 1;
    pid_t child = fork();

    if (child < 0)
        return ckpt_err_sys(err, "fork");
    if (child == 0) {
        pid_t pager = fork();
        if (pager != 0)
            _exit(pager < 0);
        be_pager(image, sock, load, spans, nspans);
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return status == 0 ? 0 : ckpt_err_set(err, EAGAIN, "fork: no pager");
}

int ckpt_pager_start(struct ckpt_image *image,
                     const struct ckpt_image_piece *pieces, size_t npieces,
                     const struct ckpt_span *spans, size_t nspans,
                     struct ckpt_err *err)
{
    struct ckpt_load load;
    int pair[2];

    if (ckpt_load_plan(&load, image, pieces, npieces, err) < 0)
        return -1;
    int rc = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
    if (rc < 0) {
        ckpt_err_sys(err, "socketpair");
    } else {
        rc = fork_pager(image, pair[1], &load, spans, nspans, err);
        close(pair[1]);
        if (rc < 0)
            close(pair[0]);
    }
    ckpt_load_clear(&load);
    return rc < 0 ? -1 : pair[0];
}
