/* wire.c - calls to the shadow: slots, records, answers
 *
 * A call's encoded record stays in its slot until the answer has come.  All
 * calls go over one connection, and the shadow carries them out in the order
 * in which they were sent; so a READ sent after a WRITE sees its bytes without
 * waiting for the WRITE's answer.  WRITE, CLOSE, LOG, IMAGE_PUT and READ ahead
 * are left in flight; the shadow goes on reading while its answers wait to be
 * taken, so neither side can block the other.
 *
 * Why this is not lib/proto's RPC client: that one sends straight from the
 * caller's memory and forgets, and keeps its state with malloc.  Here a record
 * must outlive its call, to be sent again over another connection; xid, slot
 * and sequence number are the session's; and everything lies in memory that no
 * image contains.  What both need is shared: the channel and shadow.x.
 *
 * libtirpc's xdr_ routines neither allocate nor lock when they encode, nor
 * when they decode into pointers that are set.
 */
#include "lib/remote/wire.h"

#include "lib/remote/attrs.h"

#include <string.h>

enum { HEADER_WORDS = 12, RPC_VERSION = 2 };

static void put_word(uint8_t *at, uint32_t word)
{
    word = htonl(word);
    memcpy(at, &word, sizeof word);
}

static uint32_t get_word(const uint8_t *at)
{
    uint32_t word;
    memcpy(&word, at, sizeof word);
    return ntohl(word);
}

uint32_t ckpt_wire_encode(uint8_t *record, uint32_t xid, uint32_t slot,
                          uint32_t seq, uint32_t proc, xdrproc_t encode,
                          void *args)
{
    const uint32_t header[HEADER_WORDS] = {
        xid, CALL, RPC_VERSION, SHADOW_PROGRAM, SHADOW_V1, proc, SHADOW_AUTH,
        8,   slot, seq,         AUTH_NONE,      0};
    XDR xdr;
    uint32_t len = 4 + sizeof header;

    for (size_t i = 0; i < HEADER_WORDS; i++)
        put_word(record + 4 + 4 * i, header[i]);
    xdrmem_create(&xdr, (char *)record + len, CKPT_RECORD_LEN - len,
                  XDR_ENCODE);
    if (!encode(&xdr, args))
        return 0;
    len += xdr_getpos(&xdr);
    put_word(record, (len - 4) | 0x80000000u);
    return len;
}

