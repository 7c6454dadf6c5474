/* plot.c - see plot.h */
#include "scheduler/sim/plot.h"

#include <stdio.h>
#include <unistd.h>

#define WIDTH 900
#define LEFT 110
#define RIGHT 150
#define INNER (WIDTH - LEFT - RIGHT)
#define BAR 22
#define LINES 130
#define ROW 5
#define GAP 56

/* Colours that remain apart for colour-blind readers (Okabe and Ito). */
#define C_JOBS "#d55e00"
#define C_BUSY "#0072b2"
#define C_OWNER "#999999"
#define C_BOTH "#e69f00"

static void text(FILE *f, double x, double y, const char *anchor, int size,
                 const char *s)
{
    fprintf(f, "<text x='%.1f' y='%.1f' text-anchor='%s' font-size='%d'>", x, y,
            anchor, size);
    for (; *s; s++) {
        if (*s == '<' || *s == '&')
            fputs(*s == '<' ? "&lt;" : "&amp;", f);
        else
            fputc(*s, f);
    }
    fputs("</text>\n", f);
}

static void number(FILE *f, double x, double y, const char *anchor, double v,
                   const char *unit)
{
    char buf[64];

    snprintf(buf, sizeof buf, v >= 1000 ? "%.0f%s" : "%.3g%s", v, unit);
    text(f, x, y, anchor, 11, buf);
}

static void bars(FILE *f, double top, const struct sim_plot_run *runs,
                 uint32_t n, enum sim_metric metric)
{
    double most = 1e-300;
    uint32_t i;

    for (i = 0; i < n; i++) {
        double v =
            runs[i].summary->mean[metric] + runs[i].summary->half[metric];

        most = v > most ? v : most;
    }
    for (i = 0; i < n; i++) {
        double v = runs[i].summary->mean[metric];
        double half = runs[i].summary->half[metric];
        double y = top + i * BAR, x = LEFT + v / most * INNER;

        text(f, LEFT - 6, y + 13, "end", 12, runs[i].label);
        fprintf(f,
                "<rect x='%d' y='%.1f' width='%.1f' height='%d' "
                "fill='" C_BUSY "'/>\n",
                LEFT, y + 2, x - LEFT, BAR - 6);
        if (half > 0)
            fprintf(f,
                    "<line x1='%.1f' x2='%.1f' y1='%.1f' y2='%.1f' "
                    "stroke='black' stroke-width='1.5'/>\n",
                    x - half / most * INNER, x + half / most * INNER, y + 10,
                    y + 10);
        number(f, x + half / most * INNER + 6, y + 14, "start", v, " s");
    }
}

static void curve(FILE *f, const float *v, uint32_t n, double most, double top,
                  const char *colour)
{
    uint32_t i;

    fprintf(f, "<polyline fill='none' stroke='%s' stroke-width='1.5' points='",
            colour);
    for (i = 0; i < n; i++)
        fprintf(f, "%.1f,%.1f ", LEFT + (double)i / SIM_SERIES * INNER,
                top + LINES - (double)v[i] / most * LINES);
    fputs("'/>\n", f);
}

static void key(FILE *f, double y, const char *colour, const char *s)
{
    fprintf(f, "<rect x='%d' y='%.1f' width='12' height='8' fill='%s'/>\n",
            WIDTH - RIGHT + 10, y - 8, colour);
    text(f, WIDTH - RIGHT + 27, y, "start", 11, s);
}

static void axis(FILE *f, double top, double most, double end_s)
{
    static const struct {
        double s;
        const char *name;
    } units[] = {{86400, " d"}, {3600, " h"}, {60, " min"}, {1, " s"}};
    size_t u = 0;
    int i;

    while (u < 3 && end_s < 2 * units[u].s)
        u++;
    fprintf(f,
            "<rect x='%d' y='%.1f' width='%d' height='%d' fill='none' "
            "stroke='#666'/>\n",
            LEFT, top, INNER, LINES);
    number(f, LEFT - 6, top + 10, "end", most, "");
    text(f, LEFT - 6, top + LINES, "end", 11, "0");
    for (i = 0; i <= 4; i++)
        number(f, LEFT + INNER * i / 4.0, top + LINES + 14, "middle",
               end_s / units[u].s * i / 4, units[u].name);
}

static double most_of(const struct sim_result *r)
{
    double most = 1;
    uint32_t i;

    for (i = 0; i < r->n_series; i++) {
        most = (double)r->in_system[i] > most ? (double)r->in_system[i] : most;
        most = (double)r->busy[i] > most ? (double)r->busy[i] : most;
        most = (double)r->owner[i] > most ? (double)r->owner[i] : most;
    }
    return most;
}

