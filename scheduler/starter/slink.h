/* slink.h - the starter's connection to its job's shadow
 *
 * Connects with the boot record, binds as STARTER, and carries one call at a
 * time.  A call that fails because the connection broke is sent again, under
 * the same slot and sequence number, once the connection is back: the shadow
 * does nothing twice.
 */
#ifndef CKPT_SCHEDULER_SLINK_H
#define CKPT_SCHEDULER_SLINK_H

#include "lib/common/err.h"
#include "lib/proto/boot.h"
#include "lib/proto/shadow.h"

#include <stdbool.h>
#include <stdint.h>

struct slink;

/* Copies the boot record.  NULL with ENOMEM. */
struct slink *slink_create(const struct ckpt_boot *boot);
void slink_destroy(struct slink *slink);

/* Connect if there is no connection.  0, or -1 with errno: EACCES and ESTALE
 * mean that this incarnation is over for good, others may pass. */
int slink_connect(struct slink *slink, struct ckpt_err *err);
bool slink_connected(const struct slink *slink);
/* To be polled: readable without a call in progress means that the shadow has
 * closed the connection.  -1: not connected. */
int slink_fd(const struct slink *slink);
void slink_disconnect(struct slink *slink);
unsigned slink_lease_sec(const struct slink *slink);

/* Each: 0, or -1 with errno and err; ENOTCONN and the like: call again after
 * slink_connect(). */
int slink_start(struct slink *slink, shadow_start_ok *start,
                struct ckpt_err *err);
/* What the job may reach; the caller frees it (xdr_shadow_grants_ok). */
int slink_grants(struct slink *slink, shadow_grants_ok *grants,
                 struct ckpt_err *err);
/* Write the executable, or the newest image, of `size` bytes to fd. */
int slink_fetch(struct slink *slink, bool image, uint64_t size, int fd,
                struct ckpt_err *err);
int slink_event(struct slink *slink, shadow_event event, int value,
                uint64_t cpu_usec, const char *text, struct ckpt_err *err);
int slink_ping(struct slink *slink, struct ckpt_err *err);

#endif
