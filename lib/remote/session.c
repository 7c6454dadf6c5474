/* session.c - the connection to the shadow
 *
 * The program never sees an outage: a call waits until the shadow is back,
 * the session is bound again and what was in flight has been sent again, in
 * the order of issue; the shadow answers from its slots what it had done
 * already.  Only a shadow that serves a newer incarnation of the job ends
 * this one.
 */
#include "lib/common/io.h"
#include "lib/remote/wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum {
    HANDSHAKE_MS = 5000,
    RETRY_MS_MIN = 50,
    RETRY_MS_MAX = 1000,
    DEAD_PEER_MS = 20000,
    FIRST_PAUSE_MS = 200, /* the shadow may just have been killed */
    FIRST_TRIES = 150,
    EXIT_SUPERSEDED = 125,
    LOOKS = 200, /* for an answer: a call's time on a quiet line */
};

void ckpt_session_die(const char *why)
{
    char line[256];

    int n = snprintf(
        line, sizeof line, "libckpt: job %llu, incarnation %u ends: %s\n",
        (unsigned long long)ckpt_link->boot.job, ckpt_link->boot.epoch, why);
    if (ckpt_link->message >= 0)
        ckpt_write_full(ckpt_link->message, line, (size_t)n);
    for (;;)
        ckpt_sys(SYS_exit_group, EXIT_SUPERSEDED);
}

static void set_option(int fd, int level, int option, int value)
{
    ckpt_sys(SYS_setsockopt, fd, level, option, &value, sizeof value);
}

/* A peer that is gone without a word is noticed in DEAD_PEER_MS. */
static void watch_peer(int fd)
{
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 10);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 5);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, DEAD_PEER_MS);
}

static socklen_t boot_address(struct sockaddr_storage *address)
{
    const struct ckpt_boot *boot = &ckpt_link->boot;
    struct sockaddr_in *v4 = (struct sockaddr_in *)address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;

    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, boot->host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(boot->port);
        return sizeof *v4;
    }
    if (inet_pton(AF_INET6, boot->host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(boot->port);
        return sizeof *v6;
    }
    return 0;
}

