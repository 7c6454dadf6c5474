/* log.h - the daemons' log: one line for each event, on standard error
 *
 * "2026-01-31T12:00:00.123 home[4711]: job 7 ...".  The master points
 * standard error to DIR/<daemon>/log.  When that is larger than it may be it is
 * renamed to log.old, and a new one begun, by whoever writes the next line;
 * others who share it (starters) follow.
 */
#ifndef CKPT_SCHEDULER_LOG_H
#define CKPT_SCHEDULER_LOG_H

#include <stdint.h>

/* How large the log may become; 0, the default: as large as it likes. */
void log_limit(uint64_t bytes);

/* The name at the head of each line; not copied. */
void log_name(const char *name);
void log_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
