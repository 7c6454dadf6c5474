/* mount_files.c - a plain program for a mount: files in all the ways that the
 * kernel knows, children, a mapping that is written to.  Exit code 4. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void check(int ok, const char *what)
{
    if (!ok) {
        perror(what);
        exit(1);
    }
}

static void map_and_change(void)
{
    int fd = open("mapped", O_RDWR | O_CREAT, 0644);

    check(fd >= 0 && ftruncate(fd, 3 * 4096) == 0, "mapped");
    char *p = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    check(p != MAP_FAILED, "mmap");
    close(fd);
    strcpy(p + 5000, "written through the mapping");
    strcpy(p + 9000, "twice");
    munmap(p, 3 * 4096);
}

/* A file without a name, and one that is open twice. */
static void open_files(void)
{
    char buf[64] = "";
    int fd = open("nameless", O_RDWR | O_CREAT | O_EXCL, 0600);
    int a = open("shared", O_WRONLY | O_CREAT | O_APPEND, 0644);
    int b = open("shared", O_RDWR);

    check(fd >= 0 && unlink("nameless") == 0, "nameless");
    check(write(fd, "still here\n", 11) == 11, "write");
    check(pread(fd, buf, sizeof buf, 0) == 11, "pread");
    printf("%s", buf);
    check(write(a, "one\n", 4) == 4 && write(a, "two\n", 4) == 4, "append");
    check(read(b, buf, 8) == 8 && pwrite(b, "ONE", 3, 0) == 3, "shared");
    check(write(a, "six\n", 4) == 4 && read(b, buf, 4) == 4, "appended");
    printf("%.4s%lld\n", buf, (long long)lseek(b, 0, SEEK_END));
    close(fd);
    close(a);
    close(b);
}

static void start_child(void)
{
    int status, out = open("child.out", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    pid_t pid = fork();

    if (pid == 0) {
        dup2(out, 1);
        execl("/bin/sh", "sh", "-c", "echo from the child; exit 9",
              (char *)NULL);
        _exit(127);
    }
    check(waitpid(pid, &status, 0) == pid, "waitpid");
    printf("child: %d\n", WEXITSTATUS(status));
    check(lseek(out, 0, SEEK_CUR) == 15, "one offset for both");
    close(out);
}

int main(void)
{
    struct stat st;

    map_and_change();
    open_files();
    start_child();
    check(rename("shared", "renamed") == 0, "rename");
    check(stat("renamed", &st) == 0 && stat("shared", &st) < 0, "stat");
    check(access("/nowhere", F_OK) < 0, "access");
    return 4;
}
