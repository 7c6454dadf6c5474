/* expr.h - requirements: which stations a job may run on
 *
 *     expr    = and { "||" and }
 *     and     = not { "&&" not }
 *     not     = "!" not | "(" expr ")" | "true" | "false" | has | compare
 *     has     = "has" "(" string ")"            a processor feature
 *     compare = operand ( "==" "!=" "<" "<=" ">" ">=" ) operand
 *     operand = attribute | number [K M G T | s m h d] | string
 *
 *     memory >= 4G && arch == "x86_64" && (owner_idle > 1h || load < 0.1)
 *
 * One operand is an attribute.  HTCondor's names are known too (Memory in MiB
 * and Disk in KiB when the number has no unit, Machine, LoadAvg, KeyboardIdle,
 * TARGET.); names and strings are compared without regard to case, as there.
 * Types are checked when the text is read, so a match cannot fail.  Pure.
 */
#ifndef CKPT_SCHEDULER_EXPR_H
#define CKPT_SCHEDULER_EXPR_H

#include "lib/common/err.h"

#include <stdbool.h>
#include <stdint.h>

enum { EXPR_NODES_MAX = 256, EXPR_DEPTH_MAX = 64 };

/* What a station says of itself, as far as expressions see it. */
struct expr_station {
    const char *name;
    const char *arch;
    const char *features; /* space separated */
    uint64_t memory;      /* bytes */
    uint64_t memory_free;
    uint64_t disk; /* free for scratch */
    uint32_t cpus;
    double load;
    double owner_idle; /* seconds */
};

struct expr;

/* NULL with EINVAL and "column N: ..." (from 1), or ENOMEM. */
struct expr *expr_parse(const char *text, struct ckpt_err *err);
void expr_free(struct expr *expr);

/* A NULL expression matches every station. */
bool expr_match(const struct expr *expr, const struct expr_station *station);

/* The i-th attribute's name and meaning; NULL behind the last. */
const char *expr_attribute(unsigned i, const char **meaning);

#endif
