/* states.h - DIR/images: which image is of which state of the files */
#ifndef CKPT_KEEP_STATES_H
#define CKPT_KEEP_STATES_H

#include "lib/common/err.h"
#include "lib/image/notes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct keep_state {
    uint32_t number;
    uint8_t id[CKPT_ID_LEN];
};
struct keep_states {
    struct keep_state *all; /* oldest first */
    size_t count;
};

/* 0, or -1 with errno; a file that is not there is an empty one. */
int keep_states_read(const char *dir, struct keep_states *states,
                     struct ckpt_err *err);
/* Durable, all at once. */
int keep_states_write(const char *dir, const struct keep_states *states,
                      struct ckpt_err *err);
void keep_states_clear(struct keep_states *states);

int keep_states_add(struct keep_states *states, uint32_t number,
                    const uint8_t id[CKPT_ID_LEN]);
bool keep_states_has(const struct keep_states *states, uint32_t number,
                     const uint8_t id[CKPT_ID_LEN]);
/* Forget those with a number less than `from`, or greater than `to`. */
void keep_states_trim(struct keep_states *states, uint32_t from, uint32_t to);

#endif
