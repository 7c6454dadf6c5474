/* keeper.c - see keeper.h */
#include "lib/keep/keeper.h"

#include "lib/keep/calls.h"
#include "lib/keep/protocol.h"
#include "lib/keep/states.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, uint64_t)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP 1ul
#endif

enum { GATES = 16 };

struct keeper {
    struct ckpt_keep *keep;
    struct journal *journal;
    struct keep_states states;
    int listener;
    size_t committed; /* so many of the states have an image */
    uint64_t gates[GATES];
    unsigned ngates;
};

static void say(const struct keeper *k, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void say(const struct keeper *k, const char *fmt, ...)
{
    va_list ap;

    if (!k->keep->log[0])
        return;
    FILE *out = fopen(k->keep->log, "ae");
    if (!out)
        return;
    va_start(ap, fmt);
    vfprintf(out, fmt, ap);
    va_end(ap);
    fputc('\n', out);
    fclose(out);
}

static void lose(struct keeper *k, const char *why)
{
    say(k, "files are not kept until the next checkpoint: %s", why);
    journal_lose(k->journal, why);
}

static void init_call(const struct keeper *k, struct keep_call *call,
                      const struct seccomp_notif *n)
{
    call->journal = k->journal;
    call->limit = k->keep->limit;
    call->tid = (pid_t)n->pid;
    call->nr = n->data.nr;
    for (int i = 0; i < 6; i++)
        call->arg[i] = n->data.args[i];
    call->err.text[0] = '\0';
}

/* --- what libckpt says --------------------------------------------------- */

static void keep_what_is_mapped(struct keeper *k, const struct seccomp_notif *n)
{
    struct keep_call call;

    init_call(k, &call, n);
    if (!journal_is_lost(k->journal) && keep_mapped(&call) < 0)
        lose(k, call.err.text);
}

/* A restarted program has its mappings before it is watched. */
static int64_t hello(struct keeper *k, const struct seccomp_notif *n)
{
    uint64_t gate = n->data.args[2];

    keep_what_is_mapped(k, n);
    for (unsigned i = 0; i < k->ngates; i++)
        if (k->gates[i] == gate)
            return 0;
    if (k->ngates == GATES) /* old ones belong to programs that have ended */
        memmove(k->gates, k->gates + 1, --k->ngates * sizeof k->gates[0]);
    k->gates[k->ngates++] = gate;
    return 0;
}

static int64_t begin(struct keeper *k, const struct seccomp_notif *n)
{
    struct keep_call call;
    uint8_t id[CKPT_ID_LEN];
    uint32_t number;

    init_call(k, &call, n);
    if (journal_begin(k->journal, &number, &call.err) < 0)
        goto fail;
    keep_what_is_mapped(k, n);
    memcpy(id, &call.arg[2], sizeof id);
    if (keep_states_add(&k->states, number, id) < 0 ||
        keep_states_write(k->keep->dir, &k->states, &call.err) < 0)
        goto fail;
    return number;
fail:
    say(k, "no new state of the files: %s", call.err.text);
    return -EIO;
}

/* The last state has its image now.  Those between it and the one before never
 * got theirs. */
static int64_t commit(struct keeper *k, uint64_t images)
{
    struct ckpt_err err;
    struct keep_states *states = &k->states;

    if (states->count <= k->committed)
        return -EINVAL;
    states->all[k->committed] = states->all[states->count - 1];
    states->count = ++k->committed;
    if (images == 0 || states->count <= images)
        return 0;
    size_t first = states->count - (size_t)images;
    uint32_t from = states->all[first].number;
    memmove(states->all, states->all + first, images * sizeof *states->all);
    k->committed = states->count = (size_t)images;
    if (keep_states_write(k->keep->dir, states, &err) < 0 ||
        journal_prune(k->journal, from, &err) < 0)
        say(k, "older states of the files stay: %s", err.text);
    return 0;
}

static int64_t answer(struct keeper *k, const struct seccomp_notif *n)
{
    const __u64 *arg = n->data.args;
    struct stat st = {.st_nlink = 2};

    switch ((enum ckpt_keep_op)arg[1]) {
    case CKPT_KEEP_HELLO:
        return hello(k, n);
    case CKPT_KEEP_BEGIN:
        return begin(k, n);
    case CKPT_KEEP_COMMIT:
        return commit(k, arg[2]);
    case CKPT_KEEP_LINKS:
        st.st_dev = arg[2];
        st.st_ino = arg[3];
        return journal_links(k->journal, &st);
    }
    return -EINVAL;
}

/* --- calls --------------------------------------------------------------- */

static bool from_gate(const struct keeper *k, const struct seccomp_notif *n)
{
    for (unsigned i = 0; i < k->ngates; i++)
        if (k->gates[i] == n->data.instruction_pointer)
            return true;
    return false;
}

static void handle(struct keeper *k, const struct seccomp_notif *n,
                   struct seccomp_notif_resp *r)
{
    struct keep_call call;

    r->id = n->id;
    if (n->data.nr == SYS_prctl) {
        r->val = answer(k, n);
        r->error = r->val < 0 ? (int32_t)r->val : 0;
        return;
    }
    if (n->data.nr == SYS_io_setup && !from_gate(k, n)) {
        r->error = -ENOSYS; /* its writes would not be seen */
        return;
    }
    r->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    if (from_gate(k, n) || journal_is_lost(k->journal))
        return;
    init_call(k, &call, n);
    if (keep_call(&call) < 0)
        lose(k, call.err.text);
}

/* A call that was interrupted, or whose thread was killed, is ENOENT. */
static int serve_one(struct keeper *k)
{
    struct seccomp_notif n;
    struct seccomp_notif_resp r;

    memset(&n, 0, sizeof n);
    memset(&r, 0, sizeof r);
    if (ioctl(k->listener, SECCOMP_IOCTL_NOTIF_RECV, &n) < 0)
        return errno == ENOENT || errno == EINTR ? 0 : -1;
    handle(k, &n, &r);
    if (ioctl(k->listener, SECCOMP_IOCTL_NOTIF_SEND, &r) < 0 && errno != ENOENT)
        return -1;
    return 0;
}

static void serve_all(struct keeper *k)
{
    struct pollfd p = {.fd = k->listener, .events = POLLIN};

    /* the answerer runs on the asker's processor: Linux 6.6, else slower */
    (void)ioctl(k->listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS,
                SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
    for (;;) {
        int rc = poll(&p, 1, -1);
        if (rc < 0 && errno != EINTR)
            return;
        if (rc > 0 && !(p.revents & POLLIN))
            return; /* POLLHUP: all have ended */
        if (rc > 0 && serve_one(k) < 0)
            return;
    }
}

static int receive_listener(int sock)
{
    char byte, control[CMSG_SPACE(sizeof(int))];
    struct iovec io = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &io,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof control,
    };
    int fd = -1;

    ssize_t n = recvmsg(sock, &message, MSG_CMSG_CLOEXEC);
    struct cmsghdr *head = n == 1 ? CMSG_FIRSTHDR(&message) : NULL;
    if (head && head->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(head), sizeof fd);
    return fd;
}

void keep_serve(struct ckpt_keep *keep, struct journal *journal)
{
    struct keeper k = {.keep = keep, .journal = journal};
    struct ckpt_err err;

    k.listener = receive_listener(keep->sock);
    if (k.listener < 0)
        return; /* the program was not started after all */
    close(keep->sock);
    keep->sock = -1;
    if (keep_states_read(keep->dir, &k.states, &err) < 0)
        lose(&k, err.text);
    k.committed = k.states.count;
    serve_all(&k);
    if (!journal_is_lost(journal))
        journal_settle(journal);
    keep_states_clear(&k.states);
}
