/* home_stray.c - jobs given up with their stations, and leases that are kept;
 * see home.h
 *
 * A station that was not heard of for the lease has lost its job; the job goes
 * on elsewhere under a new epoch.  The old incarnation cannot do anything any
 * more, but it still occupies the station: as soon as that one can be reached
 * it is told to kill it.
 *
 * While nobody can be reached the fault is ours, and there is nobody to give
 * the jobs to: the file `alone` of their directories tells their shadows to
 * wait for the starters for as long as it takes.
 */
#include "scheduler/pool/log.h"
#include "scheduler/pool/serving.h"
#include "scheduler/station/home.h"

#include "shadow/jobdir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    STRAY_MS = 2000,
    STRAY_LEASES = 11, /* a starter ends its job by itself after ten */
};

void stray_add(struct home *home, const struct active *active)
{
    struct active *stray;

    if (!active->addr[0] || !(stray = malloc(sizeof *stray)))
        return;
    *stray = *active;
    explicit_bzero(stray->token, sizeof stray->token);
    stray->kill = true;
    snprintf(stray->reason, sizeof stray->reason,
             "its epoch is over: the station was not heard of");
    stray->leave_ms = stray->leave_since_ms = pool_now_ms();
    stray->next = home->strays;
    home->strays = stray;
}

void call_was_slow(struct home *home, uint64_t began_ms)
{
    uint64_t now = pool_now_ms();

    home->slow_ms = now + 2 * (now - began_ms);
}

/* True when nothing more is to be done. */
static bool told(struct home *home, struct active *stray)
{
    uint64_t now = pool_now_ms();
    struct ckpt_err err;

    if (now - stray->leave_since_ms >
        STRAY_LEASES * 1000ULL * home->settings.lease_s)
        return true;
    if (now < stray->leave_ms || now < home->slow_ms)
        return false;
    int rc = station_leave(home, stray, &err);
    if (rc == 0)
        log_line("job %llu epoch %u: %s is back, and told to end it",
                 (unsigned long long)stray->id, stray->epoch, stray->station);
    if (rc == 0 || errno == ESTALE)
        return true;
    call_was_slow(home, now);
    stray->leave_ms = pool_now_ms() + STRAY_MS;
    return false;
}

void stray_step(struct home *home)
{
    for (struct active **link = &home->strays; *link;) {
        struct active *stray = *link;
        if (!told(home, stray)) {
            link = &stray->next;
            continue;
        }
        *link = stray->next;
        free(stray);
    }
}

void alone_set(struct home *home, bool alone)
{
    char path[PATH_MAX + 8];
    struct ckpt_err err;

    if (alone == home->alone)
        return;
    home->alone = alone;
    if (home->active)
        log_line(alone ? "no station can be heard of: leases do not run out"
                       : "leases run again");
    for (const struct active *a = home->active; a; a = a->next) {
        snprintf(path, sizeof path, "%s/alone", a->dir);
        if (!alone)
            unlink(path);
        else if (jobdir_file_write(a->dir, "alone", "1\n", 2, &err) < 0)
            log_line("job %llu: %s", (unsigned long long)a->id, err.text);
    }
}
