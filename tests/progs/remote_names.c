/* remote_names.c - directories, links, renames, modes, times */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void result(const char *what, int rc)
{
    printf("%s: %s\n", what, rc == 0 ? "ok" : strerrorname_np(errno));
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list(const char *path)
{
    char *names[2000];
    int n = 0;
    DIR *dir = opendir(path);

    while (dir) {
        struct dirent *d = readdir(dir);
        if (!d)
            break;
        names[n++] = strdup(d->d_name);
    }
    if (dir)
        closedir(dir);
    qsort(names, (size_t)n, sizeof names[0], by_name);
    printf("%s: %d entries,", path, n);
    for (int i = 0; i < n && i < 5; i++)
        printf(" %s", names[i]);
    printf("\n");
}

static void touch(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
    result(path, fd < 0 ? -1 : close(fd));
}

static void links(void)
{
    struct stat st;
    char text[100];

    result("link", link("sub/one", "sub/two"));
    result("symlink", symlink("sub/one", "soft"));
    printf("readlink %zd\n", readlink("soft", text, sizeof text));
    stat("sub/one", &st);
    printf("links %d\n", (int)st.st_nlink);
    lstat("soft", &st);
    printf("soft is a link %d\n", S_ISLNK(st.st_mode));
    stat("soft", &st);
    printf("and a file %d\n", S_ISREG(st.st_mode));
    result("unlink", unlink("soft"));
}

static void relative(void)
{
    struct stat st;
    int dir = open("sub", O_RDONLY | O_DIRECTORY);
    char *cwd = getcwd(NULL, 0);

    result("fstatat", fstatat(dir, "one", &st, 0));
    result("mkdirat", mkdirat(dir, "deep", 0750));
    result("renameat", renameat(dir, "two", dir, "deep/two"));
    result("chdir", chdir("sub/deep"));
    char *now = getcwd(NULL, 0);
    printf("in %s\n", now + strlen(cwd));
    result("two", access("two", R_OK));
    result("../../sub/one", access("../../sub/one", W_OK));
    result("fchdir", fchdir(dir));
    result("unlinkat", unlinkat(dir, "deep/two", 0));
    result("rmdir", rmdir("deep"));
    result("rmdir .", rmdir("../sub/."));
    result("chdir back", chdir(cwd));
    close(dir);
}

static void attributes(void)
{
    struct stat st;
    struct timespec times[2] = {{1000000000, 5}, {1100000000, 0}};

    result("chmod", chmod("sub/one", 0640));
    result("utimensat", utimensat(AT_FDCWD, "sub/one", times, 0));
    stat("sub/one", &st);
    printf("mode %o mtime %ld\n", st.st_mode & 07777, (long)st.st_mtime);
    result("truncate", truncate("sub/one", 12345));
    stat("sub/one", &st);
    printf("size %ld\n", (long)st.st_size);
    umask(027);
    result("mkdir", mkdir("masked", 0777));
    stat("masked", &st);
    printf("mode %o\n", st.st_mode & 07777);
    umask(022);
    result("rmdir", rmdir("masked"));
}

int main(void)
{
    char name[40];

    result("mkdir", mkdir("sub", 0755));
    result("mkdir again", mkdir("sub", 0755));
    touch("sub/one");
    touch("sub/one");
    list("sub");
    links();
    relative();
    attributes();
    for (int i = 0; i < 1500; i++) {
        snprintf(name, sizeof name, "sub/file-with-a-longer-name-%04d", i);
        close(open(name, O_WRONLY | O_CREAT, 0600));
    }
    list("sub");
    for (int i = 0; i < 1500; i++) {
        snprintf(name, sizeof name, "sub/file-with-a-longer-name-%04d", i);
        unlink(name);
    }
    result("not empty", rmdir("sub"));
    result("rename", rename("sub/one", "sub/three"));
    list("sub");
    result("unlink", unlink("sub/three"));
    result("rmdir", rmdir("sub"));
    result("gone", access("sub", F_OK));
    return 0;
}
