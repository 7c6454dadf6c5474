/* main.c - ckpt-station: one program for both roles of a machine in a pool
 *
 * Execution role (--name): lends the machine to jobs while its owner is away.
 * Home role (--home): owns the queue of the machine's users.
 */
#include "lib/common/stdfds.h"
#include "scheduler/pool/log.h"
#include "scheduler/station/exec.h"
#include "scheduler/station/home.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int usage(FILE *out, int rc)
{
    fprintf(out,
            "usage: ckpt-station --dir DIR --name STATION   lend to jobs\n"
            "       ckpt-station --dir DIR --home           keep the queue\n"
            "Started by ckpt-master.\n"
            "example: ckpt-station --dir ~/.ckpt --name s1\n");
    return rc;
}

int main(int argc, char **argv)
{
    char title[80];

    ckpt_stdfds_fill(O_RDWR);
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return usage(stdout, 0);
    if (argc < 4 || strcmp(argv[1], "--dir") != 0)
        return usage(stderr, 2);
    umask(077);
    if (argc == 4 && strcmp(argv[3], "--home") == 0) {
        log_name("home");
        return home_main(argv[2]);
    }
    if (argc != 5 || strcmp(argv[3], "--name") != 0 || !argv[4][0] ||
        strlen(argv[4]) > POOL_NAME_MAX || strchr(argv[4], '/'))
        return usage(stderr, 2);
    snprintf(title, sizeof title, "station.%s", argv[4]);
    log_name(title);
    return exec_main(argv[2], argv[4]);
}
