/* conf.h - strict `key = value` settings against a table of keys
 *
 *     # a comment
 *     idle_start = 15m
 *     owner_devices.s1 = /dev/pts/3 /dev/pts/4
 *
 * A file is read against a table of {name, type, default, unit, meaning};
 * what is not in the table, is there twice, or has a value of the wrong type
 * or out of bounds is an error that names file:line.  A key marked per-station
 * may be given again with `.NAME`, for that station only.  Read once, then
 * const.  For daemons and commands: it allocates.
 */
#ifndef CKPT_COMMON_CONF_H
#define CKPT_COMMON_CONF_H

#include "lib/common/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ckpt_conf_type {
    CKPT_CONF_BOOL, /* yes, no, true, false, on, off, 1, 0 */
    CKPT_CONF_INT,
    CKPT_CONF_REAL,
    CKPT_CONF_DURATION, /* 500ms 90s 15m 2h 1d; a bare number is seconds */
    CKPT_CONF_SIZE,     /* bytes; 512K 512M 4G 1T are powers of 1024 */
    CKPT_CONF_TEXT,
};

struct ckpt_conf_key {
    const char *name;
    enum ckpt_conf_type type;
    const char *dflt; /* as it would stand in the file */
    double min, max;  /* of numbers, in the unit; both 0: 0 and above */
    bool per_station;
    const char *unit;    /* for people: "duration", "bytes", "paths", ... */
    const char *meaning; /* one sentence */
};

struct ckpt_conf;

/* All defaults.  The table (ended by a key without name) must outlive it.
 * NULL with ENOMEM.  A default that does not parse is a bug and aborts. */
struct ckpt_conf *ckpt_conf_create(const struct ckpt_conf_key *keys);
void ckpt_conf_destroy(struct ckpt_conf *conf);

/* Read a file over what is there.  -1 with EINVAL and "FILE:LINE: ..." for a
 * wrong one, or errno (ENOENT: there is none). */
int ckpt_conf_load(struct ckpt_conf *conf, const char *path,
                   struct ckpt_err *err);

/* Set one key, or "KEY.STATION".  -1 with EINVAL and the reason. */
int ckpt_conf_set(struct ckpt_conf *conf, const char *key, const char *value,
                  struct ckpt_err *err);

/* Values.  `station` may be NULL; its own value goes before the general one.
 * Asking for a key that is not in the table, or has another type, is a bug
 * and aborts. */
bool ckpt_conf_bool(const struct ckpt_conf *conf, const char *key,
                    const char *station);
int64_t ckpt_conf_int(const struct ckpt_conf *conf, const char *key,
                      const char *station);
double ckpt_conf_real(const struct ckpt_conf *conf, const char *key,
                      const char *station);
int64_t ckpt_conf_ms(const struct ckpt_conf *conf, const char *key,
                     const char *station);
uint64_t ckpt_conf_size(const struct ckpt_conf *conf, const char *key,
                        const char *station);
const char *ckpt_conf_text(const struct ckpt_conf *conf, const char *key,
                           const char *station);

/* The value of a key of any type as it was written. */
const char *ckpt_conf_value(const struct ckpt_conf *conf, const char *key,
                            const char *station);
/* Was it set, in general or for the station?  Else it is the default. */
bool ckpt_conf_given(const struct ckpt_conf *conf, const char *key,
                     const char *station);

/* Everything there is, in the table's order, a key's stations after it
 * (station NULL: the general value).  `where` is "FILE:LINE", "command line"
 * or "default". */
void ckpt_conf_each(const struct ckpt_conf *conf,
                    void (*fn)(const struct ckpt_conf_key *key,
                               const char *station, const char *value,
                               const char *where, void *arg),
                    void *arg);

/* The text without blanks at both ends, which are overwritten. */
char *ckpt_conf_trim(char *text);

/* The notations by themselves.  0, or -1 with EINVAL. */
int ckpt_conf_parse_ms(const char *text, int64_t *ms);
int ckpt_conf_parse_size(const char *text, uint64_t *bytes);

#endif
