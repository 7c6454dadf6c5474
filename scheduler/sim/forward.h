/* forward.h - DEMOS/MP's forwarding addresses, message by message
 *
 * A process leaves a forwarding address where it was (DEM-5).  A message that
 * comes there is forwarded, and its sender told, who then sends straight to
 * the new place (DEM-8).  Addresses are dropped after a time; a message that
 * finds none has the process located by one broadcast (DEM-9b).  A small
 * model for checks: nothing in the pool uses it, since a job's stable address
 * is its shadow.
 */
#ifndef CKPT_SIM_FORWARD_H
#define CKPT_SIM_FORWARD_H

#include <stdint.h>

#define SIM_FORWARD_MACHINES 16

struct sim_forward {
    uint32_t machines;
    uint32_t at;                            /* where the process is */
    uint32_t address[SIM_FORWARD_MACHINES]; /* left behind; NOBODY: none */
    uint32_t link[SIM_FORWARD_MACHINES];    /* each sender's last-known */
    /* counted */
    uint32_t forwards, updates, broadcasts, sent, received;
};

void sim_forward_init(struct sim_forward *f, uint32_t machines, uint32_t at);

/* The process moves. */
void sim_forward_move(struct sim_forward *f, uint32_t to);

/* A message from the process on machine `from`; it always arrives. */
void sim_forward_send(struct sim_forward *f, uint32_t from);

/* The interval is over: all forwarding addresses are dropped. */
void sim_forward_reclaim(struct sim_forward *f);

#endif
