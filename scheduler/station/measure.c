/* measure.c - see measure.h */
#include "scheduler/station/measure.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_MAX = 65536 };

/* A file of /proc as a text; NULL when there is none. */
static const char *read_text(const char *dir, const char *name, char *text)
{
    char path[PATH_MAX + 32];
    size_t len = 0;
    ssize_t n = 0;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    while (len < TEXT_MAX - 1 &&
           (n = read(fd, text + len, TEXT_MAX - 1 - len)) > 0)
        len += (size_t)n;
    close(fd);
    text[len] = '\0';
    return n < 0 ? NULL : text;
}

static void count(struct policy_counters *counters, const char *dir)
{
    static char texts[5][TEXT_MAX];
    static const char *const names[] = {"stat", "meminfo", "diskstats",
                                        "vmstat", "pressure/cpu"};
    const char *text[5];

    for (int i = 0; i < 5; i++)
        text[i] = read_text(dir, names[i], texts[i]);
    policy_counters_parse(counters, text[0], text[1], text[2], text[3],
                          text[4]);
}

static bool is_running(int dir, const char *thread)
{
    char path[64], line[512];

    snprintf(path, sizeof path, "%.16s/stat", thread);
    int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof line - 1);
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return false;
    line[n] = '\0';
    const char *after = strrchr(line, ')');
    return after && after[1] == ' ' && after[2] == 'R';
}

static uint32_t running_threads(pid_t pid)
{
    char path[64];
    const struct dirent *entry;
    uint32_t n = 0;

    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *dir = pid > 0 ? opendir(path) : NULL;
    while (dir && (entry = readdir(dir)))
        if (entry->d_name[0] != '.')
            n += is_running(dirfd(dir), entry->d_name);
    if (dir)
        closedir(dir);
    return n;
}

/* Jobs of the pool are the only ones that are that nice. */
static void leave_out_ours(struct policy_counters *counters)
{
    counters->busy -= counters->nice;
}

static void smooth(struct measure *m, const struct policy_load *now, double own,
                   double weight)
{
    if (!m->known || weight > 1)
        weight = 1;
    for (int f = 0; f < POLICY_FACTORS; f++)
        m->others.factor[f] += weight * (now->factor[f] - m->others.factor[f]);
    m->others.known = now->known;
    m->own += weight * (own - m->own);
}

void measure_load(struct measure *m, const char *dir, pid_t job,
                  uint64_t now_ms, uint64_t smooth_ms)
{
    struct policy_counters counters;
    struct policy_load load;
    uint64_t passed = now_ms > m->at_ms ? now_ms - m->at_ms : 0;

    if (m->started && passed < 50)
        return;
    count(&counters, dir);
    leave_out_ours(&counters);
    uint32_t own = running_threads(job);
    if (m->started) {
        policy_load_between(&load, &m->before, &counters, (double)passed / 1000,
                            own);
        smooth(m, &load, own, (double)passed / (double)(smooth_ms + 1));
        m->known = true;
    }
    m->before = counters;
    m->at_ms = now_ms;
    m->started = true;
}

void measure_owner(struct measure *m, uint64_t idle_ms, uint64_t least_ms)
{
    if (idle_ms < m->idle_ms && m->idle_ms >= least_ms && least_ms > 0) {
        m->idle_sum_ms += (double)m->idle_ms;
        m->idle_n++;
    }
    m->idle_ms = idle_ms;
}

static uint32_t milli(double value)
{
    double m = value * 1000;

    return m < 0 ? 0 : m > 4e9 ? UINT32_MAX : (uint32_t)m;
}

void measure_describe(const struct measure *m, const struct policy_marks *marks,
                      pool_station *ad)
{
    double cpus = m->before.processors ? m->before.processors : 1;
    double others = policy_load_scalar(&m->others);

    _Static_assert(POLICY_FACTORS == POOL_FACTORS, "the index of pool.x");
    ad->idle_mean_ms = m->idle_n ? (uint64_t)(m->idle_sum_ms / m->idle_n) : 0;
    if (!m->known)
        return;
    ad->index_level = policy_load_vote(&m->others, marks);
    ad->index_known = m->others.known;
    ad->others_milli = milli(others);
    ad->total_milli = milli(others + m->own / cpus);
    for (int f = 0; f < POLICY_FACTORS; f++)
        ad->index_milli[f] = milli(m->others.factor[f]);
}
