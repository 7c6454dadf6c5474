/* main.c - ckpt: the table of commands */
#include "cli/cli.h"
#include "config.h"
#include "lib/common/stdfds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    /* one program on one machine */
    {"run", cmd_run, "start a program, or resume it from its image"},
    {"checkpoint", cmd_checkpoint, "ask a program for a checkpoint"},
    {"restart", cmd_restart, "carry a program on from its image"},
    {"image", cmd_image, "show, verify, backtrace or dump an image"},
    {"check", cmd_check, "would a checkpoint of a program work?"},
    /* jobs on idle machines */
    {"pool", cmd_pool, "start, stop or look at the pool of this machine"},
    {"submit", cmd_submit, "queue a job"},
    {"q", cmd_q, "list the queue"},
    {"status", cmd_status, "list the stations"},
    {"rm", cmd_rm, "remove jobs"},
    {"hold", cmd_hold, "keep jobs from running"},
    {"release", cmd_release, "let held jobs run again"},
    {"vacate", cmd_vacate, "get jobs off their stations, with a checkpoint"},
    {"migrate", cmd_migrate, "move a job to another station"},
    {"prio", cmd_prio, "change the priority of jobs"},
    {"history", cmd_history, "list finished jobs"},
    {"why", cmd_why, "say why a job does not run or is not checkpointed"},
    {"log", cmd_log, "show what happened to a job"},
    {"wait", cmd_wait, "wait for jobs; exit with their status"},
    {"config", cmd_config, "list the settings of the pool"},
    {"sim", cmd_sim, "simulate a pool under scheduling policies"},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static int usage(FILE *out, int code)
{
    fputs("usage: ckpt [--pool DIR] COMMAND ...\n\n", out);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-12s %s\n", commands[i].name, commands[i].help);
    fputs("\n`ckpt COMMAND --help` shows its arguments and an example.\n", out);
    return code;
}

static int run(size_t command, int argc, char **argv)
{
    static char name[32]; /* in messages of getopt_long() */
    int (*function)(int, char **) = commands[command].run;

    cli_command = commands[command].name;
    snprintf(name, sizeof name, "ckpt %s", cli_command);
    argv[0] = name;
    /* these become the program, which gets the descriptors as they are */
    if (function != cmd_run && function != cmd_restart)
        ckpt_stdfds_fill(O_RDONLY | O_CLOEXEC);
    int code = function(argc, argv);
    if (fflush(stdout) || ferror(stdout))
        return cli_failf("stdout: cannot write");
    return code;
}

int main(int argc, char **argv)
{
    int at = 1;

    if (at < argc && !strcmp(argv[at], "--pool")) {
        if (argc < 4)
            return usage(stderr, 2);
        setenv("CKPT_POOL", cli_path("--pool", argv[at + 1]), 1);
        at += 2;
    }
    if (at < argc && !strcmp(argv[at], "--version"))
        return puts("ckpt " VERSION) == EOF;
    if (at == argc || argv[at][0] == '-')
        return at < argc &&
                       (!strcmp(argv[at], "--help") || !strcmp(argv[at], "-h"))
                   ? usage(stdout, 0)
                   : usage(stderr, 2);
    if (!strcmp(argv[at], "help"))
        return usage(stdout, 0);
    for (size_t i = 0; i < COMMANDS; i++)
        if (!strcmp(argv[at], commands[i].name))
            return run(i, argc - at, argv + at);
    fprintf(stderr, "ckpt: there is no command %s; try `ckpt --help`\n",
            argv[at]);
    return 2;
}
