/* check.c - ckpt check: would a checkpoint work, and if not, why */
#include "cli/cli.h"
#include "lib/capture/request.h"
#include "lib/common/program.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

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

/* A script counts as its interpreter does. */
static int check_program(const char *name, bool is_script)
{
    struct ckpt_program program;
    struct ckpt_err err;

    if (ckpt_program_find(name, &program, &err) < 0)
        return cli_fail(&err);
    if (program.kind == CKPT_PROGRAM_SCRIPT && !is_script) {
        printf("%s: a script: what its interpreter runs as children cannot be "
               "saved, what it becomes (exec) can\n",
               program.path);
        return check_program(program.interpreter, true);
    }
    if (program.kind == CKPT_PROGRAM_RELINKED)
        printf("%s: yes: relinked with libckpt\n", program.path);
    else if (program.kind == CKPT_PROGRAM_DYNAMIC)
        printf("%s: yes: libckpt.so is preloaded by ckpt run\n", program.path);
    else
        printf("%s: no: %s\n", program.path,
               program.kind == CKPT_PROGRAM_STATIC ? program.why
                                                   : "a script of a script");
    return program.kind == CKPT_PROGRAM_STATIC ||
           program.kind == CKPT_PROGRAM_SCRIPT;
}

int cmd_check(int argc, char **argv)
{
    struct cli cli = {.usage = usage};

    cli_parse(&cli, argc, argv, 1, 1);
    const char *what = argv[optind];
    pid_t pid = cli_pid(what);
    return pid > 0 ? check_process(pid) : check_program(what, false);
}
