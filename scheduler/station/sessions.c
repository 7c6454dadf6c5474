/* sessions.c - see sessions.h */
#include "config.h"

#include "scheduler/station/sessions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_LIBSYSTEMD
#include <systemd/sd-login.h>
#include <unistd.h>

static bool text_is(char *text, const char *a, const char *b)
{
    bool is = strcmp(text, a) == 0 || strcmp(text, b) == 0;

    free(text);
    return is;
}

static void count(struct sessions *s, const char *session)
{
    char *class = NULL, *type = NULL;

    if (sd_session_is_active(session) <= 0 || sd_session_is_remote(session) > 0)
        return;
    if (sd_session_get_class(session, &class) < 0 ||
        !text_is(class, "user", "user-early"))
        return;
    s->local++;
    if (sd_session_get_type(session, &type) >= 0 &&
        !text_is(type, "tty", "unspecified"))
        s->graphical++;
}

void sessions_look(struct sessions *s)
{
    char **list = NULL;

    if (s->monitor)
        sd_login_monitor_flush(s->monitor);
    s->local = s->graphical = 0;
    int n = sd_get_sessions(&list);
    s->known = n >= 0 && access("/run/systemd/sessions", F_OK) == 0;
    for (int i = 0; i < n; i++) {
        count(s, list[i]);
        free(list[i]);
    }
    free(list);
    if (s->known)
        snprintf(s->says, sizeof s->says,
                 "%u of users at the machine, %u of them graphical", s->local,
                 s->graphical);
    else
        snprintf(s->says, sizeof s->says, "no systemd-logind here");
}

void sessions_open(struct sessions *s)
{
    sd_login_monitor *monitor = NULL;

    memset(s, 0, sizeof *s);
    s->fd = -1;
    if (sd_login_monitor_new("session", &monitor) >= 0) {
        s->monitor = monitor;
        s->fd = sd_login_monitor_get_fd(monitor);
    }
    sessions_look(s);
}

void sessions_close(struct sessions *s)
{
    sd_login_monitor_unref(s->monitor);
    s->monitor = NULL;
    s->fd = -1;
}

#else

void sessions_look(struct sessions *s)
{
    snprintf(s->says, sizeof s->says, "built without libsystemd");
}

void sessions_open(struct sessions *s)
{
    memset(s, 0, sizeof *s);
    s->fd = -1;
    sessions_look(s);
}

void sessions_close(struct sessions *s)
{
    (void)s;
}

#endif
