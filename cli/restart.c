/* restart.c - ckpt restart: carry a program on from its image */
#include "lib/restart/restart.h"
#include "cli/cli.h"
#include "cli/restart.h"
#include "lib/restart/choose.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: ckpt restart [--ids WHICH] [--force] [--verify=WHEN]\n"
    "                    [--files-limit SIZE] IMAGE\n"
    "\n"
    "Carry the program in IMAGE on, in the foreground. Its exit status is the\n"
    "program's.\n"
    "\n"
    "  --ids WHICH      keep: process and thread ids are as they were; new: "
    "this\n"
    "                   process becomes the program; auto (default): keep "
    "when\n"
    "                   the program may know them and they can be kept\n"
    "  --force          go on although files have changed since\n"
    "  --verify=WHEN    when the checksums of the memory are checked: first\n"
    "                   (before the program goes on), lazy (while it runs,\n"
    "                   where the image can be mapped: a restart takes no\n"
    "                   time), no; auto (the default): lazy when the image\n"
    "                   was whole before and nobody has written to it since,\n"
    "                   else first\n"
    "  --files-limit S  under --files save: keep at most this much of what "
    "files\n"
    "                   were, from one checkpoint to the next (default 4G)\n"
    "\n"
    "example: ckpt restart simulate.ckpt\n";

enum {
    OPT_FORCE = CLI_OPT_OWN,
    OPT_IDS,
    OPT_VERIFY,
    OPT_NO_VERIFY, /* --verify=no */
    OPT_FILES_LIMIT,
    OPT_REMOTE_FD,
    OPT_FOREIGN_VDSO
};

static const struct option options[] = {
    CLI_OPTIONS,
    {"force", no_argument, NULL, OPT_FORCE},
    {"ids", required_argument, NULL, OPT_IDS},
    {"verify", required_argument, NULL, OPT_VERIFY},
    {"no-verify", no_argument, NULL, OPT_NO_VERIFY},
    {"files-limit", required_argument, NULL, OPT_FILES_LIMIT},
    {"foreign-vdso", no_argument, NULL, OPT_FOREIGN_VDSO}, /* for tests */
    {"remote-fd", required_argument, NULL, OPT_REMOTE_FD}, /* ckpt-starter */
    {NULL, 0, NULL, 0},
};

static int parse_verify(const char *when, enum ckpt_verify *verify)
{
    static const char *const names[] = {"auto", "first", "lazy", "no"};

    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(when, names[i]) == 0) {
            *verify = (enum ckpt_verify)i;
            return 0;
        }
    return -1;
}

const char *restart_choose(const char *path)
{
    static char chosen[PATH_MAX];
    struct ckpt_err err = {""};
    int rc = ckpt_restart_choose(path, chosen, sizeof chosen, &err);

    if (rc > 0)
        fprintf(stderr,
                "ckpt: %s\n"
                "ckpt: going on from the last image that is whole: %s\n",
                err.text, chosen);
    if (rc < 0)
        cli_fail(&err);
    return rc < 0 ? NULL : chosen;
}

int cmd_restart(int argc, char **argv)
{
    struct cli cli = {.usage = usage};
    struct ckpt_restart_options o = {.remote_fd = -1, .notice = cli_notice};
    struct ckpt_err err;
    int option;

    while ((option = cli_getopt(&cli, argc, argv, "+", options)) != -1) {
        if (option == OPT_FORCE)
            o.force = true;
        if (option == OPT_IDS && ckpt_ids_parse(optarg, &o.ids) < 0)
            return cli_misuse("--ids %s: auto, keep or new is wanted", optarg);
        if (option == OPT_NO_VERIFY)
            o.verify = CKPT_VERIFY_NO;
        if (option == OPT_VERIFY && parse_verify(optarg, &o.verify) < 0)
            return cli_misuse("--verify is auto, first, lazy or no, not %s",
                              optarg);
        if (option == OPT_FILES_LIMIT)
            setenv("CKPT_FILES_LIMIT", optarg, 1);
        if (option == OPT_FOREIGN_VDSO)
            o.foreign_vdso = true;
        if (option == OPT_REMOTE_FD)
            o.remote_fd = atoi(optarg);
    }
    if (optind + 1 != argc)
        return cli_misuse("one image is wanted");
    o.log = getenv("CKPT_LOG");
    if (cli_files_limit(&o.files_limit) < 0)
        return 2;
    const char *image = restart_choose(argv[optind]);
    if (!image)
        return 1;
    ckpt_restart(image, &o, &err);
    return cli_fail(&err);
}
