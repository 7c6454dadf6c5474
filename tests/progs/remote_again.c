/* remote_again.c - the same again: records that are rewritten, names whose
 * attributes are asked for repeatedly, streams that are flushed at each line
 *
 * Prints the same wherever its files are.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHECK(x)                                                               \
    do {                                                                       \
        if (!(x)) {                                                            \
            dprintf(1, "line %d: %s\n", __LINE__, #x);                         \
            exit(1);                                                           \
        }                                                                      \
    } while (0)

enum { LEN = 700000, RECORD = 100 };
static char model[LEN + RECORD], data[LEN + RECORD];
static unsigned seed = 11;

static unsigned draw(unsigned below)
{
    seed = seed * 1103515245 + 12345;
    return (seed >> 8) % below;
}

static long size_of(const char *name)
{
    struct stat st;

    return stat(name, &st) == 0 ? (long)st.st_size : -1;
}

/* Records here and there in a file that is longer than any buffer; sometimes
 * it is read, measured, cut, or reopened. */
static void records(void)
{
    int fd = open("records", O_RDWR | O_CREAT | O_TRUNC, 0600);
    long len = 0;

    for (int i = 0; i < 20000; i++) {
        long spot = draw(20) ? (long)draw(40) * 150 : (long)draw(LEN);
        memset(data, 'a' + i % 26, RECORD);
        unsigned what = draw(400);
        if (what == 0) {
            len = (long)draw(LEN);
            CHECK(ftruncate(fd, len) == 0);
            memset(model + len, 0, sizeof model - (size_t)len);
        } else if (what == 1) {
            CHECK(size_of("records") == len);
        } else if (what == 2) {
            CHECK(close(fd) == 0);
            CHECK((fd = open("records", O_RDWR)) >= 0);
        } else if (what < 20) {
            long n = pread(fd, data, 5000, spot);
            CHECK(n == (len - spot > 5000 ? 5000
                        : spot < len      ? len - spot
                                          : 0));
            CHECK(memcmp(data, model + spot, (size_t)n) == 0);
        } else {
            long n = 1 + (long)draw(RECORD);
            CHECK(pwrite(fd, data, (size_t)n, spot) == n);
            memcpy(model + spot, data, (size_t)n);
            len = spot + n > len ? spot + n : len;
        }
    }
    CHECK(pread(fd, data, sizeof data, 0) == len);
    CHECK(memcmp(data, model, (size_t)len) == 0);
    close(fd);
    printf("records: %ld bytes\n", len);
}

/* A report as simulations write it: a head, and one of the lines. */
static void report(void)
{
    FILE *f = fopen("report", "w+");
    char line[64];

    for (int i = 0; i < 2000; i++) {
        rewind(f);
        fprintf(f, "reports %8d\n", i);
        fseek(f, 17 + 20 * (i % 64), SEEK_SET);
        fprintf(f, "%9d %9d\n", i, i * 7);
        CHECK(fflush(f) == 0);
    }
    rewind(f);
    CHECK(fgets(line, sizeof line, f) &&
          strcmp(line, "reports     1999\n") == 0);
    CHECK(fclose(f) == 0);
    printf("report: %ld bytes\n", size_of("report"));
}

static void attributes(void)
{
    struct stat st, link;
    int fd = open("grows", O_WRONLY | O_CREAT | O_TRUNC, 0600);

    for (int i = 1; i <= 500; i++) {
        CHECK(write(fd, "x", 1) == 1);
        CHECK(size_of("grows") == i);
        CHECK(size_of("grows") == i);
    }
    CHECK(mkdir("below", 0700) == 0);
    CHECK(close(open("below/grows", O_WRONLY | O_CREAT, 0600)) == 0);
    CHECK(size_of("grows") == 500 && chdir("below") == 0);
    CHECK(size_of("grows") == 0 && size_of("grows") == 0 && chdir("..") == 0);
    CHECK(size_of("grows") == 500 && unlink("grows") == 0);
    CHECK(size_of("grows") == -1 && symlink("report", "grows") == 0);
    for (int i = 0; i < 3; i++) {
        CHECK(stat("grows", &st) == 0 && S_ISREG(st.st_mode));
        CHECK(lstat("grows", &link) == 0 && S_ISLNK(link.st_mode));
        CHECK(fstatat(AT_FDCWD, "grows", &link, 0) == 0);
        CHECK(link.st_ino == st.st_ino && link.st_size == st.st_size);
    }
    CHECK(stat("/usr", &st) == 0 && stat("/usr", &link) == 0);
    CHECK(fchmodat(AT_FDCWD, "report", 0640, 0) == 0);
    CHECK(stat("grows", &st) == 0 && (st.st_mode & 0777) == 0640);
    printf("attributes: as they are\n");
}

/* Each line goes out; errors are the stream's. */
static void streams(void)
{
    FILE *f = fopen("lines", "w");
    char line[64];
    int n = 0;

    setvbuf(f, NULL, _IOLBF, 0);
    for (int i = 0; i < 3000; i++)
        CHECK(fprintf(f, "line %d\n", i) > 0);
    CHECK(size_of("lines") == ftell(f));
    fclose(f);
    f = fopen("lines", "r+");
    while (fgets(line, sizeof line, f))
        n++;
    CHECK(n == 3000 && feof(f) && !ferror(f));
    CHECK(fseek(f, 0, SEEK_SET) == 0 && fputs("LINE", f) >= 0);
    CHECK(fflush(f) == 0 && ftell(f) == 4);
    fclose(f);
    f = fopen("lines", "r");
    CHECK(fgets(line, sizeof line, f) && strcmp(line, "LINE 0\n") == 0);
    CHECK(fputs("no", f) < 0 && ferror(f));
    fclose(f);
    f = fopen("lines", "a");
    close(fileno(f));
    CHECK(fputs("lost\n", f) >= 0 && fflush(f) == EOF && ferror(f));
    fclose(f);
    printf("streams: %ld bytes\n", size_of("lines"));
}

int main(void)
{
    records();
    report();
    attributes();
    streams();
    return 0;
}
