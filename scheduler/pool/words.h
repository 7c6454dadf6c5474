/* words.h - copies of what pool.x describes
 */
#ifndef CKPT_SCHEDULER_WORDS_H
#define CKPT_SCHEDULER_WORDS_H

#include "lib/proto/pool.h"

#include <stdbool.h>

/* Deep copy; give it back with xdr_free().  False without memory. */
bool words_copy(char **to, const char *from);
bool words_copy_station(pool_station *to, const pool_station *from);

#endif
