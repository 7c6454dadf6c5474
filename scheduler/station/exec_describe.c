/* exec_describe.c - see exec.h: what a station says of itself */
#include "scheduler/station/exec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <unistd.h>

static char *features(const struct exec *exec)
{
    static char flags[POOL_TEXT_MAX + 1];
    char line[8192];

    if (flags[0])
        return flags;
    strcpy(flags, exec->mounts ? "mount" : "");
    FILE *in = fopen("/proc/cpuinfo", "re");
    while (in && fgets(line, sizeof line, in)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "flags", 5) != 0 || !colon)
            continue;
        /* those that programs of today are built for */
        static const char *const known[] = {
            "sse4_1", "sse4_2", "avx",     "avx2",     "fma",     "bmi1",
            "bmi2",   "aes",    "avx512f", "avx512vl", "avx512bw"};
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
            char word[32];
            snprintf(word, sizeof word, " %s ", known[i]);
            if (!strstr(colon, word))
                continue;
            size_t len = strlen(flags);
            snprintf(flags + len, sizeof flags - len, "%s%s", len ? " " : "",
                     known[i]);
        }
        break;
    }
    if (in)
        fclose(in);
    return flags;
}

uint64_t exec_job_cpu_ms(const struct exec *exec)
{
    uint64_t user = 0, kernel = 0;

    if (exec->claim.pid > 0)
        load_process_ticks(exec->claim.pid, &user, &kernel);
    return (user + kernel) * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

void exec_describe(struct exec *exec, pool_station *ad)
{
    struct statvfs disk = {.f_bavail = 0};
    struct sysinfo memory = {.totalram = 0};

    sysinfo(&memory);
    statvfs(exec->scratch, &disk);
    uint64_t disk_free = (uint64_t)disk.f_bavail * disk.f_frsize;
    if (exec->settings.job_disk > 0 && exec->settings.job_disk < disk_free)
        disk_free = exec->settings.job_disk;
    *ad = (pool_station){
        .name = exec->name,
        .addr = exec->addr,
        .boot_id = exec->boot_id,
        .seq = ++exec->seq,
        .state = (pool_station_state)exec->state,
        .why = exec->why,
        .since = exec->since,
        .owner_idle_ms = owner_idle_ms(exec->owner, pool_now_ms()),
        .load_milli = load_milli(&exec->load),
        .mem_total = (uint64_t)memory.totalram * memory.mem_unit,
        .mem_free = (uint64_t)memory.freeram * memory.mem_unit,
        .disk_free = disk_free,
        .cpus = (unsigned)sysconf(_SC_NPROCESSORS_ONLN),
        .arch = (char *)(uintptr_t) "x86_64",
        .features = features(exec),
        .job = exec->claim.job,
        .home = exec->claim.home,
        .owner = exec->claim.owner,
        .claims = exec->claims,
    };
    measure_describe(&exec->measure, &exec->settings.params.marks, ad);
    if (exec->claim.held)
        ad->job_here_ms = pool_now_ms() - exec->claim.begun_ms;
    ad->job_cpu_ms = exec_job_cpu_ms(exec);
}

void exec_advertise(struct exec *exec)
{
    pool_station ad;

    if (!exec->changed)
        return;
    exec_describe(exec, &ad);
    if (advert_send(exec->advert, &ad))
        exec->changed = false;
}
