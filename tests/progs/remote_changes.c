/* remote_changes.c - changes files in every way, the same way each time
 *
 *     remote_changes STEPS SEED
 *
 * A seed decides what each step does: append, overwrite, truncate, extend,
 * rename, replace by renaming, unlink, link, make and rename directories.  A
 * line of `journal` tells each step; one that was done twice or not at all
 * shows there, and in the files.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FILES = 8 };

static uint64_t state;

static unsigned draw(unsigned below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state >> 33) % below;
}

static const char *pick(char *name)
{
    if (draw(4) == 0)
        sprintf(name, "dir%u/f%u", draw(2), draw(FILES));
    else
        sprintf(name, "f%u", draw(FILES));
    return name;
}

static int put(const char *name, int flags, long offset)
{
    char text[256];
    int n =
        sprintf(text, "%08x%.*s\n", (unsigned)draw(1u << 30), (int)draw(200),
                "................................................."
                "................................................."
                "................................................."
                ".................................................");
    int fd = open(name, O_RDWR | O_CREAT | flags, 0644);

    if (fd < 0)
        return -errno;
    if (offset < 0)
        n = (int)write(fd, text, (size_t)n);
    else
        n = (int)pwrite(fd, text, (size_t)n, offset);
    if (close(fd) < 0)
        return -errno;
    return n;
}

static int step(int kept)
{
    char a[64], b[64];
    int rc = 0;

    switch (draw(12)) {
    case 0:
    case 1:
    case 2:
        return put(pick(a), O_APPEND, -1);
    case 3:
        return put(pick(a), 0, (long)draw(60000));
    case 4:
        rc = truncate(pick(a), (off_t)draw(40000));
        break;
    case 5:
        rc = rename(pick(a), pick(b));
        break;
    case 6:
        rc = unlink(pick(a));
        break;
    case 7:
        rc = put("new", O_TRUNC, 0) < 0 ? -1 : rename("new", pick(a));
        break;
    case 8:
        unlink("link");
        rc = link(pick(a), "link");
        break;
    case 9:
        rc = rename("dir0", "away") || rename("dir1", "dir0") ||
             rename("away", "dir1");
        break;
    case 10:
        return (int)write(kept, "kept\n", 5);
    case 11:
        rc = mkdir("sub", 0755) == 0 ? 1 : rmdir("sub");
        break;
    }
    return rc < 0 ? -errno : rc;
}

int main(int argc, char **argv)
{
    int steps = argc > 1 ? atoi(argv[1]) : 1000;
    FILE *journal = fopen("journal", "a");
    int kept = open("kept", O_WRONLY | O_CREAT | O_APPEND, 0644);

    state = 88172645463325252u + (argc > 2 ? strtoul(argv[2], NULL, 10) : 0);
    mkdir("dir0", 0755);
    mkdir("dir1", 0755);
    for (int i = 0; i < steps; i++) {
        struct timespec pause = {0, 5 * 1000 * 1000};
        int rc = step(kept);
        fprintf(journal, "%d %d\n", i, rc);
        if (i % 7 == 0)
            fflush(journal);
        nanosleep(&pause, NULL);
    }
    printf("%d steps\n", steps);
    if (fclose(journal) != 0 || close(kept) != 0) {
        perror("the end");
        return 1;
    }
    return 0;
}
