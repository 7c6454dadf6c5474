/* socketpairs.c - pairs of unix sockets: bytes and messages on their way,
 * boundaries, sizes, flags, and one that was shut down */
#include "tests/progs/prog.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

static int option(int fd, int name)
{
    int value = -1;
    socklen_t len = sizeof value;

    getsockopt(fd, SOL_SOCKET, name, &value, &len);
    return value;
}

int main(void)
{
    int stream[2], dgram[2], seq[2], shut[2], size = 100000;
    char buf[4096];
    struct timeval tv = {7, 500000}, got = {0, 0};
    socklen_t len = sizeof got;

    prog_check(socketpair(AF_UNIX, SOCK_STREAM, 0, stream) == 0);
    prog_check(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, dgram) == 0);
    prog_check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, seq) == 0);
    prog_check(socketpair(AF_UNIX, SOCK_STREAM, 0, shut) == 0);
    setsockopt(stream[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    setsockopt(stream[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    int was = option(stream[0], SO_SNDBUF);
    prog_check(write(stream[0], "there", 5) == 5);
    prog_check(write(stream[0], " and", 4) == 4);
    prog_check(write(stream[1], "back", 4) == 4);
    prog_check(write(dgram[0], "a", 1) == 1 && write(dgram[0], "bc", 2) == 2);
    prog_check(write(dgram[1], "def", 3) == 3);
    prog_check(write(seq[0], "one", 3) == 3 && write(seq[0], "two", 3) == 3);
    prog_check(write(shut[0], "end", 3) == 3);
    prog_check(shutdown(shut[0], SHUT_WR) == 0);
    int again = dup(stream[1]);
    prog_ready();
    prog_wait();
    prog_check(read(again, buf, 99) == 9 && memcmp(buf, "there and", 9) == 0);
    prog_check(read(stream[0], buf, 99) == 4 && memcmp(buf, "back", 4) == 0);
    prog_check(write(stream[0], "x", 1) == 1 && read(stream[1], buf, 9) == 1);
    prog_check(option(stream[0], SO_SNDBUF) == was);
    getsockopt(stream[1], SOL_SOCKET, SO_RCVTIMEO, &got, &len);
    prog_check(got.tv_sec == 7 && got.tv_usec / 100000 == 5);
    prog_check(option(dgram[0], SO_TYPE) == SOCK_DGRAM);
    prog_check(read(dgram[1], buf, 99) == 1 && buf[0] == 'a');
    prog_check(read(dgram[1], buf, 99) == 2 && buf[1] == 'c');
    prog_check(read(dgram[1], buf, 99) == -1 && errno == EAGAIN);
    prog_check(read(dgram[0], buf, 99) == 3);
    prog_check(read(seq[1], buf, 99) == 3 && memcmp(buf, "one", 3) == 0);
    prog_check(read(seq[1], buf, 99) == 3 && memcmp(buf, "two", 3) == 0);
    prog_check(fcntl(seq[0], F_GETFD) & FD_CLOEXEC);
    prog_check(read(shut[1], buf, 99) == 3 && read(shut[1], buf, 99) == 0);
    prog_check(write(shut[1], "still", 5) == 5 && read(shut[0], buf, 9) == 5);
    prog_check(send(shut[0], "x", 1, MSG_NOSIGNAL) == -1 && errno == EPIPE);
    close(stream[0]);
    prog_check(read(stream[1], buf, 1) == 0);
    return prog_end();
}
