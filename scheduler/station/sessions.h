/* sessions.h - who is logged in at the machine itself, as systemd-logind has it
 *
 * Terminals show by their times that somebody types; a graphical session shows
 * nothing but through the input devices, which an ordinary user may not read.
 * So a local session that is active and graphical, where no input device can be
 * read, means that its user counts as present.  (IdleHint is not asked: many
 * desktops never set it.)
 */
#ifndef CKPT_SCHEDULER_SESSIONS_H
#define CKPT_SCHEDULER_SESSIONS_H

#include <stdbool.h>

struct sessions {
    bool known;         /* there is a logind that told */
    unsigned local;     /* active sessions of users at this machine... */
    unsigned graphical; /* ...of which so many are graphical */
    int fd;             /* readable when they change; -1 */
    void *monitor;
    char says[96];
};

/* Without logind, or built without libsystemd: !known. */
void sessions_open(struct sessions *sessions);
void sessions_look(struct sessions *sessions);
void sessions_close(struct sessions *sessions);

#endif
