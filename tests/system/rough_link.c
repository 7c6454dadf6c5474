/* rough_link.c - what lies between machines that have a bad day
 *
 *     rough_link SEED PORT COUNT FROM DEVICE...
 *
 * Accepts TCP connections to any address and PORT..PORT+COUNT-1 that is routed
 * to this machine, and passes each on to where it was meant to go: the address
 * A.B.C.N is behind the Nth DEVICE, and is told that FROM calls.  After the
 * first message of each side, which is passed on as it is, the bytes are
 * records of lib/proto/record.h; now and then
 *
 *     one, and all behind it, is held up;
 *     one is repeated;
 *     one changes place with the next;
 *     the connection is cut, perhaps within a record;
 *     the first message of a caller is said again on a connection of its own.
 *
 * At SIGTERM it prints how often; "noticed" are connections which their
 * receiver ended when one of its records was repeated or had changed place,
 * "overlooked" those where it did not, "admitted" first messages said again
 * that led to an answer to what came then.  From SIGUSR1 on it only passes on.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    HELLO = 64,
    HEAD = 4,
    TAG = 16,
    RECORD = HEAD + 65536 + TAG,
    STACK = 1 << 18,
    HOLD_MS = 60,   /* at most */
    SWAP_MS = 2000, /* a record waits this long for the next one */
    END_MS = 20000, /* a receiver must have ended the connection */
    ONE_IN = 300,   /* records, of each kind of harm */
    HELD_ONE_IN = 20,
    SAID_ONE_IN = 10, /* first messages */
};

static struct {
    unsigned long connections, records, held, repeated, swapped, cut, replayed,
        noticed, overlooked, admitted;
} count;

static unsigned seed;
static const char *from;
static char **devices;
static int n_devices;
static bool calm; /* no more harm */

struct link;

struct way {
    struct link *link;
    int in, out;
    bool caller; /* from the one who called */
    unsigned state;
    unsigned char *held; /* to go after the next one */
    size_t held_len;
};

struct link {
    struct way ways[2];
    int users;
    unsigned char hello[HELLO];
    struct sockaddr_in to;
};

static void add(unsigned long *what)
{
    __atomic_add_fetch(what, 1, __ATOMIC_RELAXED);
}

static bool one_in(struct way *w, unsigned n)
{
    return !calm && (unsigned)rand_r(&w->state) % n == 0;
}

static bool get(int fd, unsigned char *at, size_t len)
{
    return recv(fd, at, len, MSG_WAITALL) == (ssize_t)len;
}

