/* hours.h - the hours of a week
 *
 * Pure.  One line of text, as an owner writes it:
 *
 *     always | never | ENTRY, ENTRY ...
 *     ENTRY:  [DAYS] [FROM-TO]     mon-fri 18:00-8:00
 *     DAYS:   mon tue wed thu fri sat sun, or a span of them (fri-mon)
 *
 * Without days an entry is of every day, without times of the whole day.  A
 * time that ends before it begins goes on past midnight, into the next day.
 */
#ifndef CKPT_SCHEDULER_HOURS_H
#define CKPT_SCHEDULER_HOURS_H

#include "lib/common/err.h"

#include <stdbool.h>
#include <stdint.h>

enum { HOURS_DAY = 24 * 60, HOURS_WEEK = 7 * HOURS_DAY }; /* minutes */

struct hours {
    uint8_t minute[HOURS_WEEK / 8]; /* a bit each, from Sunday 0:00 */
};

/* -1 with EINVAL and the entry named. */
int hours_parse(struct hours *hours, const char *text, struct ckpt_err *err);

/* weekday: 0 is Sunday, as in struct tm. */
bool hours_have(const struct hours *hours, int weekday, int hour, int minute);

#endif
