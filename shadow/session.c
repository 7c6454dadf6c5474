/* session.c - see server.h: exactly once
 *
 * RFC 8881, 2.10.6.  Every call names a slot of its session and a sequence
 * number.  One more than the slot's last: it is done, and its reply is kept
 * with the slot.  The same: it was done, and the kept reply is sent again; a
 * reply that was too long to keep belongs to a call that may be done again.
 * Anything else is an error of the peer, and ends the connection.
 */
#include "shadow/server.h"
#include "shadow/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct shadow *shadow_of(struct svc_req *req)
{
    return ckpt_serve_daemon(ckpt_serve_conn_of(req));
}

static struct session *session_of(struct svc_req *req)
{
    return ckpt_serve_data(ckpt_serve_conn_of(req));
}

bool is_starter(struct svc_req *req)
{
    if (session_of(req) == &shadow_of(req)->sessions[SHADOW_ROLE_STARTER])
        return true;
    errno = EPERM;
    return false;
}

static int bad_call(struct svc_req *req, const char *why)
{
    struct ckpt_serve_conn *conn = ckpt_serve_conn_of(req);

    shadow_log(shadow_of(req), "peer %s dropped: %s (procedure %u)",
               ckpt_serve_peer(conn), why, (unsigned)req->rq_proc);
    return -1;
}

int session_slot(struct svc_req *req, uint32_t *slot, uint32_t *seq)
{
    unsigned flavor;
    size_t len;
    const uint8_t *at = ckpt_rpc_cred(req, &flavor, &len);

    if (flavor != SHADOW_AUTH || len != 8)
        return -1;
    *slot = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
            (uint32_t)at[2] << 8 | at[3];
    *seq = (uint32_t)at[4] << 24 | (uint32_t)at[5] << 16 |
           (uint32_t)at[6] << 8 | at[7];
    return *slot < SHADOW_SLOTS ? 0 : -1;
}

static bool has_cred(struct svc_req *req)
{
    unsigned flavor;
    size_t len;

    (void)ckpt_rpc_cred(req, &flavor, &len);
    return flavor == SHADOW_AUTH;
}

/* Calls that may simply be done again; their replies are long. */
static bool is_repeatable(uint32_t proc)
{
    switch (proc) {
    case SHADOW_IDENTITY:
    case SHADOW_RULES:
    case SHADOW_GRANTS:
    case SHADOW_RHYTHM:
    case SHADOW_READ:
    case SHADOW_READDIR:
    case SHADOW_IMAGE_GET:
    case SHADOW_EXE_GET:
    case SHADOW_START:
        return true;
    default:
        return false;
    }
}

/* The shadow before this one was killed while it did this call. */
static bool was_interrupted(const struct shadow *shadow,
                            const struct kept_session *kept, uint32_t slot,
                            uint32_t seq)
{
    return shadow->revived && kept->slot == slot && kept->seq == seq;
}

/* The old call's number goes first and the new one's comes last: a note never
 * belongs to another call than it says. */
static void begin_call(struct shadow *shadow, struct kept_session *kept,
                       uint32_t slot, uint32_t seq)
{
    struct note *note = &kept->note;

    note->again = was_interrupted(shadow, kept, slot, seq);
    if (!note->again) {
        __atomic_store_n(&kept->seq, 0, __ATOMIC_RELEASE);
        note->made = note->closed = 0;
        note_make(note, NOTE_NOTHING);
        __atomic_store_n(&kept->slot, slot, __ATOMIC_RELEASE);
        __atomic_store_n(&kept->seq, seq, __ATOMIC_RELEASE);
    }
    shadow->note = note;
    change_note(shadow->change, note);
}

int session_keep(struct svc_req *req)
{
    struct session *session = session_of(req);
    uint32_t number, seq;

    if (!session || session_slot(req, &number, &seq) < 0)
        return -1;
    struct slot *slot = &session->kept->slots[number];
    ckpt_rpc_keep(req, slot->reply, REPLY_KEEP_MAX, &slot->kept);
    return 0;
}

int session_admit(struct svc_req *req)
{
    struct shadow *shadow = shadow_of(req);
    struct session *session = session_of(req);
    uint32_t number, seq;

    if (req->rq_proc == SHADOW_BIND)
        return 0;
    if (session == &shadow->sessions[SHADOW_ROLE_STARTER])
        shadow->starter_seen = now_ms(); /* a ping counts, too */
    if (req->rq_proc == SHADOW_NULL && !has_cred(req))
        return 0; /* in no slot */
    if (!session)
        return bad_call(req, "no session");
    if (session_slot(req, &number, &seq) < 0)
        return bad_call(req, "malformed credential");
    struct slot *slot = &session->kept->slots[number];
    bool again = seq == slot->seq && seq != 0;
    if (!again && seq != slot->seq + 1)
        return bad_call(req, "sequence number out of order");
    if (again && slot->kept != SIZE_MAX)
        return ckpt_rpc_replay(req, slot->reply, slot->kept) < 0 ? -1 : 1;
    if (again && session == &shadow->sessions[SHADOW_ROLE_JOB] &&
        stream_adopt(shadow, req, number, seq))
        return 1;
    if (again && !is_repeatable(req->rq_proc) && !slot->waits &&
        !was_interrupted(shadow, session->kept, number, seq))
        return bad_call(req, "reply is not kept");
    slot->waits = 0;
    if (is_repeatable(req->rq_proc)) {
        shadow->note = NULL;
        slot->kept = SIZE_MAX;
        slot->seq = seq;
        return 0;
    }
    begin_call(shadow, session->kept, number, seq);
    slot->kept = SIZE_MAX;
    __atomic_store_n(&slot->seq, seq, __ATOMIC_RELEASE);
    ckpt_rpc_keep(req, slot->reply, REPLY_KEEP_MAX, &slot->kept);
    return 0;
}

