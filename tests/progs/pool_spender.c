/* pool_spender.c - wants memory or disk of the station, in MB
 *
 *     pool_spender memory MB [SECONDS]   allocates and uses it
 *     pool_spender files MB              writes that much into /var/tmp, in
 *                                        files of a megabyte, and stays
 *     pool_spender nameless MB           the same in one file without a name
 *
 * Says "done" when it could, "no memory" (exit code 3) when an allocation
 * failed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MB = 1 << 20, STAY_S = 1000 };

static int done(unsigned stay_s)
{
    puts("done");
    fflush(stdout);
    while (stay_s > 0)
        stay_s = sleep(stay_s);
    return 0;
}

static int use_memory(size_t mb, unsigned stay_s)
{
    char *all = malloc(mb * MB);

    if (!all) {
        puts("no memory");
        return 3;
    }
    for (size_t at = 0; at < mb * MB; at += 4096)
        all[at] = (char)(at >> 12);
    int rc = done(stay_s);
    for (size_t at = 0; at < mb * MB; at += 4096)
        if (all[at] != (char)(at >> 12))
            return 4;
    return rc;
}

static int use_files(size_t mb, int nameless)
{
    static char piece[MB];
    char name[64];
    int fd = -1;

    memset(piece, 'x', sizeof piece);
    for (size_t i = 0; i < mb; i++) {
        if (!nameless || i == 0) {
            if (fd >= 0)
                close(fd);
            snprintf(name, sizeof name, "/var/tmp/spent.%zu", i);
            fd = open(name, O_WRONLY | O_CREAT, 0600);
            if (fd < 0)
                return 5;
        }
        if (nameless && i == 0)
            unlink(name);
        if (write(fd, piece, sizeof piece) != sizeof piece)
            return 6;
    }
    return done(mb > 8 ? STAY_S : 0);
}

int main(int argc, char **argv)
{
    size_t mb = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;

    if (mb == 0)
        return 2;
    if (strcmp(argv[1], "memory") == 0)
        return use_memory(mb, argc > 3 ? (unsigned)atoi(argv[3]) : 0);
    return use_files(mb, strcmp(argv[1], "nameless") == 0);
}
