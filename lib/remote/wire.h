/* wire.h - records of calls and answers (internal to lib/remote) */
#ifndef CKPT_REMOTE_WIRE_H
#define CKPT_REMOTE_WIRE_H

#include "lib/proto/channel.h"
#include "lib/proto/rpc.h"
#include "lib/remote/state.h"

enum { CKPT_RECORD_LEN = CKPT_RPC_RECORD_MAX + 4 };

/* Encode a call into `record` (CKPT_RECORD_LEN bytes); its length, or 0. */
uint32_t ckpt_wire_encode(uint8_t *record, uint32_t xid, uint32_t slot,
                          uint32_t seq, uint32_t proc, xdrproc_t encode,
                          void *args);
/* Over the channel, 0 or -1; the answer arrives in ckpt_link->reply. */
int ckpt_wire_send(const uint8_t *record, uint32_t len);
int ckpt_wire_receive(void);
/* The answer's number, and its results. */
uint32_t ckpt_wire_xid(void);
int ckpt_wire_open(XDR *xdr);

#endif
