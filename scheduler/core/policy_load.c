/* policy_load.c - see policy_load.h */
#include "scheduler/core/policy_load.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[POLICY_FACTORS] = {
    "cpu", "runq", "mem", "disk", "paging", "intr", "switch", "pressure"};

const char *policy_factor_name(enum policy_factor factor)
{
    return names[factor];
}

void policy_marks_default(struct policy_marks *marks)
{
    static const struct policy_marks usual = {
        .low = {0.30, 0.5, 0.70, 500, 100, 5000, 10000, 0.05},
        .high = {0.80, 1.5, 0.90, 5000, 2000, 50000, 100000, 0.40},
    };

    *marks = usual;
}

/* The number behind `key` at the start of a line; `fallback` if not there. */
static double number_after(const char *text, const char *key, double fallback)
{
    size_t len = strlen(key);
    const char *line;

    for (line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, len) == 0 &&
            (line[len] == ' ' || line[len] == ':'))
            return strtod(line + len + 1, NULL);
    }
    return fallback;
}

static void parse_stat(struct policy_counters *c, const char *text)
{
    unsigned long long v[8] = {0};
    const char *line;
    int i;

    if (sscanf(text, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &v[0],
               &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]) < 4)
        return;
    for (i = 0; i < 8; i++)
        c->total += (double)v[i];
    c->busy = c->total - (double)v[3] - (double)v[4];
    c->nice = (double)v[1];
    for (line = strstr(text, "\ncpu"); line; line = strstr(line + 1, "\ncpu"))
        c->processors++;
    c->intr = number_after(text, "intr", 0);
    c->switches = number_after(text, "ctxt", 0);
    c->running = (uint32_t)number_after(text, "procs_running", 0);
}

/* Sectors read and written by whole disks (partitions would count twice:
 * a name that ends in a digit and begins another's line is skipped only for
 * sd and vd disks; nvme0n1 is a disk). */
static void parse_disks(struct policy_counters *c, const char *text)
{
    const char *line;

    for (line = text; line && *line; line = strchr(line, '\n')) {
        unsigned long long rd, wr;
        char name[32];

        line += *line == '\n';
        if (sscanf(line, "%*u %*u %31s %*u %*u %llu %*u %*u %*u %llu", name,
                   &rd, &wr) != 3)
            continue;
        if (strncmp(name, "loop", 4) == 0 || strncmp(name, "ram", 3) == 0 ||
            strncmp(name, "dm-", 3) == 0 ||
            (name[1] == 'd' && strpbrk(name, "0123456789")) ||
            (strncmp(name, "nvme", 4) == 0 && strchr(name, 'p')))
            continue;
        c->blocks += (double)(rd + wr);
    }
}

void policy_counters_parse(struct policy_counters *c, const char *stat,
                           const char *meminfo, const char *diskstats,
                           const char *vmstat, const char *pressure)
{
    const char *avg;

    memset(c, 0, sizeof *c);
    c->pressure = -1;
    if (stat)
        parse_stat(c, stat);
    if (meminfo) {
        c->mem_total = number_after(meminfo, "MemTotal", 0);
        c->mem_available = number_after(meminfo, "MemAvailable", 0);
    }
    if (diskstats)
        parse_disks(c, diskstats);
    if (vmstat)
        c->pages = number_after(vmstat, "pgpgin", 0) +
                   number_after(vmstat, "pgpgout", 0);
    if (pressure && (avg = strstr(pressure, "avg10=")))
        c->pressure = strtod(avg + 6, NULL) / 100;
}

static void factor_set(struct policy_load *load, enum policy_factor f,
                       double value, bool known)
{
    load->factor[f] = known && value > 0 ? value : 0;
    if (known)
        load->known |= 1u << f;
}

void policy_load_between(struct policy_load *load,
                         const struct policy_counters *before,
                         const struct policy_counters *now, double seconds,
                         uint32_t own)
{
    double ticks = now->total - before->total;
    double cpus = now->processors ? now->processors : 1;
    /* The process that reads /proc/stat counts itself. */
    double others = (double)now->running - 1 - own;

    memset(load, 0, sizeof *load);
    factor_set(load, POLICY_LOAD_CPU,
               ticks > 0 ? (now->busy - before->busy) / ticks : 0, ticks > 0);
    factor_set(load, POLICY_LOAD_RUNQ, others / cpus, now->processors > 0);
    factor_set(load, POLICY_LOAD_MEM,
               now->mem_total > 0 ? 1 - now->mem_available / now->mem_total : 0,
               now->mem_total > 0);
    factor_set(load, POLICY_LOAD_DISK, (now->blocks - before->blocks) / seconds,
               now->blocks > 0);
    factor_set(load, POLICY_LOAD_PAGING, (now->pages - before->pages) / seconds,
               now->pages > 0);
    factor_set(load, POLICY_LOAD_INTR, (now->intr - before->intr) / seconds,
               now->intr > 0);
    factor_set(load, POLICY_LOAD_SWITCH,
               (now->switches - before->switches) / seconds, now->switches > 0);
    factor_set(load, POLICY_LOAD_PRESSURE, now->pressure, now->pressure >= 0);
}

double policy_load_scalar(const struct policy_load *load)
{
    return load->factor[POLICY_LOAD_RUNQ];
}

enum policy_level policy_load_vote(const struct policy_load *load,
                                   const struct policy_marks *marks)
{
    uint32_t votes = 0, under = 0, over = 0;
    int f;

    for (f = 0; f < POLICY_FACTORS; f++) {
        if (!(load->known & (1u << f)))
            continue;
        votes++;
        under += load->factor[f] < marks->low[f];
        over += load->factor[f] > marks->high[f];
    }
    if (2 * under > votes)
        return POLICY_UNDER;
    return 2 * over > votes ? POLICY_OVER : POLICY_NORMAL;
}

double policy_load_match(const struct policy_load *load,
                         const struct policy_load *profile)
{
    double sum = 0;
    int f;

    for (f = 0; f < POLICY_FACTORS; f++)
        if (load->known & profile->known & (1u << f))
            sum += load->factor[f] * profile->factor[f];
    return sum;
}

enum policy_level policy_level_of(double value, double low, double high)
{
    if (value < low)
        return POLICY_UNDER;
    return value > high ? POLICY_OVER : POLICY_NORMAL;
}
