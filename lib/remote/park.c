/* park.c - calls that wait at home for ever
 *
 * A READ of a terminal or pipe waits in the shadow until there is something.
 * Its thread waits outside the client's lock, for the connection, for a sign
 * from another thread that took the answer, or for a signal; other threads'
 * calls, and a checkpoint, go on.  A signal whose handler does not restart
 * calls, and a checkpoint, cancel it: what had been read by then is delivered,
 * and otherwise the READ is sent again.
 *
 *     AGAIN --issue--> SENT --answer--> DONE
 *       ^               |
 *       +--- checkpoint-+
 */
#include "lib/remote/wire.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>

enum {
    PARKS = CKPT_SLOTS / 2, /* the others are for calls that end */
    LOOK_MS = 200,          /* should a sign be missed */
    FULL_MS = 20,           /* all PARKS are taken */
    SFD_FLAGS = O_NONBLOCK | O_CLOEXEC,
};

/* --- signals ----------------------------------------------------------------
 */

/* The signals that are pending and not blocked by the program. */
static uint64_t coming(const struct ckpt_call *call)
{
    uint64_t pending = 0, mask;

    memcpy(&mask, &call->uc->uc_sigmask, sizeof mask);
    ckpt_sys(SYS_rt_sigpending, &pending, sizeof pending);
    return pending & ~mask;
}

/* One of them has a handler that does not restart calls. */
static bool interrupts(uint64_t signals)
{
    for (int sig = 1; sig <= 64; sig++) {
        struct ckpt_sigaction action = {0};
        if (!(signals >> (sig - 1) & 1) ||
            ckpt_sys(SYS_rt_sigaction, sig, NULL, &action, 8) != 0)
            continue;
        if (action.handler > (uint64_t)(uintptr_t)SIG_IGN &&
            !(action.flags & SA_RESTART))
            return true;
    }
    return false;
}

/* All signals are blocked; whether one comes is seen by a signalfd. */
static bool poll_with_signals(struct ckpt_call *call, const int *fds, int nfds,
                              int ms)
{
    struct pollfd polls[4];
    uint64_t mask;

    memcpy(&mask, &call->uc->uc_sigmask, sizeof mask);
    mask = ~mask;
    long watch = ckpt_sys(SYS_signalfd4, -1, &mask, sizeof mask, SFD_FLAGS);
    for (int i = 0; i < nfds; i++)
        polls[i] = (struct pollfd){fds[i], POLLIN, 0};
    polls[nfds] = (struct pollfd){(int)watch, POLLIN, 0};
    if (watch < 0)
        ms = FULL_MS;
    ckpt_sys(SYS_poll, polls, nfds + 1, ms);
    if (watch >= 0)
        ckpt_sys(SYS_close, watch);
    return coming(call) != 0;
}

/* Let them in.  0, or -EINTR. */
static long let_in(struct ckpt_call *call)
{
    uint64_t all = ~0ul;
    bool interrupted = interrupts(coming(call));

    ckpt_sys(SYS_rt_sigprocmask, SIG_SETMASK, &call->uc->uc_sigmask, NULL, 8);
    ckpt_sys(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, 8);
    return interrupted ? -EINTR : 0;
}

long ckpt_call_wait(struct ckpt_call *call, int ms)
{
    return poll_with_signals(call, NULL, 0, ms) ? let_in(call) : 0;
}

/* --- under the lock ----------------------------------------------------------
 */

static int parked(void)
{
    int n = 0;

    for (size_t i = 0; i < CKPT_SLOTS; i++)
        n += ckpt_link->slots[i].state == CKPT_SLOT_BUSY &&
             ckpt_link->slots[i].park;
    return n;
}

static bool answer_is_here(void)
{
    struct pollfd p = {ckpt_link->sock, POLLIN, 0};

    return ckpt_channel_pending(ckpt_link->channel) ||
           ckpt_sys(SYS_poll, &p, 1, 0) > 0;
}

static void issue(struct ckpt_park *park)
{
    shadow_read_args args = {park->handle, 0, park->len};

    ckpt_cache_send_all();
    struct ckpt_slot *slot =
        ckpt_wire_begin(SHADOW_READ, (xdrproc_t)xdr_shadow_read_args, &args);
    slot->park = park;
    park->state = CKPT_PARK_SENT;
    ckpt_wire_issue(slot);
}

/* 1 when all places are taken. */
static long step(struct ckpt_call *call)
{
    struct ckpt_park *park = &call->park;
    uint64_t drained;

    ckpt_sys(SYS_read, ckpt_link->wake, &drained, sizeof drained);
    if (park->state == CKPT_PARK_AGAIN) {
        if (parked() >= PARKS)
            return 1;
        issue(park);
    }
    while (park->state == CKPT_PARK_SENT && answer_is_here())
        ckpt_wire_take();
    return 0;
}

void ckpt_park_answered(struct ckpt_park *park, XDR *xdr)
{
    uint64_t one = 1;

    park->result = ckpt_take_data(xdr, park->buf, park->len);
    park->state = CKPT_PARK_DONE;
    ckpt_sys(SYS_write, ckpt_link->wake, &one, sizeof one);
}

/* CANCEL is answered after the READ, whichever way that ended. */
static void cancel(struct ckpt_slot *slot)
{
    struct ckpt_park *park = slot->park;
    shadow_cancel_args args = {(uint32_t)(slot - ckpt_link->slots), slot->seq};

    ckpt_session_call(SHADOW_CANCEL, (xdrproc_t)xdr_shadow_cancel_args, &args,
                      NULL, NULL);
    while (park->state == CKPT_PARK_SENT)
        ckpt_wire_take();
}

static long cancel_one(struct ckpt_call *call)
{
    for (size_t i = 0; i < CKPT_SLOTS; i++) {
        struct ckpt_slot *slot = &ckpt_link->slots[i];
        if (slot->state == CKPT_SLOT_BUSY && slot->park == &call->park)
            cancel(slot);
    }
    return 0;
}

void ckpt_park_cancel_all(void)
{
    for (size_t i = 0; i < CKPT_SLOTS; i++) {
        struct ckpt_slot *slot = &ckpt_link->slots[i];
        struct ckpt_park *park = slot->park;
        if (slot->state != CKPT_SLOT_BUSY || !park)
            continue;
        cancel(slot);
        if (park->result == -EINTR)
            park->state = CKPT_PARK_AGAIN;
    }
}

/* --- the call
 * ------------------------------------------------------------------
 */

/* A handler may jump away for ever, so nothing is in flight when it runs. */
static bool is_over(struct ckpt_call *call)
{
    struct ckpt_park *park = &call->park;

    ckpt_locked(cancel_one, call);
    if (park->state == CKPT_PARK_DONE && park->result != -EINTR)
        return true;
    park->state = CKPT_PARK_AGAIN;
    return false;
}

long ckpt_park_wait(struct ckpt_call *call)
{
    struct ckpt_park *park = &call->park;

    park->state = CKPT_PARK_AGAIN;
    for (;;) {
        bool full = ckpt_locked(step, call) == 1;
        if (park->state == CKPT_PARK_DONE)
            return park->result;
        const int fds[] = {ckpt_link->sock, ckpt_link->wake};
        if (!park->nonblock && !poll_with_signals(call, fds, full ? 0 : 2,
                                                  full ? FULL_MS : LOOK_MS))
            continue;
        if (is_over(call))
            return park->result;
        if (park->nonblock)
            return -EAGAIN;
        if (let_in(call) != 0)
            return -EINTR;
    }
}
