/* check.c - ckpt check: would a checkpoint work, and if not, why */
#include "cli/cli.h"
#include "lib/common/program.h"

#include <stdio.h>

static const char usage[] = "usage: ckpt check PROG\n"
                            "\n"
                            "Tell whether PROG can be put under checkpointing: "
                            "relinked, by preload, or\n"
                            "not at all.\n"
                            "\n"
                            "example: ckpt check /usr/bin/gawk\n";

int cmd_check(int argc, char **argv)
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
    struct cli cli = {.usage = usage};

    cli_parse(&cli, argc, argv, 1, 1);
    if (ckpt_program_find(argv[optind], &program, &err) < 0)
        return cli_fail(&err);
    printf("%s: %s\n", program.path, verdict[program.kind]);
    return program.kind == CKPT_PROGRAM_STATIC;
}
