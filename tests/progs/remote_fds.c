/* remote_fds.c - descriptor numbers, dup, close-on-exec, close_range, poll */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

static int cloexec(int fd)
{
    int flags = fcntl(fd, F_GETFD);
    return flags < 0 ? -1 : flags & FD_CLOEXEC;
}

int main(void)
{
    int a = open("fds.txt", O_RDWR | O_CREAT | O_TRUNC, 0600);
    int b = open("fds.txt", O_RDONLY | O_CLOEXEC);
    int null = open("/dev/null", O_WRONLY);

    printf("consecutive %d %d\n", b - a, null - b);
    printf("cloexec %d %d\n", cloexec(a), cloexec(b));
    printf("dup %d dupfd %d\n", dup(a) - a, fcntl(a, F_DUPFD_CLOEXEC, 100));
    printf("cloexec %d\n", cloexec(100));
    printf("dup2 %d\n", dup2(a, 60));
    printf("onto itself %d\n", dup2(60, 60));
    printf("local over remote %d\n", dup2(null, 100));
    printf("to null %zd\n", write(100, "lost", 4));
    printf("remote over local %d\n", dup2(a, null) - null);
    printf("kept %zd\n", write(null, "kept", 4));
    printf("offset shared %ld\n", (long)lseek(a, 0, SEEK_CUR));
    printf("flags %o\n", fcntl(a, F_GETFL) & (O_ACCMODE | O_APPEND));
    fcntl(a, F_SETFL, O_APPEND);
    printf("flags %o\n", fcntl(60, F_GETFL) & (O_ACCMODE | O_APPEND));
    struct pollfd p = {a, POLLIN | POLLOUT, 0};
    printf("poll %d %d\n", poll(&p, 1, 1000), p.revents);
    fd_set set;
    FD_ZERO(&set);
    FD_SET(a, &set);
    printf("select %d\n", select(a + 1, &set, NULL, NULL, NULL));
    printf("close_range %d\n", close_range(50, 200, 0));
    printf("gone %d", fcntl(60, F_GETFD));
    printf(" %d\n", errno == EBADF);
    close(b);
    printf("reused %d\n", open("/dev/null", O_RDONLY) - b);
    printf("closed %d", close(a));
    printf(", twice %d\n", close(a));
    printf("isatty %d\n", isatty(null));
    struct flock fl = {.l_type = F_WRLCK};
    printf("lock %d\n", fcntl(null, F_SETLK, &fl));
    for (int fd = 3; fd < 1024; fd++)
        close(fd);
    a = open("fds.txt", O_RDONLY);
    char buf[10] = "";
    printf("%d: %zd", a, read(a, buf, 9));
    printf(" %s\n", buf);
    return 0;
}
