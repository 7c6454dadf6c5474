/* pty.c - see pty.h
 *
 * What is written to the master is worked on later, in the modes of that
 * moment; so each piece is awaited by its echo before modes change.
 */
#include "lib/files/pty.h"

#include "lib/common/sys.h"

#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

enum {
    AWAIT_MS = 2000,
    STEP = 256, /* bytes that wait for their echo together */
    LINE_MAX_BYTES = 4096,
};

/* Characters that occur nowhere in the input, put to use while it is typed. */
struct keys {
    uint8_t quote, eof, reprint;
    bool canonical;
    uint8_t ends[3]; /* of lines; 0: none */
};

void ckpt_pty_encode(struct ckpt_bytes *b, const struct ckpt_pty *pty)
{
    ckpt_put_u32(b, CKPT_PTY_MASTER);
    ckpt_put_u32(b, pty->number);
    ckpt_put_u32(b, pty->locked);
    ckpt_put_u32(b, pty->packet);
    ckpt_put_u32(b, pty->slave_closed);
    for (int i = 0; i < 4; i++)
        ckpt_put_u16(b, pty->size[i]);
    ckpt_put_u32(b, pty->modes.c_iflag);
    ckpt_put_u32(b, pty->modes.c_oflag);
    ckpt_put_u32(b, pty->modes.c_cflag);
    ckpt_put_u32(b, pty->modes.c_lflag);
    ckpt_put_raw(b, &pty->modes.c_line, 1);
    ckpt_put_raw(b, pty->modes.c_cc, sizeof pty->modes.c_cc);
    ckpt_put_u32(b, pty->modes.c_ispeed);
    ckpt_put_u32(b, pty->modes.c_ospeed);
    ckpt_put_blob(b, pty->input.data, pty->input.len);
    ckpt_put_blob(b, pty->output.data, pty->output.len);
}

bool ckpt_pty_decode(struct ckpt_bytes b, enum ckpt_pty_role *role,
                     struct ckpt_pty *pty)
{
    memset(pty, 0, sizeof *pty);
    uint32_t is = ckpt_get_u32(&b);
    *role = is == CKPT_PTY_SLAVE ? CKPT_PTY_SLAVE : CKPT_PTY_MASTER;
    pty->number = ckpt_get_u32(&b);
    if (is == CKPT_PTY_SLAVE)
        return !b.failed;
    pty->locked = ckpt_get_u32(&b);
    pty->packet = ckpt_get_u32(&b);
    pty->slave_closed = ckpt_get_u32(&b);
    for (int i = 0; i < 4; i++)
        pty->size[i] = ckpt_get_u16(&b);
    pty->modes.c_iflag = ckpt_get_u32(&b);
    pty->modes.c_oflag = ckpt_get_u32(&b);
    pty->modes.c_cflag = ckpt_get_u32(&b);
    pty->modes.c_lflag = ckpt_get_u32(&b);
    ckpt_get_raw(&b, &pty->modes.c_line, 1);
    ckpt_get_raw(&b, pty->modes.c_cc, sizeof pty->modes.c_cc);
    pty->modes.c_ispeed = ckpt_get_u32(&b);
    pty->modes.c_ospeed = ckpt_get_u32(&b);
    pty->input.len = (uint32_t)ckpt_get_blob(&b, &pty->input.data);
    pty->output.len = (uint32_t)ckpt_get_blob(&b, &pty->output.data);
    return !b.failed && is == CKPT_PTY_MASTER &&
           pty->input.len <= 2 * CKPT_PTY_BYTES_MAX &&
           pty->output.len <= CKPT_PTY_BYTES_MAX;
}

bool ckpt_pty_polls(int fd, short events, int ms)
{
    struct pollfd p = {fd, events, 0};
    struct timespec limit = {ms / 1000, ms % 1000 * 1000000L};

    return ckpt_sys(SYS_ppoll, &p, 1, &limit, NULL, 8) > 0 &&
           (p.revents & events);
}

int ckpt_pty_set_modes(int master, const struct termios2 *modes)
{
    return (int)ckpt_sys_errno(ckpt_sys(SYS_ioctl, master, TCSETS2, modes));
}

struct termios2 ckpt_pty_raw(const struct termios2 *modes)
{
    struct termios2 raw = *modes;

    raw.c_iflag = 0;
    raw.c_oflag &= ~(tcflag_t)OPOST;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ECHONL | ECHOCTL | ECHOPRT |
                               ISIG | IEXTEN | TOSTOP | EXTPROC);
    memset(raw.c_cc, 0, sizeof raw.c_cc);
    raw.c_cc[VMIN] = 1;
    return raw;
}

/* --- typing -------------------------------------------------------------- */

static bool next_piece(struct ckpt_bytes *b, uint32_t *end,
                       struct ckpt_blob *piece)
{
    if (ckpt_bytes_left(b) == 0)
        return false;
    *end = ckpt_get_u32(b);
    piece->len = (uint32_t)ckpt_get_blob(b, &piece->data);
    return !b->failed;
}

static struct ckpt_bytes pieces_of(const struct ckpt_pty *pty)
{
    /* the cursor only reads */
    return ckpt_bytes_over((void *)(uintptr_t)pty->input.data, pty->input.len);
}

static uint8_t unused(bool *used)
{
    for (int c = 1; c < 256; c++)
        if (!used[c] && c != '\n') {
            used[c] = true;
            return (uint8_t)c;
        }
    return 0;
}

