/* run.c - ckpt run: start a program under checkpointing, or resume it */
#include "cli/cli.h"
#include "cli/restart.h"
#include "lib/capture/settings.h"
#include "lib/common/program.h"
#include "lib/image/image.h"
#include "lib/keep/keep.h"
#include "lib/restart/restart.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: ckpt run [OPTION...] [--] PROG [ARG...]\n"
    "\n"
    "Start PROG under checkpointing; if its image exists, resume that "
    "instead,\n"
    "so that the same line both starts and resumes. PROG may be relinked with\n"
    "ckpt-cc, or be any dynamic program.\n"
    "\n"
    "  --image FILE     where images go (default: PROG.ckpt in the working\n"
    "                   directory)\n"
    "  --every DUR      checkpoint periodically: 90s, 15m, 2h; auto: as often\n"
    "                   as loses the least time, from what a checkpoint costs\n"
    "  --mtbf DUR       mean time between failures, for --every auto "
    "(default:\n"
    "                   as observed, beginning with one in a day)\n"
    "  --keep N         keep the last N images (default 1)\n"
    "  --incremental    images hold only what changed since the one before;\n"
    "                   whole ones are kept beside them in FILE.bases\n"
    "  --merge N        merge N of them into one in the background "
    "(default 15);\n"
    "                   off: not at all\n"
    "  --codec C        none, zstd or zlib (default none)\n"
    "  --exit-on SIG    on this signal checkpoint and exit with code 85\n"
    "  --ids WHICH      when resuming: keep, new or auto (ckpt-restart(1))\n"
    "  --files WHICH    track (default): cut off at a restart what was "
    "appended to\n"
    "                   open files since; save: put all files back as they "
    "were\n"
    "  --files-limit S  keep at most this much for that, from one checkpoint "
    "to\n"
    "                   the next (default 4G)\n"
    "  --fresh          start from the beginning even if there is an image\n"
    "  --force          resume although files have changed\n"
    "  --on STATION     run it on that station of the pool, with this "
    "terminal\n"
    "                   (as ckpt submit --tty)\n"
    "\n"
    "example: ckpt run --every 15m ./simulate input.dat\n";

struct run {
    const char *image;
    const char *station; /* --on */
    bool fresh, force, save;
    bool local; /* an option that --on does not take */
    enum ckpt_ids_mode ids;
    uint64_t files_limit;
    char **program; /* PROG ARG... NULL */
    char default_image[4096];
};

enum {
    OPT_IMAGE = CLI_OPT_OWN,
    OPT_EVERY,
    OPT_MTBF,
    OPT_MERGE,
    OPT_KEEP,
    OPT_INCREMENTAL,
    OPT_CODEC,
    OPT_EXIT_ON,
    OPT_FILES,
    OPT_IDS,
    OPT_FILES_LIMIT,
    OPT_FRESH,
    OPT_FORCE,
    OPT_ON
};

static const struct option options[] = {
    CLI_OPTIONS,
    {"image", required_argument, NULL, OPT_IMAGE},
    {"every", required_argument, NULL, OPT_EVERY},
    {"mtbf", required_argument, NULL, OPT_MTBF},
    {"merge", required_argument, NULL, OPT_MERGE},
    {"keep", required_argument, NULL, OPT_KEEP},
    {"incremental", no_argument, NULL, OPT_INCREMENTAL},
    {"codec", required_argument, NULL, OPT_CODEC},
    {"exit-on", required_argument, NULL, OPT_EXIT_ON},
    {"files", required_argument, NULL, OPT_FILES},
    {"ids", required_argument, NULL, OPT_IDS},
    {"files-limit", required_argument, NULL, OPT_FILES_LIMIT},
    {"fresh", no_argument, NULL, OPT_FRESH},
    {"force", no_argument, NULL, OPT_FORCE},
    {"on", required_argument, NULL, OPT_ON},
    {NULL, 0, NULL, 0},
};

/* Options that libckpt reads from the environment. */
static const struct {
    int option;
    const char *variable;
} variables[] = {
    {OPT_EVERY, "CKPT_EVERY"}, {OPT_KEEP, "CKPT_KEEP"},
    {OPT_CODEC, "CKPT_CODEC"}, {OPT_EXIT_ON, "CKPT_EXIT_ON"},
    {OPT_FILES, "CKPT_FILES"}, {OPT_FILES_LIMIT, "CKPT_FILES_LIMIT"},
    {OPT_MTBF, "CKPT_MTBF"},   {OPT_MERGE, "CKPT_MERGE"},
};

static void take_option(struct run *r, int option)
{
    if (option == OPT_ON) {
        r->station = optarg;
        return;
    }
    r->local = true;
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        if (variables[i].option == option)
            setenv(variables[i].variable, optarg, 1);
    if (option == OPT_IMAGE)
        r->image = cli_path("--image", optarg);
    else if (option == OPT_INCREMENTAL)
        setenv("CKPT_INCREMENTAL", "on", 1);
    else if (option == OPT_FRESH)
        r->fresh = true;
    else if (option == OPT_FORCE)
        r->force = true;
    else if (option == OPT_IDS && ckpt_ids_parse(optarg, &r->ids) < 0)
        exit(cli_misuse("--ids %s: auto, keep or new is wanted", optarg));
}

static void parse(int argc, char **argv, struct run *r)
{
    struct cli cli = {.usage = usage};
    int option;

    while ((option = cli_getopt(&cli, argc, argv, "+", options)) != -1)
        take_option(r, option);
    if (optind >= argc)
        exit(cli_misuse("the program is missing"));
    r->program = argv + optind;
}

