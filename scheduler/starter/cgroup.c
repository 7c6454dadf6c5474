/* cgroup.c - see cgroup.h */
#include "scheduler/starter/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { REMOVE_TRIES = 50, LEFT_S = 60 };

/* Of the starter's number. */
#define CGROUP_NAME "ckpt-job-%d"

static bool put(const char *dir, const char *file, const char *text)
{
    char path[PATH_MAX + 64];

    snprintf(path, sizeof path, "%s/%s", dir, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = write(fd, text, strlen(text));
    close(fd);
    return n == (ssize_t)strlen(text);
}

static bool put_number(const char *dir, const char *file, uint64_t number)
{
    char text[32];

    snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    return put(dir, file, text);
}

/* --- where groups are --------------------------------------------------- */

static bool has_word(const char *list, const char *word, const char *ends)
{
    size_t len = strlen(word);

    for (const char *at = list; (at = strstr(at, word)) != NULL; at += len)
        if ((at == list || strchr(ends, at[-1])) &&
            (at[len] == '\0' || strchr(ends, at[len])))
            return true;
    return false;
}

/* The mount point of a controller's hierarchy; "" is version 2's. */
static bool find_mount(const char *controller, char *dir)
{
    bool v2 = controller[0] == '\0', found = false;
    FILE *mounts = setmntent("/proc/self/mounts", "re");
    struct mntent *m;

    while (mounts && !found && (m = getmntent(mounts)) != NULL) {
        found = v2 ? strcmp(m->mnt_type, "cgroup2") == 0
                   : strcmp(m->mnt_type, "cgroup") == 0 &&
                         has_word(m->mnt_opts, controller, ",");
        if (found)
            snprintf(dir, PATH_MAX, "%s", m->mnt_dir);
    }
    if (mounts)
        endmntent(mounts);
    return found;
}

/* The path of our own group in it: "N:CONTROLLERS:PATH" of /proc/self/cgroup */
static bool find_own(const char *controller, char *path)
{
    char line[PATH_MAX + 256];
    bool found = false;
    FILE *in = fopen("/proc/self/cgroup", "re");

    while (in && !found && fgets(line, sizeof line, in)) {
        char *list = strchr(line, ':');
        char *own = list ? strchr(list + 1, ':') : NULL;
        if (!own)
            continue;
        *own++ = '\0';
        own[strcspn(own, "\n")] = '\0';
        found = controller[0] ? has_word(list + 1, controller, ",")
                              : list[1] == '\0';
        if (found)
            snprintf(path, PATH_MAX, "%s", strcmp(own, "/") == 0 ? "" : own);
    }
    if (in)
        fclose(in);
    return found;
}

static bool find_here(const char *controller, char *dir)
{
    char mount[PATH_MAX], own[PATH_MAX];

    return find_mount(controller, mount) && find_own(controller, own) &&
           snprintf(dir, PATH_MAX, "%s%s", mount, own) < PATH_MAX;
}

/* --- making ------------------------------------------------------------- */

/* A starter that was killed left its group.  One with processes cannot be
 * removed, and a young one may be just about to get some (what looks dead
 * may live in another process namespace). */
static void sweep(const char *parent)
{
    const struct dirent *entry;
    DIR *dir = opendir(parent);
    struct stat st;
    int pid;

    while (dir && (entry = readdir(dir)))
        if (sscanf(entry->d_name, CGROUP_NAME, &pid) == 1 && kill(pid, 0) < 0 &&
            errno == ESRCH && fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 &&
            time(NULL) - st.st_mtime > LEFT_S)
            (void)unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
    if (dir)
        closedir(dir);
}

static char *add_dir(struct cgroup *g, const char *parent)
{
    char *dir = g->dirs[g->ndirs], name[64];

    sweep(parent);
    snprintf(name, sizeof name, CGROUP_NAME, (int)getpid());
    if (snprintf(dir, PATH_MAX, "%s/%s", parent, name) >= PATH_MAX ||
        mkdir(dir, 0755) < 0)
        return NULL;
    g->ndirs++;
    return dir;
}

/* Groups with processes cannot have children with controllers: ours rarely
 * can, its parent may. */
static bool make_v2(struct cgroup *g, uint64_t memory)
{
    char here[PATH_MAX];

    if (!find_here("", here))
        return false;
    for (int up = 0; up < 2; up++) {
        char *dir = add_dir(g, here);
        if (dir && put_number(dir, "pids.max", CGROUP_THREADS)) {
            /* a group of its own counts as one at nice 0: as nice 19 again */
            put(dir, "cpu.weight", "1");
            g->has_memory = memory > 0 && put_number(dir, "memory.max", memory);
            return true;
        }
        cgroup_remove(g);
        char *slash = strrchr(here, '/');
        if (!slash || slash == here)
            return false;
        *slash = '\0';
    }
    return false;
}

static void make_v1(struct cgroup *g, uint64_t memory)
{
    char here[PATH_MAX], *dir;

    if (memory > 0 && find_here("memory", here) && (dir = add_dir(g, here)))
        g->has_memory = put_number(dir, "memory.limit_in_bytes", memory);
    if (find_here("pids", here) && (dir = add_dir(g, here)))
        put_number(dir, "pids.max", CGROUP_THREADS);
}

void cgroup_make(struct cgroup *cgroup, uint64_t memory)
{
    memset(cgroup, 0, sizeof *cgroup);
    if (!make_v2(cgroup, memory))
        make_v1(cgroup, memory);
}

void cgroup_join(const struct cgroup *cgroup)
{
    for (int i = 0; i < cgroup->ndirs; i++)
        put(cgroup->dirs[i], "cgroup.procs", "0");
}

/* --- afterwards --------------------------------------------------------- */

/* "oom_kill N" of memory.events (v2) or memory.oom_control (v1) */
static unsigned oom_kills(const char *dir, const char *file)
{
    char path[PATH_MAX + 64], line[256];
    unsigned n = 0;

    snprintf(path, sizeof path, "%s/%s", dir, file);
    FILE *in = fopen(path, "re");
    while (in && fgets(line, sizeof line, in))
        if (sscanf(line, "oom_kill %u", &n) == 1)
            break;
    if (in)
        fclose(in);
    return n;
}

unsigned cgroup_oom_kills(const struct cgroup *cgroup)
{
    unsigned n = 0;

    for (int i = 0; i < cgroup->ndirs; i++)
        n += oom_kills(cgroup->dirs[i], "memory.events") +
             oom_kills(cgroup->dirs[i], "memory.oom_control");
    return n;
}

/* The kernel takes a moment to see that the last process has ended. */
void cgroup_remove(struct cgroup *cgroup)
{
    struct timespec moment = {0, 20000000};

    for (int i = 0; i < cgroup->ndirs; i++)
        for (int k = 0; k < REMOVE_TRIES; k++) {
            if (rmdir(cgroup->dirs[i]) == 0 || errno != EBUSY)
                break;
            nanosleep(&moment, NULL);
        }
    cgroup->ndirs = 0;
}
