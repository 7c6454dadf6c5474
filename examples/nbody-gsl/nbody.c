/* nbody.c - a star cluster, integrated with the GNU Scientific Library
 *
 * Reads what to do from an input file, and writes as a simulation does:
 *
 *   trajectory.csv   a line per report, appended
 *   run.log          what happened when (simulated time), appended
 *   summary.dat      rewritten in place at every report: fixed-width records
 *   density.pgm      where the stars have been, a picture, written at the end
 *
 * The outputs depend on the input only: no clock, no pid, no random device.
 * Nothing here knows of checkpoints.
 */
#include <gsl/gsl_errno.h>
#include <gsl/gsl_math.h>
#include <gsl/gsl_odeiv2.h>
#include <gsl/gsl_rng.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GRID = 512 };

struct params {
    int bodies;
    int reports;
    int seed;
    double interval;  /* simulated time between reports */
    double softening; /* keeps close encounters finite */
    double accuracy;
};

struct cluster {
    struct params params;
    double *mass;
    double *y; /* positions x,y,z of every body, then velocities */
    double *density;
};

static void die(const char *what, const char *name)
{
    fprintf(stderr, "nbody: %s: %s\n", name, what);
    exit(1);
}

static FILE *must_open(const char *name, const char *mode)
{
    FILE *f = fopen(name, mode);
    if (!f)
        die("cannot open", name);
    return f;
}

static void read_params(const char *name, struct params *p)
{
    FILE *f = must_open(name, "r");
    char key[32];
    double value;

    while (fscanf(f, " %31[a-z] = %lf", key, &value) == 2) {
        if (!strcmp(key, "bodies"))
            p->bodies = (int)value;
        else if (!strcmp(key, "reports"))
            p->reports = (int)value;
        else if (!strcmp(key, "seed"))
            p->seed = (int)value;
        else if (!strcmp(key, "interval"))
            p->interval = value;
        else if (!strcmp(key, "softening"))
            p->softening = value;
        else if (!strcmp(key, "accuracy"))
            p->accuracy = value;
        else
            die("unknown key", key);
    }
    if (!feof(f) || p->bodies < 2)
        die("not an input file", name);
    fclose(f);
}

/* Stars in a ball, turning slowly, at rest as a whole. */
static void create(struct cluster *c)
{
    const struct params *p = &c->params;
    size_t n = (size_t)p->bodies;
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);

    gsl_rng_set(rng, (unsigned long)p->seed);
    c->mass = calloc(n, sizeof *c->mass);
    c->y = calloc(6 * n, sizeof *c->y);
    c->density = calloc((size_t)GRID * GRID, sizeof *c->density);
    if (!c->mass || !c->y || !c->density)
        die("no memory", "bodies");
    for (size_t i = 0; i < n; i++) {
        double *r = c->y + 3 * i, *v = c->y + 3 * n + 3 * i;
        c->mass[i] = (0.5 + gsl_rng_uniform(rng)) / (double)n;
        for (int k = 0; k < 3; k++)
            r[k] = 2 * gsl_rng_uniform(rng) - 1;
        v[0] = -0.4 * r[1];
        v[1] = 0.4 * r[0];
        v[2] = 0.1 * (gsl_rng_uniform(rng) - 0.5);
    }
    gsl_rng_free(rng);
}

/* dy/dt: velocities, and the pull of every pair. */
static int derivatives(double t, const double y[], double dydt[], void *arg)
{
    const struct cluster *c = arg;
    size_t n = (size_t)c->params.bodies;
    double eps2 = gsl_pow_2(c->params.softening);
    double *acc = dydt + 3 * n;

    (void)t;
    memcpy(dydt, y + 3 * n, 3 * n * sizeof *y);
    memset(acc, 0, 3 * n * sizeof *acc);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = i + 1; j < n; j++) {
            double dx = y[3 * j] - y[3 * i];
            double dy = y[3 * j + 1] - y[3 * i + 1];
            double dz = y[3 * j + 2] - y[3 * i + 2];
            double d2 = dx * dx + dy * dy + dz * dz + eps2;
            double w = 1 / (d2 * sqrt(d2));
            double wi = w * c->mass[j], wj = w * c->mass[i];
            acc[3 * i] += wi * dx;
            acc[3 * i + 1] += wi * dy;
            acc[3 * i + 2] += wi * dz;
            acc[3 * j] -= wj * dx;
            acc[3 * j + 1] -= wj * dy;
            acc[3 * j + 2] -= wj * dz;
        }
    }
    return GSL_SUCCESS;
}

