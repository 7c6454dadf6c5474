/* channel_hand.h - for tests of the channel: one end played by hand
 *
 * Most tests play the initiator by hand (struct hand), byte by byte, against a
 * real channel in the same process; the socket's buffer is the wire.
 */
#ifndef CKPT_TESTS_CHANNEL_HAND_H
#define CKPT_TESTS_CHANNEL_HAND_H

#include "lib/proto/channel.h"
#include "lib/proto/noise.h"
#include "lib/proto/record.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HELLO = CKPT_CHANNEL_HELLO_LEN, MAGIC = 8, PROLOGUE = 14 };

extern const uint8_t psk[CKPT_CHANNEL_KEY_LEN];
extern const char prologue[PROLOGUE];
extern const uint8_t magic[MAGIC];

extern int fds[2]; /* [0] the channel's, [1] ours */
extern struct ckpt_channel *channel;
extern struct ckpt_err err;

/* The fixture of each test. */
void set_up(void);
void tear_down(void);

struct hand {
    struct ckpt_noise noise;
    _Alignas(16) struct ckpt_record_key tx, rx;
    uint8_t hello[HELLO];
};

/* The first message of an initiator with this key and prologue. */
void make_hello(struct hand *hand, const uint8_t *key, const char *text,
                size_t len);
/* Bytes from our end of the wire. */
void put(const void *data, size_t len);
/* Take the responder's message; the keys are then known. */
void await_answer(struct hand *hand);
/* The next record of ours, into `wire`; its length. */
size_t seal(struct hand *hand, enum ckpt_record_type type, const char *text,
            uint8_t *wire);
/* Seal and send one. */
void put_record(struct hand *hand, enum ckpt_record_type type,
                const char *text);
/* `channel` is a responder from now on. */
void accept_start(void);
/* Bring both ends up; the channel then reads without waiting. */
void open_both(struct hand *hand);
/* The channel reads this text. */
void expect_read(const char *text);
/* Reading fails with errnum. */
void expect_read_error(int errnum);
/* The next step of the handshake fails so, and says why. */
void expect_step_error(int errnum);

#endif
