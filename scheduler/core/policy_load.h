/* policy_load.h - the load index: one sample, three ways to reduce it
 *
 *              sample (/proc, PSI, or the simulator)
 *             /            |               \
 *        scalar          vote             vector
 *     run queue       watermarks      use / capacity
 *    (IIT-16)         (SHK-2, SHK-3)  (DEM-11, DEM-14)
 *
 * "Normal" is the state between the watermarks, where a station neither
 * sends nor takes.  Pure; the texts of /proc are handed in by the caller.
 */
#ifndef CKPT_POLICY_LOAD_H
#define CKPT_POLICY_LOAD_H

#include <stddef.h>
#include <stdint.h>

/* What SHK-2 lists, and what Linux has learned to tell since (PSI). */
enum policy_factor {
    POLICY_LOAD_CPU,      /* busy share of all processors, 0..1 */
    POLICY_LOAD_RUNQ,     /* runnable processes per processor */
    POLICY_LOAD_MEM,      /* used share of memory, 0..1 */
    POLICY_LOAD_DISK,     /* blocks read and written per second */
    POLICY_LOAD_PAGING,   /* pages in and out per second */
    POLICY_LOAD_INTR,     /* interrupts per second */
    POLICY_LOAD_SWITCH,   /* context switches per second */
    POLICY_LOAD_PRESSURE, /* PSI: share of time some task waited, 0..1 */
    POLICY_FACTORS
};

enum policy_level { POLICY_UNDER, POLICY_NORMAL, POLICY_OVER };

struct policy_load {
    double factor[POLICY_FACTORS];
    uint32_t known; /* bit i: factor[i] was sampled */
};

/* A low and a high watermark per factor (SHK-3). */
struct policy_marks {
    double low[POLICY_FACTORS];
    double high[POLICY_FACTORS];
};

/* Counters as the kernel keeps them; a sample is the difference of two. */
struct policy_counters {
    double busy, total; /* jiffies over all processors */
    double nice;        /* of busy: by processes of low priority */
    double intr, switches, blocks, pages;
    uint32_t running, processors;
    double mem_total, mem_available; /* kB */
    double pressure;                 /* 0..1, negative: kernel without PSI */
};

const char *policy_factor_name(enum policy_factor factor);

/* Watermarks that suit a workstation of today; a configuration overrides. */
void policy_marks_default(struct policy_marks *marks);

/* Take the counters out of the texts of /proc/stat, /proc/meminfo,
 * /proc/diskstats, /proc/vmstat and /proc/pressure/cpu.  Each text may be
 * NULL; what it would tell stays 0 (pressure: -1). */
void policy_counters_parse(struct policy_counters *c, const char *stat,
                           const char *meminfo, const char *diskstats,
                           const char *vmstat, const char *pressure);

/* The load between two sets of counters `seconds` apart (> 0).  `own` is the
 * number of runnable processes that are jobs of ours: they do not count. */
void policy_load_between(struct policy_load *load,
                         const struct policy_counters *before,
                         const struct policy_counters *now, double seconds,
                         uint32_t own);

/* Scalar: the run queue, known best single measure (IIT-16). */
double policy_load_scalar(const struct policy_load *load);

/* Vote (SHK-3): under when a strict majority of the known factors is below
 * its low mark, over when a strict majority is above its high mark. */
enum policy_level policy_load_vote(const struct policy_load *load,
                                   const struct policy_marks *marks);

/* Vector (DEM-14): the distance between what a job asks for and what is left:
 * sum over factors of use * profile; lower is a better match. */
double policy_load_match(const struct policy_load *load,
                         const struct policy_load *profile);

/* Three-valued scalar (DEM-11): below low, above high, or between. */
enum policy_level policy_level_of(double value, double low, double high);

#endif