static bool put(int fd, const unsigned char *at, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

static void cut(struct link *link)
{
    for (int i = 0; i < 2; i++)
        shutdown(link->ways[i].in, SHUT_RDWR);
}

/* The one who got a bad record ends the connection. */
static void await_end(struct way *w, unsigned long *harm)
{
    struct pollfd p = {w->out, POLLRDHUP, 0};

    add(harm);
    if (poll(&p, 1, END_MS) > 0)
        add(&count.noticed);
    else
        add(&count.overlooked);
    cut(w->link);
}

static int dial(const struct sockaddr_in *to)
{
    struct sockaddr_in self = {.sin_family = AF_INET};
    int n = (int)(ntohl(to->sin_addr.s_addr) & 0xff);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    inet_pton(AF_INET, from, &self.sin_addr);
    if (fd >= 0 && n >= 1 && n <= n_devices &&
        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, devices[n - 1],
                   (socklen_t)strlen(devices[n - 1])) == 0 &&
        bind(fd, (struct sockaddr *)&self, sizeof self) == 0 &&
        connect(fd, (const struct sockaddr *)to, sizeof *to) == 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

/* Whoever says an old first message again gets an answer, but whatever he says
 * then is not heard: he does not know the keys. */
static void replay(struct link *link)
{
    unsigned char junk[HELLO + 1] = {0};
    int fd = dial(&link->to);
    struct pollfd p = {fd, POLLRDHUP, 0};

    if (fd < 0)
        return;
    add(&count.replayed);
    if (put(fd, link->hello, HELLO) && get(fd, junk, HELLO)) {
        junk[0] = 1;
        junk[1] = junk[2] = junk[3] = 0;
        put(fd, junk, HEAD + 1 + TAG);
        if (poll(&p, 1, END_MS) == 0 || recv(fd, junk, sizeof junk, 0) > 0)
            add(&count.admitted);
    }
    close(fd);
}

/* False: the connection is over. */
static bool pass(struct way *w, unsigned char *record, size_t len)
{
    add(&count.records);
    if (one_in(w, HELD_ONE_IN)) {
        add(&count.held);
        usleep((unsigned)rand_r(&w->state) % HOLD_MS * 1000);
    }
    if (one_in(w, ONE_IN)) {
        add(&count.cut);
        put(w->out, record, (unsigned)rand_r(&w->state) % len);
        cut(w->link);
        return false;
    }
    if (one_in(w, ONE_IN)) {
        if (put(w->out, record, len) && put(w->out, record, len))
            await_end(w, &count.repeated);
        return false;
    }
    if (w->held) {
        if (put(w->out, record, len) && put(w->out, w->held, w->held_len))
            await_end(w, &count.swapped);
        return false;
    }
    if (!one_in(w, ONE_IN))
        return put(w->out, record, len);
    struct pollfd p = {w->in, POLLIN, 0};
    w->held = malloc(len);
    if (!w->held)
        return false;
    memcpy(w->held, record, len);
    w->held_len = len;
    if (poll(&p, 1, SWAP_MS) > 0)
        return true;
    free(w->held); /* nothing came to change places with */
    w->held = NULL;
    return put(w->out, record, len);
}

static void pass_all(struct way *w)
{
    unsigned char *record = malloc(RECORD);

    if (!record || !get(w->in, record, HELLO) || !put(w->out, record, HELLO)) {
        free(record);
        return;
    }
    if (w->caller)
        memcpy(w->link->hello, record, HELLO);
    if (w->caller && one_in(w, SAID_ONE_IN))
        replay(w->link);
    while (get(w->in, record, HEAD)) {
        size_t len =
            record[0] | (size_t)record[1] << 8 | (size_t)record[2] << 16;
        if (len > 65536 || !get(w->in, record + HEAD, len + TAG) ||
            !pass(w, record, HEAD + len + TAG))
            break;
    }
    if (w->held)
        put(w->out, w->held, w->held_len);
    free(w->held);
    free(record);
}

static void *run_way(void *arg)
{
    struct way *w = arg;
    struct link *link = w->link;

    pass_all(w);
    shutdown(w->out, SHUT_WR);
    if (__atomic_sub_fetch(&link->users, 1, __ATOMIC_ACQ_REL) == 0) {
        close(link->ways[0].in);
        close(link->ways[1].in);
        free(link);
    }
    return NULL;
}

static void *run_link(void *arg)
{
    struct link *link = arg;
    int there = dial(&link->to);
    pthread_attr_t small;
    pthread_t thread;

    if (there < 0) {
        close(link->ways[0].in);
        free(link);
        return NULL;
    }
    link->users = 2;
    link->ways[0].out = link->ways[1].in = there;
    link->ways[1].out = link->ways[0].in;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK);
    pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &small, run_way, &link->ways[1]) != 0)
        abort();
    return run_way(&link->ways[0]);
}

static void take(int listener)
{
    struct link *link = calloc(1, sizeof *link);
    socklen_t len = sizeof link->to;
    pthread_attr_t small;
    pthread_t thread;
    int one = 1;

    if (!link)
        abort();
    int fd = accept(listener, NULL, NULL);
    if (fd < 0 || getsockname(fd, (struct sockaddr *)&link->to, &len) < 0) {
        free(link);
        return;
    }
    add(&count.connections);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    for (unsigned i = 0; i < 2; i++)
        link->ways[i] = (struct way){
            .link = link, .in = fd, .caller = i == 0, .state = seed++};
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK);
    pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &small, run_link, link) != 0)
        abort();
}

static int listen_at(int port)
{
    struct sockaddr_in any = {.sin_family = AF_INET,
                              .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof any) == 0 &&
        listen(fd, 256) == 0)
        return fd;
    perror("listen");
    exit(1);
}

static void tell(void)
{
    printf("%lu connections, %lu records: %lu held up, %lu repeated, %lu "
           "swapped, %lu cut, %lu first messages said again; %lu noticed, %lu "
           "overlooked, %lu admitted\n",
           count.connections, count.records, count.held, count.repeated,
           count.swapped, count.cut, count.replayed, count.noticed,
           count.overlooked, count.admitted);
    fflush(stdout);
}

static void on_signal(int sig)
{
    if (sig == SIGUSR1) {
        calm = true;
        return;
    }
    tell();
    _exit(0);
}

int main(int argc, char **argv)
{
    struct pollfd *fds;
    struct rlimit files;
    int n;

    if (argc < 6)
        return 2;
    seed = (unsigned)atoi(argv[1]);
    n = atoi(argv[3]);
    from = argv[4];
    devices = argv + 5;
    n_devices = argc - 5;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, on_signal);
    signal(SIGUSR1, on_signal);
    fds = calloc((size_t)n, sizeof *fds);
    for (int i = 0; i < n; i++)
        fds[i] = (struct pollfd){listen_at(atoi(argv[2]) + i), POLLIN, 0};
    for (;;)
        if (poll(fds, (nfds_t)n, -1) > 0)
            for (int i = 0; i < n; i++)
                if (fds[i].revents)
                    take(fds[i].fd);
}
