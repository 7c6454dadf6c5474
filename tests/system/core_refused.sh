#!/bin/bash
# core_refused.sh - what cannot be saved is refused by name, and the program
# goes on
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"
need_command cc

cat >"$work/refused.c" <<'EOF'
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>
#include <fcntl.h>
#include <signal.h>

static int inet(int type, int port, int to)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, type, 0);
    socklen_t len = sizeof in;

    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (to)
        connect(fd, (struct sockaddr *)&in, sizeof in);
    else
        bind(fd, (struct sockaddr *)&in, sizeof in);
    if (!to && type == SOCK_STREAM)
        listen(fd, 1);
    getsockname(fd, (struct sockaddr *)&in, &len);
    return to ? fd : ntohs(in.sin_port);
}

int main(int argc, char **argv)
{
    const char *what = argv[argc - 1];
    int p[2];

    if (strcmp(what, "listen") == 0)
        inet(SOCK_STREAM, 0, 0);
    else if (strcmp(what, "udp") == 0)
        inet(SOCK_DGRAM, 9, 1);
    else if (strcmp(what, "half") == 0) {
        pid_t pid;
        if (pipe(p) == 0 && (pid = fork()) == 0) {
            if (fork() == 0) { /* nobody's child holds the writing end */
                for (int i = 0; i < 2000 && access("go", F_OK) != 0; i++)
                    usleep(10000);
                _exit(0);
            }
            _exit(0);
        }
        close(p[1]);
        usleep(100000);
        while (waitpid(-1, NULL, 0) > 0)
            ;
    } else if (strcmp(what, "pidfd") == 0)
        syscall(SYS_pidfd_open, getpid(), 0);
    else if (strcmp(what, "unread") == 0) {
        int fd = inotify_init1(0);
        inotify_add_watch(fd, ".", IN_CREATE);
        close(open("made", O_CREAT | O_WRONLY, 0600));
    } else if (strcmp(what, "flight") == 0) {
        socketpair(AF_UNIX, SOCK_STREAM, 0, p);
        char cm[CMSG_SPACE(sizeof(int))] = {0};
        struct iovec iov = {"x", 1};
        struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1,
                           .msg_control = cm, .msg_controllen = sizeof cm};
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &p[0], sizeof(int));
        sendmsg(p[0], &m, 0);
    }
    close(open("ready", O_CREAT | O_WRONLY, 0600));
    for (int i = 0; i < 2000 && access("go", F_OK) != 0; i++)
        usleep(10000);
    puts("OK");
    return 0;
}
EOF
sed -i '1i #include <sys/wait.h>' "$work/refused.c"
cd "$work"
ckpt-cc -D_GNU_SOURCE -o refused refused.c

# refused WHAT WORDS...: the words are in the refusal, and the program goes on
refused() {
    rm -f ready go made
    ./refused "$1" >out 2>err &
    pid=$!
    for ((i = 0; i < 1000; i++)); do
        [ ! -e ready ] || break
        sleep 0.01
    done
    if ckpt checkpoint $pid --image "$work/image" >told 2>&1; then
        fail "$1: was not refused"
    fi
    grep -q "$2" told || fail "$1: refused with '$(cat told)' and not '$2'"
    [ ! -e image ] || fail "$1: refused, and there is an image"
    touch go
    wait $pid || fail "$1: did not go on"
    [ "$(cat out)" = OK ] || fail "$1: went on to say '$(cat out)'"
    echo "$1: $(cat told)"
}
refused listen 'descriptor [0-9]* is a TCP socket that listens at 127.0.0.1:'
refused udp 'descriptor [0-9]* is a UDP socket to 127.0.0.1:9'
refused half 'a pipe whose writing end is in another process'
refused pidfd 'pidfd'
refused unread 'an inotify set with unread events'
refused flight 'a socket with descriptors in flight'
