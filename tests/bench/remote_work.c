/* remote_work.c - the file calls whose speed `make bench-remote` compares
 *
 *     remote_work ROW...      in a directory with `data` and `small/`
 *     remote_work files=N     opens, reads and closes small/0 to small/N-1
 *
 * An ordinary program: on local files, through the shadow, or on a mount.
 * Prints "ROW VALUE" on standard error, which is no file of the measurement:
 * calls or files a second, or MB/s.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

enum { FILE_LEN = 64 << 20, SMALL_LEN = 4 << 20, BLOCK_MAX = 1 << 20 };

static char block[BLOCK_MAX];

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int need(int result, const char *what)
{
    if (result < 0) {
        perror(what);
        exit(1);
    }
    return result;
}

/* A call that does nothing where the files are: an unlock of no lock. */
static double null_calls(int count)
{
    struct flock none = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
    int fd = need(open("data", O_RDONLY), "data");
    double from = now();

    for (int i = 0; i < count; i++)
        need(fcntl(fd, F_SETLK, &none), "unlock");
    double rate = count / (now() - from);
    close(fd);
    return rate;
}

static double random_reads(int count)
{
    int fd = need(open("data", O_RDONLY), "data");
    unsigned at = 1;
    double from = now();

    for (int i = 0; i < count; i++) {
        at = at * 1103515245 + 12345;
        off_t offset = (off_t)(at >> 8) % (FILE_LEN / 4096) * 4096;
        if (pread(fd, block, 4096, offset) != 4096)
            need(-1, "pread");
    }
    double rate = count / (now() - from);
    close(fd);
    return rate;
}

static double stats(int count)
{
    struct stat st;
    double from = now();

    for (int i = 0; i < count; i++)
        need(stat("data", &st), "stat");
    return count / (now() - from);
}

/* What sshfs has to ask for every time, too. */
static double statfs_calls(int count)
{
    struct statfs st;
    double from = now();

    for (int i = 0; i < count; i++)
        need(statfs("data", &st), "statfs");
    return count / (now() - from);
}

static double read_file(size_t len, long total)
{
    int fd = need(open("data", O_RDONLY), "data");
    double from = now();

    for (long done = 0; done < total; done += (long)len)
        if (read(fd, block, len) != (ssize_t)len)
            need(-1, "read");
    double rate = (double)total / (now() - from) / 1e6;
    close(fd);
    return rate;
}

/* Closing is part of it: then everything has arrived. */
static double write_file(size_t len, long total)
{
    unlink("out");
    int fd = need(open("out", O_WRONLY | O_CREAT | O_TRUNC, 0600), "out");
    double from = now();

    for (long done = 0; done < total; done += (long)len)
        if (write(fd, block, len) != (ssize_t)len)
            need(-1, "write");
    need(close(fd), "close");
    double rate = (double)total / (now() - from) / 1e6;
    unlink("out");
    return rate;
}

/* Each line is flushed, as at a terminal. */
static double write_lines(size_t len, long total)
{
    unlink("out");
    FILE *out = fopen("out", "w");
    need(out ? 0 : -1, "out");
    setvbuf(out, NULL, _IOLBF, 0);
    block[len - 1] = '\n';
    double from = now();

    for (long done = 0; done < total; done += (long)len)
        if (fwrite(block, 1, len, out) != len)
            need(-1, "fwrite");
    need(fclose(out), "fclose");
    double rate = (double)total / (now() - from) / 1e6;
    unlink("out");
    return rate;
}

static double small_files(int count)
{
    char name[32];
    double from = now();

    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "small/%d", i);
        int fd = need(open(name, O_RDONLY), name);
        need((int)read(fd, block, 4096), name);
        close(fd);
    }
    return count / (now() - from);
}

static double measure(const char *row)
{
    if (!strcmp(row, "null"))
        return null_calls(4000);
    if (!strcmp(row, "rnd4k"))
        return random_reads(4000);
    if (!strcmp(row, "stat"))
        return stats(4000);
    if (!strcmp(row, "statfs"))
        return statfs_calls(4000);
    if (!strcmp(row, "r64b"))
        return read_file(64, SMALL_LEN);
    if (!strcmp(row, "w64b"))
        return write_file(64, SMALL_LEN);
    if (!strcmp(row, "l64b"))
        return write_lines(64, SMALL_LEN);
    if (!strcmp(row, "r64k"))
        return read_file(65536, FILE_LEN);
    if (!strcmp(row, "w64k"))
        return write_file(65536, FILE_LEN);
    if (!strcmp(row, "r1m"))
        return read_file(1 << 20, FILE_LEN);
    if (!strcmp(row, "w1m"))
        return write_file(1 << 20, FILE_LEN);
    if (!strncmp(row, "files=", 6))
        return small_files(atoi(row + 6));
    fprintf(stderr, "remote_work: no row %s\n", row);
    exit(2);
}

int main(int argc, char **argv)
{
    memset(block, 'x', sizeof block);
    for (int i = 1; i < argc; i++)
        dprintf(2, "%.*s %.6g\n", (int)strcspn(argv[i], "="), argv[i],
                measure(argv[i]));
    return 0;
}