static bool choose_keys(struct keys *k, const struct ckpt_pty *pty)
{
    struct ckpt_bytes b = pieces_of(pty);
    bool used[256] = {false}, extended = pty->modes.c_lflag & IEXTEN;
    struct ckpt_blob piece;
    uint32_t end;

    memset(k, 0, sizeof *k);
    k->canonical = pty->modes.c_lflag & ICANON;
    while (next_piece(&b, &end, &piece))
        for (size_t i = 0; i < piece.len; i++)
            used[piece.data[i]] = true;
    k->ends[0] = '\n';
    k->ends[1] = pty->modes.c_cc[VEOL];
    k->ends[2] = extended ? pty->modes.c_cc[VEOL2] : 0;
    for (int i = 0; i < 3; i++)
        used[k->ends[i]] = true;
    k->quote = unused(used);
    k->eof = unused(used);
    k->reprint = unused(used);
    return k->quote && k->eof && k->reprint;
}

static struct termios2 typing_modes(const struct keys *k,
                                    const struct termios2 *modes)
{
    struct termios2 m = ckpt_pty_raw(modes);

    m.c_lflag |= ECHO;
    if (!k->canonical)
        return m;
    m.c_lflag |= ICANON | IEXTEN;
    m.c_cc[VMIN] = 0;
    m.c_cc[VLNEXT] = k->quote;
    m.c_cc[VEOF] = k->eof;
    m.c_cc[VREPRINT] = k->reprint;
    m.c_cc[VEOL] = k->ends[1];
    m.c_cc[VEOL2] = k->ends[2];
    return m;
}

static bool ends_line(const struct keys *k, uint8_t c)
{
    return c == k->ends[0] || (c && (c == k->ends[1] || c == k->ends[2]));
}

/* Type `n` bytes and wait until `echoes` came back. */
static int type(int master, const uint8_t *keys, size_t n, size_t echoes,
                struct ckpt_err *err)
{
    uint8_t echo[2 * STEP];

    if (ckpt_sys(SYS_write, master, keys, n) != (long)n)
        return ckpt_err_set(err, EIO, "it takes no input");
    while (echoes > 0) {
        if (!ckpt_pty_polls(master, POLLIN, AWAIT_MS))
            return ckpt_err_set(err, EIO, "it does not answer");
        long got = ckpt_sys(SYS_read, master, echo,
                            echoes < sizeof echo ? echoes : sizeof echo);
        if (got <= 0 && got != -EAGAIN && got != -EINTR)
            return ckpt_err_set(err, EIO, "it cannot be read");
        echoes -= got > 0 ? (size_t)got : 0;
    }
    return 0;
}

static int type_piece(int master, const struct keys *k, uint32_t end,
                      const struct ckpt_blob *piece, struct ckpt_err *err)
{
    for (size_t at = 0; at < piece->len;) {
        uint8_t keys[2 * STEP];
        size_t n = 0, from = at;
        for (; at < piece->len && at - from < STEP; at++) {
            bool last = at + 1 == piece->len && end == CKPT_PTY_LINE;
            if (k->canonical && !last && ends_line(k, piece->data[at]))
                keys[n++] = k->quote;
            keys[n++] = piece->data[at];
        }
        if (type(master, keys, n, at - from, err) < 0)
            return -1;
    }
    if (end != CKPT_PTY_EOF || !k->canonical)
        return 0;
    /* the end of file has no echo, the key after it has two characters */
    return type(master, (uint8_t[]){k->eof, k->reprint}, 2, 2, err);
}

static int type_all(int master, const struct ckpt_pty *pty,
                    struct ckpt_err *err)
{
    struct ckpt_bytes b = pieces_of(pty);
    struct ckpt_blob piece;
    struct keys k;
    uint32_t end;

    if (!choose_keys(&k, pty))
        return ckpt_err_set(err, ENOTSUP, "every character is in its input");
    struct termios2 modes = typing_modes(&k, &pty->modes);
    if (ckpt_pty_set_modes(master, &modes) < 0)
        return ckpt_err_sys(err, "its modes");
    while (next_piece(&b, &end, &piece))
        if (piece.len > LINE_MAX_BYTES ||
            type_piece(master, &k, end, &piece, err) < 0)
            return -1;
    return 0;
}

/* --- writing -------------------------------------------------------------- */

static int write_output(int slave, const struct ckpt_pty *pty,
                        struct ckpt_err *err)
{
    struct timespec moment = {0, 1000000};
    size_t at = 0;

    for (int ms = 0; at < pty->output.len && ms < AWAIT_MS; ms++) {
        long n = ckpt_sys(SYS_write, slave, pty->output.data + at,
                          pty->output.len - at);
        if (n > 0)
            at += (size_t)n;
        else
            ckpt_sys(SYS_nanosleep, &moment, NULL);
    }
    return at == pty->output.len
               ? 0
               : ckpt_err_set(err, EIO, "it does not take its output again");
}

int ckpt_pty_fill(int master, int slave, const struct ckpt_pty *pty,
                  struct ckpt_err *err)
{
    int rc = pty->input.len > 0 ? type_all(master, pty, err) : 0;

    if (rc == 0 && pty->output.len > 0) {
        struct termios2 modes = pty->modes; /* as canonical as before */
        modes.c_oflag &= ~(tcflag_t)OPOST;
        modes.c_lflag &= ~(tcflag_t)TOSTOP;
        rc = ckpt_pty_set_modes(master, &modes);
        if (rc == 0)
            rc = write_output(slave, pty, err);
    }
    if (ckpt_pty_set_modes(master, &pty->modes) < 0 && rc == 0)
        rc = ckpt_err_sys(err, "its modes");
    if (ckpt_sys(SYS_ioctl, master, TIOCSWINSZ, pty->size) < 0 && rc == 0)
        rc = ckpt_err_set(err, EIO, "its size");
    return rc;
}
