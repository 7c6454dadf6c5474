/* ask.c - see ask.h */
#include "scheduler/station/ask.h"

#include "lib/capture/marker.h"
#include "lib/capture/request.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The signal by which a process is asked, as marker.h shows it; 0: none. */
static int marker_signal(pid_t pid)
{
    char path[64], line[512];
    int sig = 0;

    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "re");
    while (maps && sig == 0 && fgets(line, sizeof line, maps)) {
        const char *name = strstr(line, "/memfd:" CKPT_MARKER_PREFIX);
        if (name)
            sig = atoi(name + strlen("/memfd:" CKPT_MARKER_PREFIX));
    }
    if (maps)
        fclose(maps);
    return sig > 0 && sig <= 64 ? sig : 0;
}

/* A request without a reply: the program is confined and could not open our
 * end of a pipe. */
static bool ask_one(pid_t pid)
{
    int sig = marker_signal(pid);
    uint64_t value =
        (uint64_t)CKPT_REQUEST_MAGIC << 32 | (uint64_t)CKPT_REQUEST_EXIT << 28;
    siginfo_t info;

    if (sig == 0)
        return false;
    memset(&info, 0, sizeof info);
    info.si_signo = sig;
    info.si_code = SI_QUEUE;
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_ptr = (void *)(uintptr_t)value;
    return syscall(SYS_rt_sigqueueinfo, pid, sig, &info) == 0;
}

bool ask_to_leave(pid_t pid)
{
    char path[64];
    int child;
    bool asked = ask_one(pid);

    if (asked)
        return true;
    /* a program whose ids were restored has `ckpt restart` as its parent */
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid,
             (int)pid);
    FILE *in = fopen(path, "re");
    while (in && fscanf(in, "%d", &child) == 1)
        asked |= ask_one(child);
    if (in)
        fclose(in);
    return asked;
}