/* A connected socket at a hidden descriptor, or -1 with errno. */
static int dial(struct ckpt_err *err)
{
    struct sockaddr_storage address;
    struct timeval limit = {.tv_sec = 5}, none = {0, 0};

    socklen_t len = boot_address(&address);
    if (len == 0)
        return ckpt_err_set(err, EINVAL, "%s is not a numeric address",
                            ckpt_link->boot.host);
    long fd =
        ckpt_sys(SYS_socket, address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        fd = ckpt_fd_hide((int)fd);
    if (ckpt_sys_errno(fd) < 0)
        return ckpt_err_sys(err, "cannot make a socket");
    ckpt_sys(SYS_setsockopt, fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    long rc = ckpt_sys(SYS_connect, fd, &address, len);
    ckpt_sys(SYS_setsockopt, fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof none);
    watch_peer((int)fd);
    if (rc < 0) {
        ckpt_fd_unhide((int)fd);
        errno = (int)-rc;
        return ckpt_err_sys(err, "cannot reach the shadow at %s:%u",
                            ckpt_link->boot.host, ckpt_link->boot.port);
    }
    return (int)fd;
}

static void hang_up(void)
{
    if (ckpt_link->channel)
        ckpt_channel_close(ckpt_link->channel);
    ckpt_link->channel = NULL;
    if (ckpt_link->sock >= 0)
        ckpt_fd_forget(ckpt_link->sock);
    ckpt_link->sock = -1;
}

static int handshake(struct ckpt_err *err)
{
    uint8_t prologue[CKPT_CHANNEL_PROLOGUE_MAX];
    struct ckpt_channel *channel = (void *)ckpt_link->channel_memory;

    int fd = dial(err);
    if (fd < 0)
        return -1;
    size_t len = ckpt_boot_prologue(&ckpt_link->boot, prologue);
    if (ckpt_channel_connect(channel, fd, ckpt_link->boot.token, prologue, len,
                             HANDSHAKE_MS, err) != 0) {
        int errnum = errno;
        ckpt_fd_unhide(fd);
        errno = errnum;
        return -1;
    }
    if (ckpt_link->boot.plain)
        ckpt_channel_go_plain(channel);
    ckpt_channel_stay_awake(channel, LOOKS);
    ckpt_link->sock = fd;
    ckpt_link->channel = channel;
    ckpt_link->rtt_tsc = 0;
    return 0;
}

static int bind_refused(int status, struct ckpt_err *err)
{
    if (status == ESTALE || status == EACCES || status == EPERM)
        return ckpt_err_set(err, EACCES,
                            "the shadow serves a newer incarnation");
    return ckpt_err_set(err, status > 0 ? status : EPROTO,
                        "the shadow refuses the session (error %d)", status);
}

static int bind_session(struct ckpt_err *err)
{
    uint8_t record[256];
    shadow_bind_args args = {.role = SHADOW_ROLE_JOB};
    shadow_bind_res res = {.status = EPROTO};
    XDR xdr;

    memcpy(args.session, ckpt_link->session, SHADOW_ID_LEN);
    uint32_t xid = ++ckpt_link->next_xid;
    uint32_t len = ckpt_wire_encode(record, xid, 0, 0, SHADOW_BIND,
                                    (xdrproc_t)xdr_shadow_bind_args, &args);
    if (ckpt_wire_send(record, len) != 0 || ckpt_wire_receive() != 0)
        return ckpt_err_sys(err, "no answer from the shadow");
    if (ckpt_wire_xid() != xid || ckpt_wire_open(&xdr) != 0 ||
        !xdr_shadow_bind_res(&xdr, &res))
        return ckpt_err_set(err, EPROTO, "the shadow's answer makes no sense");
    if (res.status != 0)
        return bind_refused(res.status, err);
    const shadow_bind_ok *ok = &res.shadow_bind_res_u.ok;
    if (ok->slots < CKPT_SLOTS)
        return ckpt_err_set(err, EPROTO, "the shadow gives only %u slots",
                            ok->slots);
    memcpy(ckpt_link->session, ok->session, SHADOW_ID_LEN);
    return 0;
}

int ckpt_session_open(struct ckpt_err *err)
{
    hang_up();
    if (handshake(err) != 0)
        return -1;
    if (bind_session(err) != 0) {
        int errnum = errno;
        hang_up();
        errno = errnum;
        return -1;
    }
    return 0;
}

/* An outage: nobody is there, or not any more.  Everything else stays wrong. */
static bool may_pass(int errnum)
{
    return errnum != EACCES && errnum != EINVAL && errnum != EPROTO;
}

int ckpt_session_open_waiting(struct ckpt_err *err)
{
    struct timespec pause = {0, FIRST_PAUSE_MS * 1000000L};

    for (int tries = FIRST_TRIES; ckpt_session_open(err) != 0; tries--) {
        if (tries == 0 || !may_pass(errno))
            return -1;
        ckpt_sys(SYS_nanosleep, &pause, NULL);
    }
    return 0;
}

/* The busy slot that was issued first after `order`. */
static struct ckpt_slot *next_busy(uint64_t order)
{
    struct ckpt_slot *next = NULL;

    for (size_t i = 0; i < CKPT_SLOTS; i++) {
        struct ckpt_slot *slot = &ckpt_link->slots[i];
        if (slot->state == CKPT_SLOT_BUSY && slot->order > order &&
            (!next || slot->order < next->order))
            next = slot;
    }
    return next;
}

static int send_again(void)
{
    uint64_t order = 0;
    struct ckpt_slot *slot;

    while ((slot = next_busy(order))) {
        if (ckpt_wire_send(slot->record, slot->len) != 0)
            return -1;
        order = slot->order;
    }
    return 0;
}

void ckpt_session_recover(void)
{
    long pause_ms = RETRY_MS_MIN;
    struct ckpt_err err;

    for (;;) {
        if (ckpt_session_open(&err) == 0 && send_again() == 0)
            return;
        if (errno == EACCES)
            ckpt_session_die(
                "the shadow does not accept it any more: a newer "
                "incarnation has been started, or the job is over");
        struct timespec pause = {0, pause_ms * 1000000};
        if (pause_ms == RETRY_MS_MAX)
            pause = (struct timespec){1, 0};
        ckpt_sys(SYS_nanosleep, &pause, NULL);
        pause_ms = pause_ms * 2 > RETRY_MS_MAX ? RETRY_MS_MAX : pause_ms * 2;
    }
}

void ckpt_session_log(const char *text)
{
    shadow_log_args args = {(char *)(uintptr_t)text};

    ckpt_wire_issue(
        ckpt_wire_begin(SHADOW_LOG, (xdrproc_t)xdr_shadow_log_args, &args));
}

void ckpt_session_close(void)
{
    hang_up();
}
