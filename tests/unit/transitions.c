/* transitions.c - prints every transition that the tables of job and station
 * states have, one a line, as the points of scheduler/pool/testpoint.h */
#include "scheduler/core/job.h"
#include "scheduler/core/station_state.h"

#include <stdio.h>

static void word(const char *text)
{
    putchar(' ');
    for (; *text; text++)
        putchar(*text == ' ' ? '-' : *text);
}

static void line(const char *who, const char *from, const char *event)
{
    fputs(who, stdout);
    word(from);
    word(event);
    putchar('\n');
}

int main(void)
{
    for (int from = 0; from < JOB_STATE_COUNT; from++)
        for (int event = 0; event < JOB_EVENT_COUNT; event++)
            if (job_next((enum job_state)from, (enum job_event)event) !=
                JOB_NONE)
                line("job", job_state_name((enum job_state)from),
                     job_event_name((enum job_event)event));
    for (int from = 0; from < STATION_STATES; from++)
        for (int event = 0; event < STATION_EVENTS; event++) {
            enum station_state state = (enum station_state)from;
            if (station_state_step(&state, (enum station_event)event))
                line("station", station_state_name((enum station_state)from),
                     station_event_name((enum station_event)event));
        }
    line("coordinator", "waiting", "matched");
    return 0;
}
