/* fileserver.h - ckpt-mount as the starter's second child */
#ifndef CKPT_SCHEDULER_FILESERVER_H
#define CKPT_SCHEDULER_FILESERVER_H

#include "lib/common/err.h"
#include "scheduler/starter/confine.h"

#include <stdbool.h>
#include <sys/types.h>

struct fileserver {
    pid_t pid;  /* 0: there is none, or no more */
    int status; /* once it has ended */
};

/* Start it; it reads the boot record from boot_fd.  `user` says as whom.
 * Returns our end of the socket to it, or -1. */
int fileserver_start(struct fileserver *server, const struct confine *user,
                     int boot_fd, struct ckpt_err *err);

/* It has ended. */
bool fileserver_ended(struct fileserver *server);

/* The job is over: wait until everything that it wrote is at home, but not
 * while give_up(arg).  0, or -1 with the reason. */
int fileserver_finish(struct fileserver *server, bool (*give_up)(void *arg),
                      void *arg, struct ckpt_err *err);

void fileserver_kill(struct fileserver *server);

#endif