static void choose_image(struct run *r)
{
    const char *slash = strrchr(r->program[0], '/');

    if (!r->image)
        r->image = getenv("CKPT_IMAGE");
    if (!r->image || !*r->image) {
        snprintf(r->default_image, sizeof r->default_image, "%s.ckpt",
                 slash ? slash + 1 : r->program[0]);
        r->image = r->default_image;
    }
    setenv("CKPT_IMAGE", r->image, 1);
}

/* What the image must be of; NULL when it cannot be told (a script runs under
 * its interpreter). */
static const char *expected_program(const struct run *r, char *path)
{
    struct ckpt_program program;

    if (ckpt_program_find(r->program[0], &program, NULL) < 0 ||
        program.kind == CKPT_PROGRAM_SCRIPT)
        return NULL;
    return realpath(program.path, path);
}

/* Resume from the image.  Returns the exit status, or -1 when there is no
 * image to resume from. */
static int resume(const struct run *r, const struct ckpt_settings *settings)
{
    char path[PATH_MAX];
    struct ckpt_err err;
    struct ckpt_restart_options o = {
        .force = r->force,
        .ids = r->ids,
        .notice = cli_notice,
        .remote_fd = -1,
        .settings = settings,
        .want_kept = r->save,
        .files_limit = r->files_limit,
        .log = settings->log,
        .program = expected_program(r, path),
    };

    if (r->fresh || access(r->image, F_OK) < 0)
        return -1;
    const char *image = restart_choose(r->image);
    if (image) {
        ckpt_restart(image, &o, &err);
        cli_fail(&err);
    }
    return cli_failf("not started: resume an older image with ckpt restart, "
                     "or begin anew with --fresh");
}

static bool any_image(const char *image)
{
    char first[PATH_MAX + 8];

    snprintf(first, sizeof first, "%s.1", image);
    return access(image, F_OK) == 0 || access(first, F_OK) == 0;
}

/* From here on this process, which becomes the program, is kept. */
static int start_keeping(const struct run *r,
                         const struct ckpt_settings *settings)
{
    char dir[PATH_MAX + 8];
    struct ckpt_keep keep;
    struct ckpt_err err;

    snprintf(dir, sizeof dir, "%s.files", settings->image);
    if (ckpt_keep_open(&keep, dir, &err) < 0)
        return cli_fail(&err);
    if (r->files_limit)
        keep.limit = r->files_limit;
    snprintf(keep.log, sizeof keep.log, "%.*s", PATH_MAX - 1, settings->log);
    setenv("CKPT_KEPT_IN", dir, 1);
    if (ckpt_keep_fresh(&keep, !any_image(settings->image), &err) < 0 ||
        ckpt_keep_start(&keep, &err) < 0 || ckpt_keep_watch(&keep, &err) < 0) {
        ckpt_keep_close(&keep);
        return cli_fail(&err);
    }
    return 0;
}

static int start(const struct run *r, const struct ckpt_settings *settings)
{
    struct ckpt_program program;
    struct ckpt_err err;
    char library[PATH_MAX], preload[2 * PATH_MAX];

    if (ckpt_program_find(r->program[0], &program, &err) < 0)
        return cli_fail(&err);
    if (program.kind == CKPT_PROGRAM_STATIC)
        return cli_failf("%s is %s", program.path, program.why);
    if (program.kind != CKPT_PROGRAM_RELINKED) {
        const char *others = getenv("LD_PRELOAD");
        if (ckpt_program_library(library, sizeof library, &err) < 0)
            return cli_fail(&err);
        if (strpbrk(library, " :")) /* as ld.so(8) splits LD_PRELOAD */
            return cli_failf("%s cannot be preloaded: its path has a blank or "
                             "a colon; relink the program, or install libckpt "
                             "elsewhere",
                             library);
        snprintf(preload, sizeof preload, "%s%s%s", library,
                 others && *others ? ":" : "", others ? others : "");
        setenv("LD_PRELOAD", preload, 1);
    }
    if (r->save && start_keeping(r, settings) != 0)
        return 1;
    execv(program.path, r->program);
    return cli_failf("%s: %s", program.path, strerror(errno));
}

/* In other words: ckpt submit --tty --require 'name == "STATION"' -- PROG... */
static int run_on(const struct run *r)
{
    char require[128];
    char *words[5] = {"submit", "--tty", "--require", require, "--"};
    size_t n = 0;

    if (r->local)
        return cli_misuse("--on: the pool has its own settings for images");
    if (strlen(r->station) > 64 || strpbrk(r->station, "\"\\"))
        return cli_misuse("--on: there is no station %s", r->station);
    while (r->program[n])
        n++;
    char **argv = calloc(n + 6, sizeof *argv);
    if (!argv)
        return cli_failf("out of memory");
    snprintf(require, sizeof require, "name == \"%s\"", r->station);
    memcpy(argv, words, sizeof words);
    memcpy(argv + 5, r->program, n * sizeof *argv);
    optind = 0; /* begin again */
    return cmd_submit((int)n + 5, argv);
}

int cmd_run(int argc, char **argv)
{
    struct run r = {0};
    struct ckpt_settings settings;
    struct ckpt_err err;

    parse(argc, argv, &r);
    if (r.station)
        return run_on(&r);
    choose_image(&r);
    if (ckpt_settings_from_env(&settings, &err) < 0) {
        cli_fail(&err);
        return 2;
    }
    if (ckpt_settings_place(settings.image, &err) < 0)
        return cli_failf("%s; --image names another place", err.text);
    int rc = ckpt_settings_files(&err);
    if (rc < 0) {
        cli_fail(&err);
        return 2;
    }
    r.save = rc == 1;
    if (cli_files_limit(&r.files_limit) < 0)
        return 2;
    rc = resume(&r, &settings);
    return rc >= 0 ? rc : start(&r, &settings);
}
