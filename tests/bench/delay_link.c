/* delay_link.c - a TCP connection over a line of given speed and length
 *
 *     delay_link DELAY_MS MBIT HOST PORT
 *
 * Listens on loopback, prints its port, and passes every connection on to
 * HOST:PORT: each direction delivers what it took DELAY_MS later, and takes no
 * more than MBIT million bits a second.  Ends when its standard input does.
 * A proxy, not a network: each side's TCP sees loopback, so the start of a
 * connection costs the round trips of its own messages only.
 */
#include "lib/proto/dial.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* What is on its way: more than MBIT * DELAY_MS of any line we draw. */
enum { CHUNK = 1 << 14, CHUNKS = 512 };

struct chunk {
    double due;
    size_t len;
    char bytes[CHUNK];
};

/* One direction; a ring between two threads. */
struct way {
    int from, to;
    pthread_mutex_t lock;
    pthread_cond_t change;
    unsigned head, tail;
    struct chunk ring[CHUNKS];
};

static double delay_s, bytes_per_s;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void sleep_until(double when)
{
    struct timespec t = {(time_t)when,
                         (long)((when - (double)(time_t)when) * 1e9)};

    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static struct chunk *ring_room(struct way *w)
{
    pthread_mutex_lock(&w->lock);
    while (w->head - w->tail == CHUNKS)
        pthread_cond_wait(&w->change, &w->lock);
    pthread_mutex_unlock(&w->lock);
    return &w->ring[w->head % CHUNKS];
}

static void ring_put(struct way *w)
{
    pthread_mutex_lock(&w->lock);
    w->head++;
    pthread_cond_broadcast(&w->change);
    pthread_mutex_unlock(&w->lock);
}

static struct chunk *ring_first(struct way *w)
{
    pthread_mutex_lock(&w->lock);
    while (w->head == w->tail)
        pthread_cond_wait(&w->change, &w->lock);
    pthread_mutex_unlock(&w->lock);
    return &w->ring[w->tail % CHUNKS];
}

static void ring_take(struct way *w)
{
    pthread_mutex_lock(&w->lock);
    w->tail++;
    pthread_cond_broadcast(&w->change);
    pthread_mutex_unlock(&w->lock);
}

/* An empty chunk is the end. */
static void *take_in(void *arg)
{
    struct way *w = arg;
    double line_free = 0;
    ssize_t n;

    do {
        struct chunk *c = ring_room(w);
        n = recv(w->from, c->bytes, CHUNK, 0);
        double at = now();
        if (line_free < at)
            line_free = at;
        c->len = n > 0 ? (size_t)n : 0;
        line_free += (double)c->len / bytes_per_s;
        c->due = line_free + delay_s;
        ring_put(w);
    } while (n > 0);
    return NULL;
}

static void *give_out(void *arg)
{
    struct way *w = arg;
    size_t len;

    do {
        struct chunk *c = ring_first(w);
        len = c->len;
        sleep_until(c->due);
        for (size_t done = 0; done < len;) {
            ssize_t n = send(w->to, c->bytes + done, len - done, MSG_NOSIGNAL);
            if (n <= 0)
                break;
            done += (size_t)n;
        }
        ring_take(w);
    } while (len > 0);
    shutdown(w->to, SHUT_WR);
    return NULL;
}

static void start_way(int from, int to)
{
    struct way *w = calloc(1, sizeof *w);
    pthread_t thread;

    if (!w)
        exit(1);
    w->from = from;
    w->to = to;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->change, NULL);
    pthread_create(&thread, NULL, take_in, w);
    pthread_detach(thread);
    pthread_create(&thread, NULL, give_out, w);
    pthread_detach(thread);
}

int main(int argc, char **argv)
{
    uint16_t port;
    char gone;

    if (argc != 5)
        return 2;
    delay_s = atof(argv[1]) / 1e3;
    bytes_per_s = atof(argv[2]) * 1e6 / 8;
    int listener = ckpt_proto_listen("127.0.0.1", 0, &port, NULL);
    if (listener < 0)
        return 1;
    printf("%u\n", port);
    fflush(stdout);
    for (;;) {
        struct pollfd p[2] = {{listener, POLLIN, 0}, {0, POLLIN, 0}};
        poll(p, 2, -1);
        if (p[1].revents && read(0, &gone, 1) <= 0)
            return 0;
        int here = accept(listener, NULL, NULL), one = 1;
        if (here < 0)
            continue;
        int there =
            ckpt_proto_connect(argv[3], (uint16_t)atoi(argv[4]), 5000, NULL);
        setsockopt(here, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (there < 0) {
            close(here);
            continue;
        }
        start_way(here, there);
        start_way(there, here);
    }
}