/* --- BIND --- */

static int new_session(struct shadow *shadow, enum shadow_role role)
{
    struct session *session = &shadow->sessions[role];

    struct kept_session *kept = session->kept;

    if (kept->open)
        shadow_log(shadow, "session of the %s is superseded",
                   role == SHADOW_ROLE_JOB ? "job" : "starter");
    for (unsigned i = 0; i < SHADOW_SLOTS; i++) {
        kept->slots[i].seq = 0;
        kept->slots[i].kept = SIZE_MAX;
    }
    kept->slot = kept->seq = 0;
    note_make(&kept->note, NOTE_NOTHING);
    if (getrandom(kept->id, sizeof kept->id, 0) != (ssize_t)sizeof kept->id)
        return -1;
    __atomic_store_n(&kept->open, true, __ATOMIC_RELEASE);
    if (role == SHADOW_ROLE_JOB) {
        streams_clear(shadow);
        handles_clear(&shadow->handles);
        strcpy(shadow->cwd, shadow->spec.cwd);
    }
    return 0;
}

static int bind_conn(struct svc_req *req, const shadow_bind_args *args)
{
    static const uint8_t zero[SHADOW_ID_LEN];
    struct shadow *shadow = shadow_of(req);
    struct ckpt_serve_conn *conn = ckpt_serve_conn_of(req);

    if (args->role != SHADOW_ROLE_JOB && args->role != SHADOW_ROLE_STARTER)
        return EINVAL;
    struct session *session = &shadow->sessions[args->role];
    bool fresh = memcmp(args->session, zero, sizeof zero) == 0;
    if (!fresh &&
        (!session->kept->open ||
         memcmp(args->session, session->kept->id, sizeof zero) != 0)) {
        shadow_log(shadow, "peer %s refused: not the session we serve",
                   ckpt_serve_peer(conn));
        return ESTALE;
    }
    if (fresh && new_session(shadow, args->role) < 0)
        return EIO;
    if (session->conn && session->conn != conn) {
        ckpt_serve_set_data(session->conn, NULL);
        ckpt_serve_drop(session->conn);
    }
    session->conn = conn;
    ckpt_serve_set_data(conn, session);
    if (args->role == SHADOW_ROLE_STARTER)
        shadow->starter_seen = now_ms();
    shadow_log(shadow, "%s %s from %s",
               args->role == SHADOW_ROLE_JOB ? "job" : "starter",
               fresh ? "bound" : "is back", ckpt_serve_peer(conn));
    return 0;
}

bool_t shadow_bind_1_svc(shadow_bind_args *args, shadow_bind_res *res,
                         struct svc_req *req)
{
    struct shadow *shadow = shadow_of(req);

    memset(res, 0, sizeof *res);
    res->status = bind_conn(req, args);
    if (res->status == 0) {
        shadow_bind_ok *ok = &res->shadow_bind_res_u.ok;
        memcpy(ok->session, shadow->sessions[args->role].kept->id,
               SHADOW_ID_LEN);
        ok->slots = SHADOW_SLOTS;
        ok->lease_sec = shadow->spec.lease_sec;
    }
    return TRUE;
}

bool_t shadow_null_1_svc(void *args, void *res, struct svc_req *req)
{
    (void)args, (void)res, (void)req;
    return TRUE;
}

/* --- connections --- */

void session_closed(struct ckpt_serve_conn *conn, void *daemon,
                    const struct ckpt_err *why)
{
    struct shadow *shadow = daemon;
    struct session *session = ckpt_serve_data(conn);

    if (!shadow->ended.how)
        shadow_count(shadow, conn);
    if (!session || session->conn != conn)
        return;
    session->conn = NULL;
    bool starter = session == &shadow->sessions[SHADOW_ROLE_STARTER];
    if (starter)
        shadow->starter_seen = now_ms();
    shadow_log(shadow, "%s is gone: %s", starter ? "starter" : "job",
               why ? why->text : "good-bye");
}

void session_refused(void *daemon, const char *peer, const struct ckpt_err *why)
{
    struct shadow *shadow = daemon;

    /* Whoever knocks without a key must not fill the disk. */
    shadow->refused++;
    if ((shadow->refused & (shadow->refused - 1)) == 0 || shadow->refused < 20)
        shadow_log(shadow, "peer %s refused: %s (%u so far)", peer, why->text,
                   shadow->refused);
}
