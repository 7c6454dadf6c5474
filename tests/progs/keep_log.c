/* keep_log.c - a line into a log that is opened anew, again and again; every
 * hundredth line replaces `state` by a rename.  N lines; before the fiftieth it
 * waits for a file named on, before the last ten for one named go. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void put(const char *path, int flags, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | flags, 0600);

    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        exit(3);
    close(fd);
}

int main(int argc, char **argv)
{
    char line[64];
    int n = argc > 1 ? atoi(argv[1]) : 1000;
    int table = open("table", O_RDWR | O_CREAT, 0600);

    for (int i = 0; i < n; i++) {
        snprintf(line, sizeof line, "line %06d\n", i);
        put("log", O_APPEND, line);
        if (i % 100 == 0) {
            put("state.tmp", O_TRUNC, line);
            rename("state.tmp", "state");
        }
        if (pwrite(table, line, strlen(line), i % 64 * 12) < 0)
            return 3;
        usleep(2000);
        while ((i == 50 && access("on", F_OK) < 0) ||
               (i == n - 10 && access("go", F_OK) < 0))
            usleep(20000);
    }
    return 0;
}
