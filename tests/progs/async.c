/* async.c - files that send signals (O_ASYNC, F_SETOWN, F_SETSIG) do so again,
 * and sockets keep their marks */
#include "tests/progs/prog.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>

static volatile sig_atomic_t signals, from;

static void on_signal(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    signals++;
    from = info->si_fd;
}

static int option(int fd, int name)
{
    int value = -1;
    socklen_t len = sizeof value;

    getsockopt(fd, SOL_SOCKET, name, &value, &len);
    return value;
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = on_signal,
                               .sa_flags = SA_SIGINFO | SA_RESTART};
    struct f_owner_ex thread = {F_OWNER_TID, getpid()};
    int sockets[2], p[2], low = 5, peek = 2;

    sigaction(SIGRTMIN + 2, &action, NULL);
    signal(SIGIO, SIG_IGN);
    prog_check(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
    prog_check(pipe(p) == 0);
    prog_check(fcntl(sockets[0], F_SETOWN, getpid()) == 0);
    prog_check(fcntl(sockets[0], F_SETSIG, SIGRTMIN + 2) == 0);
    prog_check(fcntl(sockets[0], F_SETFL, O_ASYNC) == 0);
    prog_check(fcntl(p[0], F_SETOWN_EX, &thread) == 0);
    prog_check(fcntl(p[0], F_SETFL, O_ASYNC | O_NONBLOCK) == 0);
    prog_check(fcntl(p[1], F_SETOWN, -getpgrp()) == 0);
    prog_check(
        setsockopt(sockets[1], SOL_SOCKET, SO_RCVLOWAT, &low, sizeof low) == 0);
    prog_check(setsockopt(sockets[1], SOL_SOCKET, SO_PEEK_OFF, &peek,
                          sizeof peek) == 0);
    prog_ready();
    prog_wait();
    prog_check(signals == 0);
    prog_check(fcntl(sockets[0], F_GETOWN) == getpid());
    prog_check(fcntl(sockets[0], F_GETSIG) == SIGRTMIN + 2);
    prog_check(fcntl(sockets[1], F_GETOWN) == 0);
    prog_check(fcntl(p[0], F_GETOWN_EX, &thread) == 0 &&
               thread.type == F_OWNER_TID && thread.pid == getpid());
    prog_check(fcntl(p[0], F_GETFL) == (O_RDONLY | O_ASYNC | O_NONBLOCK));
    /* in a namespace its group is outside of it */
    prog_check(fcntl(p[1], F_GETOWN_EX, &thread) == 0 &&
               (getpgrp() == 0 ||
                (thread.type == F_OWNER_PGRP && thread.pid == getpgrp())));
    prog_check(write(sockets[1], "x", 1) == 1);
    prog_check(signals == 1 && from == sockets[0]);
    prog_check(option(sockets[1], SO_RCVLOWAT) == 5);
    prog_check(option(sockets[1], SO_PEEK_OFF) == 2);
    prog_check(option(sockets[0], SO_RCVLOWAT) == 1);
    return prog_end();
}
