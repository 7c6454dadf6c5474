/* closed.c - see closed.h */
#include "scheduler/station/closed.h"

#include <stdio.h>
#include <time.h>

static bool hours_are_ours(const struct hours *hours)
{
    time_t now = time(NULL);
    struct tm tm;

    return localtime_r(&now, &tm) &&
           hours_have(hours, tm.tm_wday, tm.tm_hour, tm.tm_min);
}

/* "full avg10=0.00 avg60=..." of pressure/memory (Linux 4.20) */
static double memory_pressure(const char *dir)
{
    char path[PATH_MAX + 32], line[256];
    double percent = -1;

    snprintf(path, sizeof path, "%s/pressure/memory", dir);
    FILE *in = fopen(path, "re");
    while (in && fgets(line, sizeof line, in))
        sscanf(line, "full avg10=%lf", &percent);
    if (in)
        fclose(in);
    return percent;
}

void closed_open(struct closed *closed, const struct settings *settings)
{
    *closed = (struct closed){.settings = settings, .pressure = -1};
    sessions_open(&closed->sessions);
}

void closed_look(struct closed *closed, const struct owner *owner)
{
    const struct settings *set = closed->settings;

    sessions_look(&closed->sessions);
    closed->pressure = memory_pressure(set->load_from);
    closed->why = NULL;
    if (!hours_are_ours(&set->jobs_allowed))
        closed->why = "outside jobs_allowed";
    else if (closed->sessions.graphical > 0 && !owner_sees_input(owner))
        closed->why = "somebody uses the machine graphically, and no input "
                      "device can be read to tell when";
    else if (closed->pressure > set->pressure_limit)
        closed->why = "the machine is short of memory (pressure_limit)";
}

void closed_end(struct closed *closed)
{
    sessions_close(&closed->sessions);
}
