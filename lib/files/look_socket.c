/* look_socket.c - pairs of unix sockets with both ends in the process; all
 * other sockets by name; see kinds.h
 *
 * The kernel tells through NETLINK_SOCK_DIAG which socket is at the other end.
 * Messages are read with MSG_PEEK, which leaves them in their queue.
 */
#include "lib/files/kinds.h"

#include "lib/common/sys.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static int get_option(int fd, int option)
{
    int value = 0;
    socklen_t len = sizeof value;

    if (ckpt_sys(SYS_getsockopt, fd, SOL_SOCKET, option, &value, &len) < 0)
        return -1;
    return value;
}

/* --- names, for refusals ------------------------------------------------- */

static void name_inet(const struct sockaddr_storage *ss, char *text,
                      size_t size)
{
    const struct sockaddr_in *in = (const void *)ss;
    const struct sockaddr_in6 *in6 = (const void *)ss;
    const uint8_t *a = (const void *)&in->sin_addr;

    if (ss->ss_family == AF_INET) {
        snprintf(text, size, "%u.%u.%u.%u:%u", a[0], a[1], a[2], a[3],
                 ntohs(in->sin_port));
        return;
    }
    int n = snprintf(text, size, "[");
    for (int i = 0; i < 16; i += 2)
        n += snprintf(text + n, size - (size_t)n, i ? ":%x" : "%x",
                      in6->sin6_addr.s6_addr[i] << 8 |
                          in6->sin6_addr.s6_addr[i + 1]);
    snprintf(text + n, size - (size_t)n, "]:%u", ntohs(in6->sin6_port));
}

static void name_address(const struct sockaddr_storage *ss, socklen_t len,
                         char *text, size_t size)
{
    const struct sockaddr_un *un = (const void *)ss;

    if (ss->ss_family == AF_INET || ss->ss_family == AF_INET6)
        name_inet(ss, text, size);
    else if (ss->ss_family == AF_UNIX &&
             len > offsetof(struct sockaddr_un, sun_path))
        snprintf(text, size, "%s%.100s", un->sun_path[0] ? "" : "@",
                 un->sun_path[0] ? un->sun_path : un->sun_path + 1);
    else
        snprintf(text, size, "nobody with a name");
}

static const char *family_name(int family, int type)
{
    bool stream = type == SOCK_STREAM,
         inet = family == AF_INET || family == AF_INET6;

    if (inet)
        return stream               ? "a TCP socket"
               : type == SOCK_DGRAM ? "a UDP socket"
                                    : "a raw socket";
    return family == AF_UNIX      ? "a unix socket"
           : family == AF_NETLINK ? "a netlink socket"
           : family == AF_PACKET  ? "a packet socket"
           : family == AF_VSOCK   ? "a vsock socket"
                                  : "a socket";
}

/* "descriptor 7 is a TCP socket to 10.0.0.3:443" */
static int refuse(const struct ckpt_look *l, const struct ckpt_open_file *f)
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof ss;
    char name[128] = "";
    int fd = ckpt_look_fd(l, f);
    const char *kind =
        family_name(get_option(fd, SO_DOMAIN), get_option(fd, SO_TYPE));

    memset(&ss, 0, sizeof ss);
    const char *how = "to";
    long rc = ckpt_sys(SYS_getpeername, fd, &ss, &len);
    if (rc < 0) {
        how =
            get_option(fd, SO_ACCEPTCONN) > 0 ? "that listens at" : "bound to";
        len = sizeof ss;
        rc = ckpt_sys(SYS_getsockname, fd, &ss, &len);
    }
    if (rc == 0)
        name_address(&ss, len, name, sizeof name);
    return ckpt_err_set(l->err, EBUSY, "descriptor %d is %s %s %s", fd, kind,
                        how, name);
}

/* --- pairs --------------------------------------------------------------- */

struct pair_end {
    uint32_t type, peer_ino, shutdown;
};

/* netlink's own macros mix signed and unsigned */
#define ALIGN4(n) (((n) + 3) & ~(size_t)3)
#define ATTR_HEAD ALIGN4(sizeof(struct nlattr))

static bool parse_diag(const uint8_t *buf, size_t n, struct pair_end *end)
{
    const struct nlmsghdr *h = (const void *)buf;
    size_t at = sizeof *h + ALIGN4(sizeof(struct unix_diag_msg));

    if (n < at || h->nlmsg_type != SOCK_DIAG_BY_FAMILY || h->nlmsg_len > n)
        return false;
    while (at + ATTR_HEAD <= h->nlmsg_len) {
        const struct nlattr *a = (const void *)(buf + at);
        if (a->nla_len < ATTR_HEAD || a->nla_len > h->nlmsg_len - at)
            return false;
        if (a->nla_type == UNIX_DIAG_PEER)
            memcpy(&end->peer_ino, buf + at + ATTR_HEAD, 4);
        if (a->nla_type == UNIX_DIAG_SHUTDOWN)
            end->shutdown = buf[at + ATTR_HEAD];
        at += ALIGN4(a->nla_len);
    }
    return true;
}