static double energy(const struct cluster *c)
{
    size_t n = (size_t)c->params.bodies;
    double eps2 = gsl_pow_2(c->params.softening), e = 0;

    for (size_t i = 0; i < n; i++) {
        const double *r = c->y + 3 * i, *v = c->y + 3 * n + 3 * i;
        e += c->mass[i] * (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]) / 2;
        for (size_t j = i + 1; j < n; j++) {
            const double *s = c->y + 3 * j;
            e -= c->mass[i] * c->mass[j] /
                 sqrt(gsl_pow_2(r[0] - s[0]) + gsl_pow_2(r[1] - s[1]) +
                      gsl_pow_2(r[2] - s[2]) + eps2);
        }
    }
    return e;
}

static void expose(struct cluster *c)
{
    for (int i = 0; i < c->params.bodies; i++) {
        double x = (c->y[3 * i] + 2) / 4 * GRID;
        double y = (c->y[3 * i + 1] + 2) / 4 * GRID;
        if (x >= 0 && x < GRID && y >= 0 && y < GRID)
            c->density[(int)y * GRID + (int)x] += 1;
    }
}

/* Record `report` of summary.dat, and the running totals in its first line:
 * both in place. */
static void rewrite_summary(FILE *f, int report, double t, double e, double e0)
{
    rewind(f);
    fprintf(f, "reports %8d time %12.6f drift %+12.5e\n", report, t,
            e / e0 - 1);
    fseek(f, 54L + 32L * (report % 64), SEEK_SET);
    fprintf(f, "%6d %24.16e\n", report, e);
    fflush(f);
}

static void write_picture(const struct cluster *c)
{
    FILE *f = must_open("density.pgm", "w");
    double max = gsl_stats_max(c->density, 1, (size_t)GRID * GRID);

    fprintf(f, "P5 %d %d 255\n", GRID, GRID);
    for (int i = 0; i < GRID * GRID; i++)
        fputc((int)(255 * sqrt(c->density[i] / max)), f);
    fclose(f);
}

static void simulate(struct cluster *c)
{
    const struct params *p = &c->params;
    gsl_odeiv2_system sys = {derivatives, NULL, 6 * (size_t)p->bodies, c};
    gsl_odeiv2_driver *driver = gsl_odeiv2_driver_alloc_y_new(
        &sys, gsl_odeiv2_step_rk8pd, p->interval / 10, p->accuracy, 0);
    FILE *trajectory = must_open("trajectory.csv", "a");
    FILE *log = must_open("run.log", "a");
    FILE *summary = must_open("summary.dat", "w+");
    double t = 0, e0 = energy(c);

    fprintf(log, "start: %d bodies, energy %.12f\n", p->bodies, e0);
    for (int report = 1; report <= p->reports; report++) {
        if (gsl_odeiv2_driver_apply(driver, &t, report * p->interval, c->y))
            die("integration failed", "gsl");
        expose(c);
        fprintf(trajectory, "%d,%.6f", report, t);
        for (int k = 0; k < 9; k++)
            fprintf(trajectory, ",%.15g", c->y[k]);
        fprintf(trajectory, "\n");
        fprintf(log, "t = %.4f: %lu steps, energy %.12f\n", t, driver->n,
                energy(c));
        fflush(log);
        rewrite_summary(summary, report, t, energy(c), e0);
    }
    fprintf(log, "end\n");
    fclose(trajectory);
    fclose(log);
    fclose(summary);
    gsl_odeiv2_driver_free(driver);
}

int main(int argc, char *argv[])
{
    struct cluster c = {
        .params = {.interval = 0.01, .softening = 0.05, .accuracy = 1e-9}};

    if (argc != 2) {
        fprintf(stderr, "usage: nbody INPUT\n");
        return 2;
    }
    read_params(argv[1], &c.params);
    create(&c);
    simulate(&c);
    write_picture(&c);
    printf("nbody: %d bodies, %d reports, final energy %.12f\n",
           c.params.bodies, c.params.reports, energy(&c));
    free(c.mass);
    free(c.y);
    free(c.density);
    return 0;
}
