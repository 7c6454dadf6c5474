/* mount_counter.c - adds 1 to the number in FILE, N times, under a lock of
 * fcntl(2): read, change and write through one descriptor, never opened anew */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int lock(int fd, short type)
{
    struct flock fl = {.l_type = type, .l_whence = SEEK_SET, .l_len = 100};

    return fcntl(fd, F_SETLKW, &fl);
}

int main(int argc, char **argv)
{
    int fd = argc == 3 ? open(argv[1], O_RDWR) : -1;
    char text[32] = "";

    for (int left = fd < 0 ? 0 : atoi(argv[2]); left > 0; left--) {
        if (lock(fd, F_WRLCK) < 0 || pread(fd, text, 31, 0) < 0)
            return 1;
        int n = snprintf(text, sizeof text, "%06d", atoi(text) + 1);
        if (pwrite(fd, text, (size_t)n, 0) != n || lock(fd, F_UNLCK) < 0)
            return 1;
        usleep(1000);
    }
    return fd < 0;
}
