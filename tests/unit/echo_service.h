/* echo_service.h - the service of echo.x, and a child that serves it
 *
 * For tests of RPC over a channel: the child is forked, the test is its client.
 */
#ifndef CKPT_TESTS_ECHO_SERVICE_H
#define CKPT_TESTS_ECHO_SERVICE_H

#include "lib/proto/rpc.h"
#include "tests/unit/echo.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROC(fn) ((xdrproc_t)(void *)(fn))

extern const uint8_t psk[CKPT_CHANNEL_KEY_LEN];
extern pid_t child;
extern struct ckpt_channel *channel; /* to the child */
extern CLIENT *client;               /* over it */

/* Serve one peer and end: status 0 when the peer said good-bye, or errno. */
void serve(int fd, rpcprog_t prog, ckpt_rpc_dispatch *dispatch);
/* Fork a child that serves echo.x, and connect as a client of prog. */
void connect_child(rpcprog_t prog, rpcvers_t vers);
/* The fixture: connect_child() to what it serves. */
void set_up(void);
/* Hang up; the child ends with `expected`. */
void finish(int expected);
/* The child still answers. */
void expect_alive(void);
/* Over the channel, past the client. */
void send_bytes(const void *data, size_t len);

#endif
