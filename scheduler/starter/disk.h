/* disk.h - how much of the station's disk a job takes
 *
 * There is no quota that an ordinary user could set for a directory, so it is
 * looked at again and again: every DISK_LOOK_MS, less often where that itself
 * takes long.  Counted is what the job's scratch directory occupies, its image
 * and program included, and files without a name that its first process holds
 * open.
 */
#ifndef CKPT_SCHEDULER_DISK_H
#define CKPT_SCHEDULER_DISK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { DISK_LOOK_MS = 250 };

struct disk {
    uint64_t limit; /* bytes; 0: any */
    uint64_t used;  /* at the last look */
    uint64_t next_ms;
};

/* Look, if it is time to.  True when the job takes more than it may. */
bool disk_look(struct disk *disk, const char *scratch, pid_t pid,
               uint64_t now_ms);

#endif
