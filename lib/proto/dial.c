/* dial.c - see dial.h */
#include "lib/proto/dial.h"

#include "lib/common/sys.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BACKLOG = 64 };

union address {
    struct sockaddr any;
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;
};

/* Returns the length, or 0. */
static socklen_t parse_host(const char *host, uint16_t port,
                            union address *address)
{
    memset(address, 0, sizeof *address);
    if (strcmp(host, "localhost") == 0)
        host = "127.0.0.1";
    if (inet_pton(AF_INET, host, &address->in4.sin_addr) == 1) {
        address->in4.sin_family = AF_INET;
        address->in4.sin_port = htons(port);
        return sizeof address->in4;
    }
    if (inet_pton(AF_INET6, host, &address->in6.sin6_addr) == 1) {
        address->in6.sin6_family = AF_INET6;
        address->in6.sin6_port = htons(port);
        return sizeof address->in6;
    }
    return 0;
}

static int open_socket(const char *host, uint16_t port, union address *address,
                       socklen_t *len, struct ckpt_err *err)
{
    *len = parse_host(host, port, address);
    if (*len == 0)
        return ckpt_err_set(err, EINVAL, "\"%s\" is not a numeric address",
                            host);
    long fd = ckpt_sys(SYS_socket, address->any.sa_family,
                       SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return ckpt_err_set(err, (int)-fd, "cannot open a socket");
    return (int)fd;
}

static void set_option(int fd, int level, int name, int value)
{
    ckpt_sys(SYS_setsockopt, fd, level, name, &value, sizeof value);
}

static int64_t now_ms(void)
{
    struct timespec now = {0};

    ckpt_sys(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Wait for the connection: 0 or an errno value. */
static int await_connection(int fd, int timeout_ms)
{
    int64_t deadline = now_ms() + timeout_ms;
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int errnum = 0;
    socklen_t len = sizeof errnum;
    long n;

    do {
        int64_t left = timeout_ms < 0 ? -1 : deadline - now_ms();
        if (timeout_ms >= 0 && left < 0)
            left = 0;
        n = ckpt_sys(SYS_poll, &p, 1, left);
    } while (n == -EINTR);
    if (n <= 0)
        return n == 0 ? ETIMEDOUT : (int)-n;
    n = ckpt_sys(SYS_getsockopt, fd, SOL_SOCKET, SO_ERROR, &errnum, &len);
    return n < 0 ? (int)-n : errnum;
}

static int connect_within(int fd, const union address *address, socklen_t len,
                          int timeout_ms)
{
    long n = ckpt_sys(SYS_connect, fd, &address->any, len);

    if (n == -EINPROGRESS || n == -EINTR)
        return await_connection(fd, timeout_ms);
    return (int)-n;
}

int ckpt_proto_connect(const char *host, uint16_t port, int timeout_ms,
                       struct ckpt_err *err)
{
    union address address;
    socklen_t len;
    char text[CKPT_ADDR_MAX];
    int fd = open_socket(host, port, &address, &len, err);

    if (fd < 0)
        return -1;
    int errnum = connect_within(fd, &address, len, timeout_ms);
    if (errnum) {
        ckpt_sys(SYS_close, fd);
        ckpt_addr_format(host, port, text);
        errno = errnum;
        return ckpt_err_sys(err, "connecting to %s", text);
    }
    long flags = ckpt_sys(SYS_fcntl, fd, F_GETFL, 0);
    ckpt_sys(SYS_fcntl, fd, F_SETFL, flags & ~(long)O_NONBLOCK);
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    return fd;
}

static int bind_and_listen(int fd, union address *address, socklen_t len)
{
    long n;

    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    n = ckpt_sys(SYS_bind, fd, &address->any, len);
    if (n == 0)
        n = ckpt_sys(SYS_listen, fd, BACKLOG);
    if (n == 0)
        n = ckpt_sys(SYS_getsockname, fd, &address->any, &len);
    return (int)-n;
}

int ckpt_proto_listen(const char *host, uint16_t port, uint16_t *bound,
                      struct ckpt_err *err)
{
    union address address;
    socklen_t len;
    char text[CKPT_ADDR_MAX];
    int fd = open_socket(host, port, &address, &len, err);

    if (fd < 0)
        return -1;
    int errnum = bind_and_listen(fd, &address, len);
    if (errnum) {
        ckpt_sys(SYS_close, fd);
        ckpt_addr_format(host, port, text);
        errno = errnum;
        return ckpt_err_sys(err, "listening on %s", text);
    }
    *bound = ntohs(address.any.sa_family == AF_INET ? address.in4.sin_port
                                                    : address.in6.sin6_port);
    return fd;
}

void ckpt_proto_watch_peer(int fd, int seconds)
{
    int interval = seconds / 4 > 0 ? seconds / 4 : 1;

    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, interval);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, interval);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, seconds * 1000);
}

void ckpt_addr_format(const char *host, uint16_t port, char *text)
{
    const char *fmt = strchr(host, ':') ? "[%.64s]:%u" : "%.64s:%u";

    snprintf(text, CKPT_ADDR_MAX, fmt, host, (unsigned)port);
}

/* A port number without sign or blanks; -1 if it is not one. */
static long parse_port(const char *text)
{
    long port = 0;

    if (*text == '\0' || strlen(text) > 5)
        return -1;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        port = 10 * port + (*text - '0');
    }
    return port <= UINT16_MAX ? port : -1;
}

int ckpt_addr_parse(const char *text, char *host, uint16_t *port,
                    struct ckpt_err *err)
{
    const char *colon = strrchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : 0;
    long number = colon ? parse_port(colon + 1) : -1;
    char copy[CKPT_ADDR_MAX];
    union address unused;

    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    if (len == 0 || len >= sizeof copy || number < 0)
        return ckpt_err_set(err, EINVAL, "\"%s\" is not ADDRESS:PORT", text);
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (parse_host(copy, 0, &unused) == 0)
        return ckpt_err_set(err, EINVAL, "\"%s\" is not a numeric address",
                            copy);
    memcpy(host, copy, len + 1);
    *port = (uint16_t)number;
    return 0;
}

void ckpt_addr_of_peer(int fd, char *text)
{
    union address address;
    socklen_t len = sizeof address;
    char host[INET6_ADDRSTRLEN] = "";

    memset(&address, 0, sizeof address);
    strcpy(text, "?");
    if (ckpt_sys(SYS_getpeername, fd, &address.any, &len) < 0)
        return;
    if (address.any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &address.in4.sin_addr, host, sizeof host);
        ckpt_addr_format(host, ntohs(address.in4.sin_port), text);
    } else if (address.any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &address.in6.sin6_addr, host, sizeof host);
        ckpt_addr_format(host, ntohs(address.in6.sin6_port), text);
    }
}