static bool ask_diag(uint64_t ino, struct pair_end *end)
{
    struct {
        struct nlmsghdr head;
        struct unix_diag_req request;
    } ask = {
        .head = {.nlmsg_len = sizeof ask,
                 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                 .nlmsg_flags = NLM_F_REQUEST},
        .request = {.sdiag_family = AF_UNIX,
                    .udiag_states = ~0u,
                    .udiag_ino = (uint32_t)ino,
                    .udiag_show = UDIAG_SHOW_PEER,
                    .udiag_cookie = {~0u, ~0u}},
    };
    _Alignas(8) uint8_t buf[1024];

    long fd = ckpt_sys(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC,
                       NETLINK_SOCK_DIAG);
    if (fd < 0)
        return false;
    long n = ckpt_sys(SYS_sendto, fd, &ask, sizeof ask, 0, NULL, 0);
    if (n == (long)sizeof ask)
        n = ckpt_sys(SYS_recvfrom, fd, buf, sizeof buf, MSG_DONTWAIT, NULL,
                     NULL);
    ckpt_sys(SYS_close, fd);
    return n > 0 && parse_diag(buf, (size_t)n, end);
}

static bool is_here(const struct ckpt_look *l, const struct ckpt_open_file *f,
                    uint32_t ino)
{
    for (size_t i = 0; i < l->table->nfiles; i++)
        if (l->table->files[i].dev == f->dev && ino != 0 &&
            l->table->files[i].ino == ino)
            return true;
    return false;
}

static bool has_name(int fd)
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof ss;

    return ckpt_sys(SYS_getsockname, fd, &ss, &len) < 0 ||
           len > sizeof(sa_family_t);
}

/* One message, or all the bytes of a stream, at b->at. */
static long peek(int fd, struct ckpt_bytes *b, struct msghdr *m)
{
    struct iovec iov = {b->at, ckpt_bytes_left(b)};

    memset(m, 0, sizeof *m);
    m->msg_iov = &iov;
    m->msg_iovlen = 1;
    return ckpt_sys(SYS_recvmsg, fd, m, MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC);
}

static int put_messages(const struct ckpt_look *l,
                        const struct ckpt_open_file *f, int fd,
                        uint32_t shutdown, struct ckpt_bytes *b)
{
    struct msghdr m;

    for (;;) {
        uint8_t *len_at = b->at;
        ckpt_put_u32(b, 0);
        if (b->failed)
            return 0;
        long n = peek(fd, b, &m);
        /* shut down, the end of the queue reads as an empty message */
        if (n < 0 || (n == 0 && (shutdown & 1))) {
            b->at = len_at;
            return n == -EAGAIN || n >= 0
                       ? 0
                       : ckpt_look_refuse(l, f, "a socket that is broken");
        }
        if (m.msg_flags & MSG_CTRUNC)
            return ckpt_look_refuse(l, f,
                                    "a socket with descriptors in "
                                    "flight");
        if ((m.msg_flags & MSG_TRUNC) || n == 0)
            return ckpt_look_refuse(l, f,
                                    n ? "a socket with too much in it"
                                      : "a socket with an empty message "
                                        "in it");
        struct ckpt_bytes len = ckpt_bytes_over(len_at, 4);
        ckpt_put_u32(&len, (uint32_t)n);
        b->at += n;
    }
}

/* With SO_PEEK_OFF each look goes on where the last one ended. */
static int look_queue(const struct ckpt_look *l, const struct ckpt_open_file *f,
                      const struct pair_end *end, struct ckpt_bytes *b)
{
    int fd = ckpt_look_fd(l, f), was = get_option(fd, SO_PEEK_OFF), zero = 0;

    if (ckpt_sys(SYS_setsockopt, fd, SOL_SOCKET, SO_PEEK_OFF, &zero,
                 sizeof zero) < 0)
        return ckpt_look_refuse(l, f, "a socket that cannot be looked into");
    int rc = put_messages(l, f, fd, end->shutdown, b);
    ckpt_sys(SYS_setsockopt, fd, SOL_SOCKET, SO_PEEK_OFF, &was, sizeof was);
    return rc;
}

static int look_pair(struct ckpt_look *l, struct ckpt_open_file *f,
                     const struct pair_end *end)
{
    int fd = ckpt_look_fd(l, f);
    struct ckpt_bytes b = ckpt_look_begin(l);

    if (get_option(fd, SO_PASSCRED) > 0)
        return ckpt_look_refuse(l, f, "a socket that passes credentials");
    f->kind = CKPT_FILE_SOCKETPAIR;
    ckpt_put_u32(&b, end->type);
    ckpt_put_u32(&b, end->peer_ino);
    ckpt_put_u32(&b, end->shutdown);
    ckpt_put_u32(&b, (uint32_t)get_option(fd, SO_SNDBUF));
    ckpt_put_u32(&b, (uint32_t)get_option(fd, SO_RCVBUF));
    for (int option = SO_RCVTIMEO; option <= SO_SNDTIMEO; option++) {
        struct timeval tv = {0, 0};
        socklen_t len = sizeof tv;
        ckpt_sys(SYS_getsockopt, fd, SOL_SOCKET, option, &tv, &len);
        ckpt_put_u64(&b, (uint64_t)tv.tv_sec * 1000000u + (uint64_t)tv.tv_usec);
    }
    if (look_queue(l, f, end, &b) < 0)
        return -1;
    return ckpt_look_end(l, &b, &f->state);
}

int ckpt_look_socket(struct ckpt_look *l, struct ckpt_open_file *f)
{
    struct pair_end end = {0, 0, 0};
    int fd = ckpt_look_fd(l, f);

    end.type = (uint32_t)get_option(fd, SO_TYPE);
    if (!ckpt_look_inherited(l, f) && get_option(fd, SO_DOMAIN) == AF_UNIX &&
        !has_name(fd) && ask_diag(f->ino, &end) &&
        is_here(l, f, end.peer_ino) && get_option(fd, SO_ACCEPTCONN) == 0)
        return look_pair(l, f, &end);
    if (ckpt_look_given(l, f))
        return 0;
    return refuse(l, f);
}