/* What a cell shows: 1 to 4 and more jobs, the owner, both; 0 nothing. */
static int kind_of(uint8_t v)
{
    if (v >= 254)
        return v == 254 ? 5 : 6;
    return v < 4 ? v : 4;
}

/* One row a station.  All cells of a kind are one path, and cells of a kind
 * beside each other one stroke of it. */
static void rows(FILE *f, const struct sim_result *r, double top)
{
    static const char *const colour[] = {
        NULL, "#56b4e9", "#0072b2", "#00507c", "#002e48", C_OWNER, C_BOTH};
    double cell = (double)INNER / SIM_SERIES;
    uint32_t k, i, from;
    int kind;

    for (kind = 1; kind < 7; kind++) {
        fprintf(f, "<path stroke='%s' stroke-width='%d' d='", colour[kind],
                ROW - 1);
        for (k = 0; k < r->n_rows; k++)
            for (i = 0; i < r->n_series; i = from) {
                from = i + 1;
                if (kind_of(r->row[k][i]) != kind)
                    continue;
                while (from < r->n_series && kind_of(r->row[k][from]) == kind)
                    from++;
                fprintf(f, "M%.0f %.0fh%.1f", LEFT + i * cell,
                        top + k * ROW + ROW / 2.0, (from - i) * cell);
            }
        fputs("'/>\n", f);
    }
}

static double panel(FILE *f, double top, const struct sim_plot_run *run,
                    uint32_t stations)
{
    const struct sim_result *r = run->first;
    double most = most_of(r), below = top + LINES + 24;
    char label[64];

    text(f, LEFT, top - 6, "start", 13, run->label);
    axis(f, top, most, r->series_step * SIM_SERIES);
    curve(f, r->owner, r->n_series, most, top, C_OWNER);
    curve(f, r->in_system, r->n_series, most, top, C_JOBS);
    curve(f, r->busy, r->n_series, most, top, C_BUSY);
    key(f, top + 12, C_JOBS, "jobs in the pool");
    key(f, top + 28, C_BUSY, "stations that work");
    key(f, top + 44, C_OWNER, "owners present");
    rows(f, r, below);
    snprintf(label, sizeof label, "%u of %u", r->n_rows, stations);
    text(f, LEFT - 6, below + 10, "end", 11, "stations");
    text(f, LEFT - 6, below + 24, "end", 11, label);
    key(f, below + 10, "#56b4e9", "1 job");
    key(f, below + 26, "#002e48", "4 or more");
    key(f, below + 42, C_OWNER, "owner");
    key(f, below + 58, C_BOTH, "owner and job");
    return below + (r->n_rows > 12 ? r->n_rows : 12) * ROW + GAP;
}

static double height_of(const struct sim_plot_run *runs, uint32_t n)
{
    double h = 70 + 2 * (n * BAR + GAP);
    uint32_t i;

    for (i = 0; i < n; i++) {
        uint32_t k = runs[i].first->n_rows;

        h += LINES + 24 + (k > 12 ? k : 12) * ROW + GAP;
    }
    return h - GAP / 2.0;
}

int sim_plot(const char *path, const char *title,
             const struct sim_plot_run *runs, uint32_t n, uint32_t stations,
             struct ckpt_err *err)
{
    FILE *f = fopen(path, "we");
    double y = 70;
    uint32_t i;
    int bad;

    if (!f)
        return ckpt_err_sys(err, "%s", path);
    fprintf(f,
            "<svg xmlns='http://www.w3.org/2000/svg' width='%d' "
            "height='%.0f' font-family='sans-serif'>\n"
            "<rect width='100%%' height='100%%' fill='white'/>\n",
            WIDTH, height_of(runs, n));
    text(f, LEFT, 26, "start", 16, title);
    text(f, LEFT, y - 16, "start", 12, "mean response time");
    bars(f, y - 8, runs, n, SIM_RESPONSE);
    y += n * BAR + GAP / 1.5;
    text(f, LEFT, y - 16, "start", 12, "of it, waiting");
    bars(f, y - 8, runs, n, SIM_WAIT);
    y += n * BAR + GAP / 1.5;
    for (i = 0; i < n; i++)
        y = panel(f, y, &runs[i], stations);
    fputs("</svg>\n", f);
    bad = ferror(f);
    if (fclose(f) != 0 || bad) {
        ckpt_err_sys(err, "%s", path);
        unlink(path);
        return -1;
    }
    return 0;
}
