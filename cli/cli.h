/* cli.h - what all commands of `ckpt` share
 *
 * Each command is one file with one function, named in the table of main.c.
 * It gets its own name as argv[0] and returns the exit code: 0, 1 for a
 * failure (said on stderr, naming file, job or host), 2 for wrong usage.
 */
#ifndef CKPT_CLI_H
#define CKPT_CLI_H

#include "lib/common/err.h"

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The commands. */
int cmd_run(int argc, char **argv);
int cmd_checkpoint(int argc, char **argv);
int cmd_restart(int argc, char **argv);
int cmd_image(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_pool(int argc, char **argv);
int cmd_submit(int argc, char **argv);
int cmd_q(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_rm(int argc, char **argv);
int cmd_hold(int argc, char **argv);
int cmd_release(int argc, char **argv);
int cmd_vacate(int argc, char **argv);
int cmd_migrate(int argc, char **argv);
int cmd_prio(int argc, char **argv);
int cmd_history(int argc, char **argv);
int cmd_why(int argc, char **argv);
int cmd_log(int argc, char **argv);
int cmd_wait(int argc, char **argv);
int cmd_config(int argc, char **argv);
int cmd_sim(int argc, char **argv);

/* --- options ------------------------------------------------------------- */

/* Every command knows --help, --json and --pool DIR; `usage` is what --help
 * prints and holds an example. */
struct cli {
    const char *usage;
    bool json;
};

enum {
    CLI_OPT_HELP = 256,
    CLI_OPT_JSON,
    CLI_OPT_POOL,
    CLI_OPT_OWN, /* a command's own long options count from here */
};
/* Goes first into a command's table of long options. */
#define CLI_OPTIONS                                                            \
    {"help", no_argument, NULL, CLI_OPT_HELP},                                 \
        {"json", no_argument, NULL, CLI_OPT_JSON},                             \
    {                                                                          \
        "pool", required_argument, NULL, CLI_OPT_POOL                          \
    }
extern const struct option cli_options[]; /* these three and no others */

/* getopt_long(), with the common options done inside: the next option of the
 * command's own, or -1 at the end.  Ends the program with 0 after --help and
 * with 2 after a wrong option. */
int cli_getopt(struct cli *cli, int argc, char **argv, const char *letters,
               const struct option *options);

/* For commands without options of their own: all of them, then at least
 * `least` and at most `most` (-1: any number) arguments, argv[optind...]. */
void cli_parse(struct cli *cli, int argc, char **argv, int least, int most);

/* --- errors -------------------------------------------------------------- */

/* "ckpt COMMAND: text" on stderr.  Returns 1. */
int cli_fail(const struct ckpt_err *err);
int cli_failf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same of what is no failure. */
void cli_notice(const char *text);
/* The same as cli_failf(), and how to get help.  Returns 2. */
int cli_misuse(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The name shown in messages: "submit". */
extern const char *cli_command;

/* CKPT_FILES_LIMIT, 0 when it is not set.  0, or -1 and said on stderr. */
int cli_files_limit(uint64_t *limit);

/* --- words --------------------------------------------------------------- */

/* The pool's directory: --pool, CKPT_POOL, ~/.ckpt. */
const char *cli_pool_dir(void);

/* The value of an option that names a file or directory.  An empty one (a
 * script's unset variable, most often) ends the program with 2: it must not
 * mean the default. */
const char *cli_path(const char *option, const char *value);

/* A process id, or -1. */
pid_t cli_pid(const char *word);

/* Job arguments: N, A-B (each of them), or CLUSTER.PROC.  The array is
 * malloc'ed.  -1 with EINVAL. */
int cli_job_ids(char *const *words, int count, uint64_t **ids, size_t *n,
                struct ckpt_err *err);
/* It could be a job and not a station's name. */
bool cli_is_job(const char *word);

/* "0+01:02:03" as condor_q, "11/21 12:13", "1.5 MiB"; buffers of CLI_TEXT. */
enum { CLI_TEXT = 48 };
const char *cli_duration(int64_t ms, char *buf);
const char *cli_when(int64_t sec, char *buf);
const char *cli_size(uint64_t bytes, char *buf);
const char *cli_permille(int permille, char *buf);

#endif
