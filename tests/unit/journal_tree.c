/* journal_tree.c - see journal_tree.h */
#include "tests/unit/journal_tree.h"

#include "shadow/change.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char job[128], tree[128];
const char *tree_base, *job_base;
struct ckpt_err err;
int conflicts;
struct journal_config config;
static char top[64];

static void on_conflict(void *arg, const char *text)
{
    (void)arg;
    fprintf(stderr, "conflict: %s\n", text);
    conflicts++;
}

void setup(void)
{
    strcpy(top, "/tmp/ckpt-journal-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(top));
    snprintf(job, sizeof job, "%s/job", top);
    snprintf(tree, sizeof tree, "%s/tree", top);
    if (job_base) {
        snprintf(job, sizeof job, "%s/ckpt-job-XXXXXX", job_base);
        ck_assert_ptr_nonnull(mkdtemp(job));
    } else {
        ck_assert_int_eq(mkdir(job, 0700), 0);
    }
    if (tree_base) {
        snprintf(tree, sizeof tree, "%s/ckpt-tree-XXXXXX", tree_base);
        ck_assert_ptr_nonnull(mkdtemp(tree));
    } else {
        ck_assert_int_eq(mkdir(tree, 0700), 0);
    }
    config = (struct journal_config){.dir = job, .conflict = on_conflict};
    conflicts = 0;
}

void teardown(void)
{
    char command[600];

    snprintf(command, sizeof command, "chmod -R u+rwx %s %s; rm -rf %s %s %s",
             top, tree, top, tree, job);
    ck_assert_int_eq(system(command), 0);
}

/* --- snapshots ---------------------------------------------------------------
 */

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void describe_file(FILE *out, int fd, const struct stat *st)
{
    unsigned char buf[4096];
    unsigned long sum = 5381;
    ssize_t n;

    while ((n = read(fd, buf, sizeof buf)) > 0)
        for (ssize_t i = 0; i < n; i++)
            sum = sum * 33 + buf[i];
    fprintf(out, " size %ld sum %lx mtime %ld.%09ld", (long)st->st_size, sum,
            (long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
}

static void describe(FILE *out, int dirfd, const char *name, const char *path)
{
    struct stat st;
    char link[256];
    struct dirent **list;

    ck_assert_int_eq(fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
    fprintf(out, "%s mode %o", path, st.st_mode);
    if (S_ISLNK(st.st_mode)) {
        ssize_t n = readlinkat(dirfd, name, link, sizeof link);
        fprintf(out, " -> %.*s\n", (int)n, link);
        return;
    }
    int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    if (S_ISREG(st.st_mode))
        describe_file(out, fd, &st);
    fputc('\n', out);
    if (S_ISDIR(st.st_mode)) {
        int n = scandirat(fd, ".", &list, NULL, by_name);
        for (int i = 0; i < n; i++) {
            char below[512];
            snprintf(below, sizeof below, "%s/%s", path, list[i]->d_name);
            if (strcmp(list[i]->d_name, ".") && strcmp(list[i]->d_name, ".."))
                describe(out, fd, list[i]->d_name, below);
            free(list[i]);
        }
        free(list);
    }
    close(fd);
}

char *snapshot(void)
{
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    describe(out, AT_FDCWD, tree, "");
    fclose(out);
    return text;
}

bool has_two_file_systems(void)
{
    struct stat here, there;

    if (stat("/tmp", &here) == 0 && stat("/dev/shm", &there) == 0 &&
        here.st_dev != there.st_dev && access("/dev/shm", W_OK) == 0)
        return true;
    puts("/dev/shm is no other file system: not tried "
         "there");
    return false;
}
