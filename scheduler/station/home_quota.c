/* home_quota.c - the room that checkpoint images take at home; see home.h
 *
 * image_quota bounds all images together.  While they take more, every job
 * keeps only its newest one: of a job that runs its shadow sees to that (the
 * file `keep` of its directory, which it reads after each checkpoint), of one
 * that waits or is held we do.  The newest is always kept, and a new one is
 * there before the old one goes.  Looked at after checkpoints and when a job
 * has left its station, at most every LOOK_MS.
 */
#include "scheduler/pool/log.h"
#include "scheduler/pool/serving.h"
#include "scheduler/station/home.h"

#include "shadow/jobdir.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOOK_MS = 2000 };

/* The bytes of the files below a job's directory that are images. */
static uint64_t images_size(const char *job_dir)
{
    char path[PATH_MAX + 16];
    uint64_t sum = 0;
    struct dirent *entry;
    struct stat st;

    snprintf(path, sizeof path, "%.4000s/images", job_dir);
    DIR *dir = opendir(path);
    while (dir && (entry = readdir(dir)) != NULL)
        if ((strncmp(entry->d_name, "image.", 6) == 0 ||
             strncmp(entry->d_name, "damaged.", 8) == 0) &&
            fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            sum += (uint64_t)st.st_blocks * 512;
    if (dir)
        closedir(dir);
    return sum;
}

/* Call fn for the directory of each job. */
static void each_job(struct home *home,
                     void (*fn)(struct home *home, const char *dir, void *arg),
                     void *arg)
{
    char path[PATH_MAX + 32], job[2 * PATH_MAX];
    struct dirent *entry;

    snprintf(path, sizeof path, "%s/home/jobs", home->pool.path);
    DIR *dir = opendir(path);
    while (dir && (entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.') {
            snprintf(job, sizeof job, "%s/%s", path, entry->d_name);
            fn(home, job, arg);
        }
    if (dir)
        closedir(dir);
}

static void add_images(struct home *home, const char *dir, void *arg)
{
    (void)home;
    *(uint64_t *)arg += images_size(dir);
}

static void prune_images(struct home *home, const char *dir, void *arg)
{
    uint64_t before = images_size(dir);
    struct ckpt_err err;

    (void)home, (void)arg;
    if (jobdir_shadow_pid(dir) != 0)
        return;
    if (jobdir_images_prune(dir, &err) < 0)
        log_line("%s: %s", dir, err.text);
    else if (images_size(dir) < before)
        log_line("%s: only the newest image is kept: image_quota", dir);
}

static void keep_set(const struct active *active, bool newest_only)
{
    char path[PATH_MAX + 8];
    struct ckpt_err err;

    snprintf(path, sizeof path, "%s/keep", active->dir);
    if (!newest_only)
        unlink(path);
    else if (access(path, F_OK) < 0 &&
             jobdir_file_write(active->dir, "keep", "1\n", 2, &err) < 0)
        log_line("job %llu: %s", (unsigned long long)active->id, err.text);
}

void quota_step(struct home *home, uint64_t now)
{
    uint64_t quota = home->settings.image_quota;

    if (quota == 0 || !home->quota_due || now < home->quota_ms)
        return;
    home->quota_due = false;
    home->quota_ms = now + LOOK_MS;
    uint64_t size = 0;
    each_job(home, add_images, &size);
    bool over = size > quota;
    if (over != home->over_quota)
        log_line("images take %llu bytes, image_quota is %llu: %s",
                 (unsigned long long)size, (unsigned long long)quota,
                 over ? "only the newest of each job is kept"
                      : "there is room again");
    home->over_quota = over;
    for (struct active *a = home->active; a; a = a->next)
        keep_set(a, over);
    if (over)
        each_job(home, prune_images, NULL);
}

uint32_t quota_keep(const struct home *home)
{
    return home->over_quota ? 1 : home->settings.keep_images;
}
