/* dial.h - TCP connections by numeric address
 *
 * No resolver: these functions also run inside programs.  All system calls go
 * through the gate; nothing is allocated; async-signal-safe.
 */
#ifndef CKPT_PROTO_DIAL_H
#define CKPT_PROTO_DIAL_H

#include "lib/common/err.h"

#include <stdint.h>

enum { CKPT_ADDR_MAX = 80 }; /* "[address]:port", terminated */

/* Connect to a numeric IPv4 or IPv6 address ("localhost" means 127.0.0.1)
 * within timeout_ms.  Returns a blocking, close-on-exec socket with
 * TCP_NODELAY, or -1 with EINVAL (not a numeric address), ETIMEDOUT,
 * ECONNREFUSED... */
int ckpt_proto_connect(const char *host, uint16_t port, int timeout_ms,
                       struct ckpt_err *err);

/* Listen on a numeric address; port 0 takes any.  Returns a non-blocking,
 * close-on-exec socket and the port in *bound. */
int ckpt_proto_listen(const char *host, uint16_t port, uint16_t *bound,
                      struct ckpt_err *err);

/* Let the kernel notice within about `seconds` that the other machine is gone
 * (keep-alive probes, TCP_USER_TIMEOUT): calls then fail with ETIMEDOUT. */
void ckpt_proto_watch_peer(int fd, int seconds);

/* "127.0.0.1:4711", "[::1]:4711", in `text` of CKPT_ADDR_MAX bytes. */
void ckpt_addr_format(const char *host, uint16_t port, char *text);

/* The same taken apart; host has CKPT_ADDR_MAX bytes.  -1 with EINVAL. */
int ckpt_addr_parse(const char *text, char *host, uint16_t *port,
                    struct ckpt_err *err);

/* The address of the other end of `fd`, as ckpt_addr_format() writes it, or
 * "?". */
void ckpt_addr_of_peer(int fd, char *text);

#endif
