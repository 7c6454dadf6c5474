/* hours.c - see hours.h */
#include "scheduler/core/hours.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const days[] = {"sun", "mon", "tue", "wed",
                                   "thu", "fri", "sat"};

static int day_of(const char *name, size_t len)
{
    for (int d = 0; d < 7; d++)
        if (len == 3 && strncmp(days[d], name, 3) == 0)
            return d;
    return -1;
}

/* "mon", "fri-mon" */
static bool parse_days(const char *word, int *first, int *last)
{
    const char *dash = strchr(word, '-');

    *first = day_of(word, dash ? (size_t)(dash - word) : strlen(word));
    *last = dash ? day_of(dash + 1, strlen(dash + 1)) : *first;
    return *first >= 0 && *last >= 0;
}

/* "18:00" or "18"; the end of the text in *end */
static bool parse_time(const char *text, int *minutes, const char **end)
{
    unsigned hour, minute = 0;
    int n = 0, more = 0;

    if (text[0] < '0' || text[0] > '9' || sscanf(text, "%2u%n", &hour, &n) != 1)
        return false;
    if (text[n] == ':') {
        if (sscanf(text + n, ":%2u%n", &minute, &more) != 1 || more != 3)
            return false;
        n += more;
    }
    *end = text + n;
    *minutes = (int)(hour * 60 + minute);
    return minute < 60 && *minutes <= HOURS_DAY;
}

static bool parse_times(const char *word, int *from, int *to)
{
    const char *end;

    return parse_time(word, from, &end) && *end == '-' &&
           parse_time(end + 1, to, &end) && *end == '\0' && *from != *to &&
           *from < HOURS_DAY;
}

static void add(struct hours *hours, int day, int from, int to)
{
    if (to < from)
        to += HOURS_DAY;
    for (int m = from; m < to; m++) {
        int at = (day * HOURS_DAY + m) % HOURS_WEEK;
        hours->minute[at / 8] |= (uint8_t)(1u << at % 8);
    }
}

static bool parse_entry(struct hours *hours, const char *entry)
{
    char a[32] = "", b[32] = "", rest;
    int first = 0, last = 6, from = 0, to = HOURS_DAY;
    int n = sscanf(entry, " %31s %31s %c", a, b, &rest);

    if (n < 1 || n > 2)
        return false;
    bool has_days = parse_days(a, &first, &last);
    const char *times = has_days ? b : a;
    if ((!has_days && n == 2) || (times[0] && !parse_times(times, &from, &to)))
        return false;
    if (!has_days)
        first = 0, last = 6;
    for (int d = first;; d = (d + 1) % 7) {
        add(hours, d, from, to);
        if (d == last)
            return true;
    }
}

int hours_parse(struct hours *hours, const char *text, struct ckpt_err *err)
{
    char entry[128];

    memset(hours, 0, sizeof *hours);
    if (strcmp(text, "never") == 0)
        return 0;
    if (strcmp(text, "always") == 0) {
        memset(hours, 0xff, sizeof *hours);
        return 0;
    }
    for (const char *at = text;; at++) {
        size_t len = strcspn(at, ",");
        snprintf(entry, sizeof entry, "%.*s", (int)len, at);
        if (len >= sizeof entry || !parse_entry(hours, entry))
            return ckpt_err_set(err, EINVAL,
                                "%s: always, never, or hours as in 'mon-fri "
                                "18:00-8:00, sat, sun' are wanted",
                                entry);
        at += len;
        if (*at == '\0')
            return 0;
    }
}

bool hours_have(const struct hours *hours, int weekday, int hour, int minute)
{
    int at = (weekday * HOURS_DAY + hour * 60 + minute) % HOURS_WEEK;

    return hours->minute[at / 8] >> at % 8 & 1;
}
