/* check.c - ckpt check: would a checkpoint work, and if not, why */
#include "cli/cli.h"
#include "lib/capture/request.h"
#include "lib/common/program.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: ckpt check PROG|PID\n"
    "\n"
    "Tell whether PROG can be put under checkpointing: relinked, by preload, "
    "or\n"
    "not at all; or whether a checkpoint of the running process PID would "
    "work\n"
    "now. Exits with 1 and the cause when it would not.\n"
    "\n"
    "example: ckpt check /usr/bin/gawk\n";

static int check_process(pid_t pid)
{
    char unused[PATH_MAX];
    struct ckpt_err err;

    if (ckpt_request_send(pid, 0, CKPT_REQUEST_CHECK, NULL, -1, unused,
                          sizeof unused, &err) < 0)
        return cli_fail(&err);
    printf("%d: yes: a checkpoint would work now\n", (int)pid);
    return 0;
}

static int check_program(const char *name)
{
    static const char *const verdict[] = {
        [CKPT_PROGRAM_RELINKED] = "yes: relinked with libckpt",
        [CKPT_PROGRAM_DYNAMIC] = "yes: libckpt.so is preloaded by ckpt run",
        [CKPT_PROGRAM_STATIC] = "no: linked statically without libckpt; relink "
                                "it with ckpt-cc",
        [CKPT_PROGRAM_SCRIPT] = "yes, if its interpreter is a dynamic program",
    };
    struct ckpt_program program;
    struct ckpt_err err;

    if (ckpt_program_find(name, &program, &err) < 0)
        return cli_fail(&err);
    printf("%s: %s\n", program.path, verdict[program.kind]);
    return program.kind == CKPT_PROGRAM_STATIC;
}

int cmd_check(int argc, char **argv)
{
    struct cli cli = {.usage = usage};

    cli_parse(&cli, argc, argv, 1, 1);
    const char *what = argv[optind];
    if (*what != '\0' && strspn(what, "0123456789") == strlen(what))
        return check_process((pid_t)atoi(what));
    return check_program(what);
}
