/* units.h - durations and sizes as people write them; pure */
#ifndef CKPT_COMMON_UNITS_H
#define CKPT_COMMON_UNITS_H

#include <stdint.h>

/* "90s", "15m", "2h", "1d", "500ms", or plain seconds.  0, or -1 with EINVAL.
 * Async-signal-safe. */
int ckpt_parse_duration_ms(const char *text, uint64_t *ms);

/* "512M", "4G", "100K", or plain bytes; binary multiples.  0, or -1. */
int ckpt_parse_size(const char *text, uint64_t *bytes);

#endif
