/* remote_reach.c - try what standard input says, tell what came of it
 *
 *     r PATH      open for reading, read a byte
 *     w PATH      open for writing, making it
 *     g PATH N    make it grow by N bytes
 *     t PATH N    truncate to N bytes
 *     s PATH      stat
 *     d PATH      list
 *     u PATH      unlink
 *     m FROM TO   rename
 *     l TEXT PATH make a symbolic link; h FROM TO: a hard one
 *     c PATH      change to the directory and tell its name
 *     o PATH      open for reading, and keep it open
 *     p OFFSET    what stands there in the file that is kept open, one line
 *     k SECONDS   sleep
 *     f PATH      wait until there is such a file
 * Each line is answered with itself and "ok" or the name of the error.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int try_open(const char *path, int flags)
{
    char c;
    int fd = open(path, flags, 0644);

    if (fd < 0)
        return -1;
    int rc = (flags & O_ACCMODE) == O_RDONLY && read(fd, &c, 1) < 0 ? -1 : 0;
    return close(fd) < 0 ? -1 : rc;
}

static int grow(const char *path, long bytes)
{
    static char block[4096];
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644), rc = 0;

    if (fd < 0)
        return -1;
    for (; rc == 0 && bytes > 0; bytes -= 4096)
        if (write(fd, block, bytes < 4096 ? (size_t)bytes : 4096) < 0)
            rc = -1;
    int saved = errno;
    if (close(fd) < 0 && rc == 0)
        return -1;
    errno = saved;
    return rc;
}

static int list(const char *path)
{
    DIR *dir = opendir(path);

    return dir ? closedir(dir) : -1;
}

static int kept = -1;

static int keep(const char *path)
{
    kept = open(path, O_RDONLY);
    return kept < 0 ? -1 : 0;
}

static int print_kept(long offset)
{
    char line[64];
    ssize_t n = pread(kept, line, sizeof line - 1, offset);

    if (n < 0)
        return -1;
    line[n] = '\0';
    line[strcspn(line, "\n")] = '\0';
    printf("%s ", line);
    return 0;
}

static int go_to(const char *path)
{
    char cwd[4096];

    if (chdir(path) < 0 || !getcwd(cwd, sizeof cwd))
        return -1;
    printf("%s ", cwd);
    return 0;
}

static int await(const char *path)
{
    struct timespec nap = {0, 20000000};

    while (access(path, F_OK) < 0)
        nanosleep(&nap, NULL);
    return 0;
}

static int carry_out(char what, const char *a, const char *b)
{
    struct stat st;

    switch (what) {
    case 'r':
        return try_open(a, O_RDONLY);
    case 'w':
        return try_open(a, O_WRONLY | O_CREAT);
    case 'g':
        return grow(a, atol(b));
    case 't':
        return truncate(a, atol(b));
    case 's':
        return stat(a, &st);
    case 'd':
        return list(a);
    case 'u':
        return unlink(a);
    case 'm':
        return rename(a, b);
    case 'l':
        return symlink(a, b);
    case 'h':
        return link(a, b);
    case 'c':
        return go_to(a);
    case 'o':
        return keep(a);
    case 'p':
        return print_kept(atol(a));
    case 'f':
        return await(a);
    case 'k':
        return (int)sleep((unsigned)atoi(a));
    }
    errno = EINVAL;
    return -1;
}

int main(void)
{
    char line[4096], what, a[2048], b[2048];

    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        b[0] = '\0';
        if (sscanf(line, "%c %2047s %2047s", &what, a, b) < 2)
            return 2;
        int rc = carry_out(what, a, b);
        printf("%s: %s\n", line, rc < 0 ? strerrorname_np(errno) : "ok");
        fflush(stdout);
    }
    return 0;
}
