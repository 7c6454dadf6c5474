/* load.h - the load of this machine without our own jobs
 *
 * Cores kept busy by programs at normal priority, smoothed over about fifteen
 * seconds.  Jobs of the pool run at nice 19, which the kernel books apart, on
 * all stations of this machine; only their time in the kernel has to be taken
 * off.  (A run-queue average, /proc/loadavg, could not tell ours from others'
 * and remembers a job for minutes after it has gone.)
 */
#ifndef CKPT_SCHEDULER_LOAD_H
#define CKPT_SCHEDULER_LOAD_H

#include <stdbool.h>
#include <stdint.h>

struct load {
    bool known;
    double cores;
    uint64_t at_ms;
    uint64_t busy; /* ticks at normal priority, all processors */
    uint64_t own;  /* kernel ticks of our own job */
    bool started;
};

/* Take a sample; own_system_ticks is what our job has used in the kernel so
 * far (it may fall back to 0 when a job ends). */
void load_sample(struct load *load, uint64_t now_ms, uint64_t own_system_ticks);
uint32_t load_milli(const struct load *load);

/* Ticks of user and kernel time that process pid has used; false when it is
 * gone. */
bool load_process_ticks(int pid, uint64_t *user, uint64_t *kernel);

#endif
