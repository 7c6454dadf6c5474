/* load.c - see load.h */
#include "scheduler/station/load.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const double SMOOTH_MS = 15000;

/* user + system + irq + softirq of /proc/stat's first line (proc(5)); the
 * second field, nice, is left out. */
static bool read_busy(uint64_t *busy)
{
    unsigned long long user, nice, system, idle, iowait, irq, softirq;
    FILE *in = fopen("/proc/stat", "re");

    if (!in)
        return false;
    int n = fscanf(in, "cpu %llu %llu %llu %llu %llu %llu %llu", &user, &nice,
                   &system, &idle, &iowait, &irq, &softirq);
    fclose(in);
    if (n != 7)
        return false;
    *busy = user + system + irq + softirq;
    return true;
}

static uint64_t grown(uint64_t now, uint64_t before)
{
    return now > before ? now - before : 0;
}

void load_sample(struct load *load, uint64_t now_ms, uint64_t own_system_ticks)
{
    uint64_t busy;

    if (!read_busy(&busy)) {
        load->known = load->started = false;
        return;
    }
    uint64_t passed = grown(now_ms, load->at_ms);
    if (load->started && passed < 100)
        return;
    if (load->started) {
        uint64_t others =
            grown(grown(busy, load->busy), grown(own_system_ticks, load->own));
        double cores = (double)others * 1000 / (double)sysconf(_SC_CLK_TCK) /
                       (double)passed;
        double weight = (double)passed / SMOOTH_MS;
        if (!load->known || weight > 1)
            weight = 1;
        load->cores += weight * (cores - load->cores);
        load->known = true;
    }
    load->started = true;
    load->at_ms = now_ms;
    load->busy = busy;
    load->own = own_system_ticks;
}

uint32_t load_milli(const struct load *load)
{
    return (uint32_t)(load->cores * 1000);
}

bool load_process_ticks(int pid, uint64_t *user, uint64_t *kernel)
{
    unsigned long long utime, stime;
    char path[64], line[1024];

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *in = fopen(path, "re");
    if (!in)
        return false;
    char *got = fgets(line, sizeof line, in);
    fclose(in);
    const char *after = got ? strrchr(line, ')') : NULL; /* name may have any */
    if (!after ||
        sscanf(after, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
               &utime, &stime) != 2)
        return false;
    *user = utime;
    *kernel = stime;
    return true;
}
