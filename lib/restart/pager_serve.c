/* pager_serve.c - see pager.h: the pager at work
 *
 * One thread answers faults, the others bring what nobody has asked for yet,
 * from where the last fault was.  A chunk is a unit (load.h): read, checked and
 * unpacked once, by whoever claims it first, then copied to all its places.
 */
#include "lib/capture/lazy.h"
#include "lib/common/fdpass.h"
#include "lib/image/format.h"
#include "lib/image/workers.h"
#include "lib/restart/pager.h"

#include <errno.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WORKERS_MAX = 8, EVENTS = 16 };
enum unit_state { UNIT_OPEN, UNIT_CLAIMED, UNIT_DONE };

/* Where the parts go, in order of address. */
struct place {
    uint64_t start, len;
    size_t unit;
};

struct pager {
    const struct ckpt_load *load;
    struct place *places;
    _Atomic uint8_t *states; /* of the units */
    _Atomic size_t cursor;   /* unit to go on with */
    _Atomic size_t done;     /* so many units */
    const struct ckpt_span *spans;
    size_t nspans;
    int sock, uffd, wake;
    pthread_mutex_t lock; /* of the word */
    struct ckpt_lazy_word word;
    bool failed;
};

/* Wake the thread that answers: there is something to say. */
static void call(const struct pager *p)
{
    uint64_t one = 1;

    if (write(p->wake, &one, sizeof one) < 0)
        _exit(1); /* the program is told by the end of the socket */
}

static void fail(struct pager *p, int errnum, const struct ckpt_err *err)
{
    pthread_mutex_lock(&p->lock);
    if (!p->failed) {
        p->failed = true;
        p->word.error = errnum ? errnum : EIO;
        snprintf(p->word.cause, sizeof p->word.cause, "%.*s",
                 (int)sizeof p->word.cause - 1, err->text);
    }
    pthread_mutex_unlock(&p->lock);
    call(p);
}

/* --- into the program's memory ------------------------------------------- */

/* The program has gone, or a page was there before what belongs in it. */
static int copy_failed(uint64_t at, int errnum, struct ckpt_err *err)
{
    if (errnum == ESRCH)
        _exit(0);
    errno = errnum;
    return ckpt_err_sys(err, "cannot load memory at %#llx",
                        (unsigned long long)at);
}

/* Mappings may have been divided since (madvise): then page by page. */
static int copy(const struct pager *p, uint64_t to, const uint8_t *from,
                uint64_t len, struct ckpt_err *err)
{
    uint64_t most = len;

    while (len > 0) {
        struct uffdio_copy c = {.dst = to,
                                .src = (uint64_t)(uintptr_t)from,
                                .len = len < most ? len : most};
        int rc = ioctl(p->uffd, UFFDIO_COPY, &c);
        uint64_t n = rc == 0 ? c.len : c.copy > 0 ? (uint64_t)c.copy : 0;
        if (rc < 0 && errno == ENOENT && c.len > CKPT_IMAGE_PAGE)
            most = CKPT_IMAGE_PAGE;
        else if (rc < 0 && errno != EAGAIN)
            return copy_failed(to, errno, err);
        to += n;
        from += n;
        len -= n;
    }
    return 0;
}

/* Between the pieces there are zeros. */
static void give_zeros(struct pager *p, uint64_t at)
{
    struct uffdio_zeropage z = {.range = {at, CKPT_IMAGE_PAGE}};
    struct ckpt_err err = {""};
    int rc;

    while ((rc = ioctl(p->uffd, UFFDIO_ZEROPAGE, &z)) < 0 && errno == EAGAIN)
        ;
    if (rc < 0 && errno == EEXIST) /* two threads have asked */
        ioctl(p->uffd, UFFDIO_WAKE, &z.range);
    else if (rc < 0 && copy_failed(at, errno, &err) < 0)
        fail(p, errno, &err);
}

/* --- units --------------------------------------------------------------- */

static bool claim(struct pager *p, size_t i)
{
    uint8_t open = UNIT_OPEN;

    return atomic_compare_exchange_strong(&p->states[i], &open, UNIT_CLAIMED);
}

static void bring(struct pager *p, size_t i, struct ckpt_load_room *room)
{
    const struct ckpt_load_unit *u = &p->load->units[i];
    const struct ckpt_load_part *part = p->load->parts + u->first;
    struct ckpt_err err = {""};
    int rc = ckpt_load_read(p->load, i, room, &err);

    for (size_t k = 0; rc == 0 && k < u->count; k++)
        rc = copy(p, part[k].to, room->chunk + part[k].skip, part[k].len, &err);
    if (rc < 0) {
        fail(p, errno, &err);
        return;
    }
    atomic_store(&p->states[i], UNIT_DONE);
    if (atomic_fetch_add(&p->done, 1) + 1 == p->load->nunits)
        call(p);
}

/* A unit that nobody has begun, from the cursor on; false when there is
 * none. */
static bool claim_next(struct pager *p, size_t *unit)
{
    size_t n = p->load->nunits, start = atomic_load(&p->cursor);

    for (size_t k = 0; k < n; k++) {
        *unit = (start + k) % n;
        if (claim(p, *unit)) {
            atomic_store(&p->cursor, *unit + 1);
            return true;
        }
    }
    return false;
}

static void *work(void *arg)
{
    struct pager *p = arg;
    struct ckpt_load_room room;
    struct ckpt_err err = {""};
    size_t unit;

    if (ckpt_load_room_make(&room, p->load, &err) < 0) {
        fail(p, errno, &err);
        return NULL;
    }
    while (claim_next(p, &unit))
        bring(p, unit, &room);
    ckpt_load_room_clear(&room);
    return NULL;
}

