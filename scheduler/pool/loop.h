/* loop.h - a daemon's event loop, and the RPC service in it
 *
 * One thread, epoll, nothing in it waits.  Descriptors are watched with a
 * function each; a tick function is called between events, at the time it asked
 * for.  A service accepts connections, makes the handshake with the pool's key
 * (a peer has a few seconds for it, and only so many may be at it) and hands
 * whole calls to rpcgen's dispatcher.
 */
#ifndef CKPT_SCHEDULER_LOOP_H
#define CKPT_SCHEDULER_LOOP_H

#include "lib/common/err.h"
#include "lib/proto/rpc.h"
#include "scheduler/pool/pooldir.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;

/* Milliseconds of the monotonic clock. */
uint64_t loop_now_ms(void);

/* NULL with errno. */
struct loop *loop_create(struct ckpt_err *err);
void loop_destroy(struct loop *loop);

typedef void loop_fn(void *arg, uint32_t events);

/* Call fn(arg, events) when fd has EPOLLIN (or what `events` says).  The
 * caller keeps fd.  0, or -1 with errno. */
int loop_watch(struct loop *loop, int fd, uint32_t events, loop_fn *fn,
               void *arg);
/* Change the events of a watched fd. */
int loop_change(struct loop *loop, int fd, uint32_t events);
/* Before fd is closed. */
void loop_unwatch(struct loop *loop, int fd);

/* Run until loop_stop().  `tick` is called at least once between events and
 * returns after how many milliseconds it wants to be called again. */
int loop_run(struct loop *loop, int (*tick)(void *arg), void *arg);
void loop_stop(struct loop *loop);

struct service {
    const struct pooldir *pool;
    unsigned prog;
    unsigned vers;
    ckpt_rpc_dispatch *dispatch;
    void *context; /* ckpt_rpc_context() */
};

/* Listen on numeric `host`, on `port` when it is free and on any otherwise (0:
 * any), and serve.  `addr` (POOLDIR_ADDR_MAX + 1 bytes) receives where.  The
 * struct must live as long as the loop.  0, or -1 with errno. */
int loop_serve(struct loop *loop, const struct service *service,
               const char *host, unsigned port, char *addr,
               struct ckpt_err *err);

/* Serve for daemon `name` of the pool, where it was before if possible, and
 * write its address. */
int loop_serve_daemon(struct loop *loop, const struct service *service,
                      const char *name, const char *host,
                      char addr[POOLDIR_ADDR_MAX + 1], struct ckpt_err *err);

#endif