static int receive(uint8_t *buf, size_t len)
{
    while (len > 0) {
        ssize_t n = ckpt_channel_read(ckpt_link->channel, buf, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        buf += n;
        len -= (size_t)n;
    }
    return 0;
}

int ckpt_wire_receive(void)
{
    uint8_t mark[4];

    if (receive(mark, sizeof mark) != 0)
        return -1;
    uint32_t len = get_word(mark);
    if (!(len & 0x80000000u) || (len & 0x7fffffffu) > CKPT_RECORD_LEN)
        return -1;
    ckpt_link->reply_len = len & 0x7fffffffu;
    return receive(ckpt_link->reply, ckpt_link->reply_len);
}

int ckpt_wire_send(const uint8_t *record, uint32_t len)
{
    struct iovec iov = {(void *)(uintptr_t)record, len};
    return ckpt_channel_writev(ckpt_link->channel, &iov, 1);
}

/* Skip the header of the answer in the reply buffer.  0 when it is an accepted
 * and successful one, -1 when the shadow refused the call itself. */
int ckpt_wire_open(XDR *xdr)
{
    const uint8_t *at = ckpt_link->reply;
    uint32_t len = ckpt_link->reply_len;

    if (len < 24 || get_word(at + 4) != REPLY ||
        get_word(at + 8) != MSG_ACCEPTED)
        return -1;
    uint32_t verifier = (get_word(at + 16) + 3) & ~3u;
    if (verifier > 400 || len < 24 + verifier ||
        get_word(at + 20 + verifier) != SUCCESS)
        return -1;
    uint32_t skip = 24 + verifier;
    xdrmem_create(xdr, (char *)ckpt_link->reply + skip, len - skip, XDR_DECODE);
    return 0;
}

uint32_t ckpt_wire_xid(void)
{
    return ckpt_link->reply_len < 4 ? 0 : get_word(ckpt_link->reply);
}

static struct ckpt_slot *slot_of(uint32_t xid)
{
    for (size_t i = 0; i < CKPT_SLOTS; i++) {
        struct ckpt_slot *slot = &ckpt_link->slots[i];
        if (slot->state == CKPT_SLOT_BUSY && slot->xid == xid)
            return slot;
    }
    return NULL;
}

static void take_write(struct ckpt_slot *slot, XDR *xdr)
{
    shadow_write_res res = {.status = EIO};

    if (!xdr_shadow_write_res(xdr, &res))
        res.status = EIO;
    ckpt_cache_written(slot->node, slot->count, res.status,
                       &res.shadow_write_res_u.ok);
}

static void take_image_part(XDR *xdr)
{
    int status;

    if (!xdr_int(xdr, &status))
        status = EIO;
    if (ckpt_link->image_error == 0)
        ckpt_link->image_error = status;
}

/* Receive one answer.  Returns its slot, now free; what an unwaited WRITE
 * or IMAGE_PUT says has been noted. */
static struct ckpt_slot *take_answer(XDR *xdr)
{
    struct ckpt_slot *slot;

    do {
        while (ckpt_wire_receive() != 0)
            ckpt_session_recover();
        slot = slot_of(ckpt_wire_xid());
    } while (!slot);
    if (ckpt_wire_open(xdr) != 0)
        ckpt_session_die("the shadow refuses this session's calls");
    slot->state = CKPT_SLOT_FREE;
    if (slot->node >= 0 && slot->proc == SHADOW_WRITE)
        take_write(slot, xdr);
    if (slot->node >= 0 && slot->proc == SHADOW_READ)
        ckpt_ahead_arrived(slot->node, slot->ahead, xdr);
    if (slot->proc == SHADOW_IMAGE_PUT)
        take_image_part(xdr);
    if (slot->park)
        ckpt_park_answered(slot->park, xdr);
    return slot;
}

static struct ckpt_slot *slot_take(void)
{
    XDR xdr;

    for (size_t i = 0; i < CKPT_SLOTS; i++)
        if (ckpt_link->slots[i].state == CKPT_SLOT_FREE)
            return &ckpt_link->slots[i];
    return take_answer(&xdr);
}

struct ckpt_slot *ckpt_wire_begin(uint32_t proc, xdrproc_t encode, void *args)
{
    struct ckpt_slot *slot = slot_take();

    slot->seq++;
    slot->xid = ++ckpt_link->next_xid;
    slot->order = ++ckpt_link->calls;
    ckpt_attrs_call(proc);
    slot->proc = proc;
    slot->node = -1;
    slot->park = NULL;
    slot->len = ckpt_wire_encode(slot->record, slot->xid,
                                 (uint32_t)(slot - ckpt_link->slots), slot->seq,
                                 proc, encode, args);
    if (slot->len == 0)
        ckpt_session_die("a call does not fit into a record");
    return slot;
}

void ckpt_wire_issue(struct ckpt_slot *slot)
{
    slot->state = CKPT_SLOT_BUSY;
    if (ckpt_wire_send(slot->record, slot->len) != 0)
        ckpt_session_recover();
}

void ckpt_wire_wait(struct ckpt_slot *slot, XDR *results)
{
    uint64_t from = __builtin_ia32_rdtsc();

    while (take_answer(results) != slot)
        ;
    uint64_t took = __builtin_ia32_rdtsc() - from;
    if (ckpt_link->rtt_tsc == 0 || took < ckpt_link->rtt_tsc)
        ckpt_link->rtt_tsc = took;
}

void ckpt_wire_take(void)
{
    XDR xdr;
    take_answer(&xdr);
}

int ckpt_wire_room(void)
{
    int room = 0;

    for (size_t i = 0; i < CKPT_SLOTS; i++)
        room += ckpt_link->slots[i].state == CKPT_SLOT_FREE;
    return room;
}

void ckpt_wire_settle(int node)
{
    for (size_t i = 0; i < CKPT_SLOTS; i++) {
        struct ckpt_slot *slot = &ckpt_link->slots[i];
        XDR xdr;
        while (slot->state == CKPT_SLOT_BUSY && !slot->park &&
               (node < 0 || slot->node == node))
            take_answer(&xdr);
    }
}

long ckpt_session_call(uint32_t proc, xdrproc_t encode, void *args,
                       xdrproc_t decode, void *results)
{
    shadow_status_res status;
    XDR xdr;

    struct ckpt_slot *slot = ckpt_wire_begin(proc, encode, args);
    ckpt_wire_issue(slot);
    ckpt_wire_wait(slot, &xdr);
    if (!results) {
        decode = (xdrproc_t)xdr_shadow_status_res;
        results = &status;
    }
    if (!decode(&xdr, results))
        return -EIO;
    int first = *(const int *)results; /* every result begins with it */
    return first > 0 && first < 4096 ? -first : first == 0 ? 0 : -EIO;
}