/* --- faults -------------------------------------------------------------- */

static const struct place *find_place(const struct pager *p, uint64_t at)
{
    size_t low = 0, high = p->load->nparts;

    while (low < high) {
        size_t mid = (low + high) / 2;
        if (p->places[mid].start + p->places[mid].len <= at)
            low = mid + 1;
        else
            high = mid;
    }
    return low < p->load->nparts && p->places[low].start <= at ? &p->places[low]
                                                               : NULL;
}

static void answer(struct pager *p, uint64_t at, struct ckpt_load_room *room)
{
    const struct place *place = find_place(p, at);

    if (!place) {
        give_zeros(p, at);
        return;
    }
    if (claim(p, place->unit)) {
        atomic_store(&p->cursor, place->unit + 1);
        bring(p, place->unit, room);
    } else if (atomic_load(&p->states[place->unit]) == UNIT_DONE) {
        struct uffdio_range page = {at, CKPT_IMAGE_PAGE};
        ioctl(p->uffd, UFFDIO_WAKE, &page);
    }
}

static void answer_all(struct pager *p, struct ckpt_load_room *room)
{
    struct uffd_msg events[EVENTS];
    ssize_t n = read(p->uffd, events, sizeof events);

    for (size_t i = 0; n > 0 && i < (size_t)n / sizeof events[0]; i++)
        if (events[i].event == UFFD_EVENT_PAGEFAULT)
            answer(p,
                   events[i].arg.pagefault.address &
                       ~(uint64_t)(CKPT_IMAGE_PAGE - 1),
                   room);
}

/* --- from the beginning to the end --------------------------------------- */

static int receive_uffd(int sock)
{
    int fd = ckpt_fd_receive(sock);

    if (fd < 0)
        _exit(0); /* the restarter has given up, or does without */
    return fd;
}

/* The memory is in place: from now on whoever touches it waits. */
static void take_over(struct pager *p)
{
    char byte;

    if (read(p->sock, &byte, 1) != 1)
        _exit(0);
    for (size_t i = 0; i < p->nspans; i++) {
        const struct ckpt_span *s = &p->spans[i];
        struct uffdio_register r = {.range = {s->start, s->end - s->start},
                                    .mode = UFFDIO_REGISTER_MODE_MISSING};
        if (ioctl(p->uffd, UFFDIO_REGISTER, &r) < 0)
            _exit(1); /* the end of the socket says it */
    }
    if (ckpt_pager_send(p->sock, 'r', -1) < 0 ||
        ckpt_pager_send(p->sock, 'u', p->uffd) < 0)
        _exit(0);
}

/* All is there: the memory is like any other again. */
static void finish(struct pager *p)
{
    for (size_t i = 0; i < p->nspans; i++) {
        struct uffdio_range r = {p->spans[i].start,
                                 p->spans[i].end - p->spans[i].start};
        struct ckpt_err err = {""};
        if (ioctl(p->uffd, UFFDIO_UNREGISTER, &r) < 0) {
            ckpt_err_sys(&err, "cannot release memory at %#llx",
                         (unsigned long long)r.start);
            fail(p, errno, &err);
            return;
        }
    }
}

/* Say what has come of it; when it was failure, stay: pages that are there
 * are needed to end with a message. */
static void tell(struct pager *p)
{
    uint64_t count;

    if (read(p->wake, &count, sizeof count) < 0)
        return;
    if (!p->failed)
        finish(p);
    if (send(p->sock, &p->word, sizeof p->word, MSG_NOSIGNAL) < 0 || !p->failed)
        _exit(0);
}

static _Noreturn void run(struct pager *p, struct ckpt_load_room *room)
{
    struct pollfd polls[] = {{.fd = p->uffd, .events = POLLIN},
                             {.fd = p->wake, .events = POLLIN},
                             {.fd = p->sock, .events = POLLIN}};

    for (;;) {
        if (poll(polls, 3, -1) < 0 && errno != EINTR)
            _exit(1);
        if (polls[2].revents) /* the program has ended */
            _exit(0);
        if (polls[0].revents)
            answer_all(p, room);
        if (polls[1].revents)
            tell(p);
    }
}

static int compare(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    return x->start < y->start ? -1 : x->start > y->start;
}

static int prepare(struct pager *p)
{
    const struct ckpt_load *load = p->load;

    p->places = calloc(load->nparts + 1, sizeof *p->places);
    p->states = calloc(load->nunits + 1, sizeof *p->states);
    p->wake = eventfd(0, EFD_CLOEXEC);
    if (!p->places || !p->states || p->wake < 0)
        return -1;
    for (size_t i = 0; i < load->nunits; i++)
        for (size_t k = load->units[i].first;
             k < load->units[i].first + load->units[i].count; k++)
            p->places[k] =
                (struct place){load->parts[k].to, load->parts[k].len, i};
    qsort(p->places, load->nparts, sizeof *p->places, compare);
    return 0;
}

void ckpt_pager_serve(int sock, const struct ckpt_load *load,
                      const struct ckpt_span *spans, size_t nspans)
{
    struct pager p = {.load = load,
                      .spans = spans,
                      .nspans = nspans,
                      .sock = sock,
                      .lock = PTHREAD_MUTEX_INITIALIZER};
    struct ckpt_load_room room;
    pthread_t thread;

    if (prepare(&p) < 0 || ckpt_load_room_make(&room, load, NULL) < 0)
        _exit(1);
    p.uffd = receive_uffd(sock);
    take_over(&p);
    for (unsigned n = ckpt_workers_cpus(), i = 0; i < n && i < WORKERS_MAX; i++)
        if (pthread_create(&thread, NULL, work, &p) != 0 && i == 0)
            _exit(1);
    run(&p, &room);
}
