/* checkpoint.c - ckpt checkpoint: ask a running program for one now */
#include "cli/cli.h"
#include "lib/capture/request.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char usage[] =
    "usage: ckpt checkpoint PID [--exit] [--image FILE]\n"
    "\n"
    "Ask process PID for a checkpoint, wait until it is durable, and print "
    "the\n"
    "image's path. Exits with 1 and the cause when the program refuses.\n"
    "\n"
    "  --exit           the program then ends with exit code 85\n"
    "  --image FILE     where to, this once\n"
    "\n"
    "example: ckpt checkpoint 4711 --exit\n";

enum { OPT_EXIT = CLI_OPT_OWN, OPT_IMAGE };

static const struct option options[] = {
    CLI_OPTIONS,
    {"exit", no_argument, NULL, OPT_EXIT},
    {"image", required_argument, NULL, OPT_IMAGE},
    {NULL, 0, NULL, 0},
};

/* The program has a working directory of its own. */
static void take_path(char *path, size_t size, const char *given)
{
    char cwd[PATH_MAX] = "";

    if (*given != '/' && !getcwd(cwd, sizeof cwd))
        exit(cli_failf("the working directory has no name"));
    if ((size_t)snprintf(path, size, "%s%s%s", cwd, *cwd ? "/" : "", given) >=
        size)
        exit(cli_failf("%s: name too long", given));
}

int cmd_checkpoint(int argc, char **argv)
{
    struct cli cli = {.usage = usage};
    enum ckpt_request_mode mode = CKPT_REQUEST_CONTINUE;
    char path[PATH_MAX] = "", image[PATH_MAX];
    struct ckpt_err err;
    int option;

    while ((option = cli_getopt(&cli, argc, argv, "", options)) != -1) {
        if (option == OPT_EXIT)
            mode = CKPT_REQUEST_EXIT;
        if (option == OPT_IMAGE)
            take_path(path, sizeof path, cli_path("--image", optarg));
    }
    pid_t pid = optind + 1 == argc ? cli_pid(argv[optind]) : -1;
    if (pid < 0)
        return cli_misuse("one process id is wanted");
    if (ckpt_request_send(pid, 0, mode, path, -1, image, sizeof image, &err) <
        0)
        return cli_fail(&err);
    puts(image);
    return 0;
}
