/* serving.h - what the daemons of a pool add to the loop of serve.h
 */
#ifndef CKPT_SCHEDULER_SERVING_H
#define CKPT_SCHEDULER_SERVING_H

#include "lib/common/err.h"
#include "lib/proto/serve.h"
#include "scheduler/pool/pooldir.h"

#include <stdint.h>

/* Milliseconds of the monotonic clock. */
uint64_t pool_now_ms(void);

/* Serve for daemon `name` of the pool on numeric address `host`: on the port
 * it had before if that is free, and write the address into its directory and
 * into `addr`.  `pool` must outlive it.  NULL with errno. */
struct ckpt_serve *pool_serve(const struct pooldir *pool, const char *name,
                              const char *host, rpcprog_t prog, rpcvers_t vers,
                              ckpt_rpc_dispatch *dispatch, unsigned conns,
                              char addr[POOLDIR_ADDR_MAX + 1],
                              struct ckpt_err *err);

/* Block SIGTERM, SIGINT and SIGCHLD, and call fn(arg, signal) from the loop
 * when one comes.  SIGPIPE is ignored.  0, or -1 with errno. */
int pool_watch_signals(struct ckpt_serve *serve,
                       void (*fn)(void *arg, int signal), void *arg);

#endif
