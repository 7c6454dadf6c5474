/* cli.c - see cli.h */
#include "cli/cli.h"

#include "lib/common/units.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char *cli_command = "";
const struct option cli_options[] = {CLI_OPTIONS, {NULL, 0, NULL, 0}};

int cli_getopt(struct cli *cli, int argc, char **argv, const char *letters,
               const struct option *options)
{
    char shorts[64];

    snprintf(shorts, sizeof shorts, "%sh", letters);
    for (;;) {
        int option = getopt_long(argc, argv, shorts, options, NULL);
        switch (option) {
        case 'h':
        case CLI_OPT_HELP:
            fputs(cli->usage, stdout);
            exit(0);
        case CLI_OPT_JSON:
            cli->json = true;
            break;
        case CLI_OPT_POOL:
            setenv("CKPT_POOL", cli_path("--pool", optarg), 1);
            break;
        case '?':
            exit(cli_misuse("see the line above"));
        default:
            return option;
        }
    }
}

void cli_parse(struct cli *cli, int argc, char **argv, int least, int most)
{
    while (cli_getopt(cli, argc, argv, "", cli_options) != -1)
        ;
    if (argc - optind < least)
        exit(cli_misuse("an argument is missing"));
    if (most >= 0 && argc - optind > most)
        exit(cli_misuse("%s: one argument too many", argv[optind + most]));
}

static void say_who(void)
{
    fprintf(stderr, "ckpt%s%s: ", *cli_command ? " " : "", cli_command);
}

int cli_failf(const char *fmt, ...)
{
    va_list ap;

    say_who();
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    return 1;
}

int cli_fail(const struct ckpt_err *err)
{
    return cli_failf("%s", err->text);
}

void cli_notice(const char *text)
{
    cli_failf("%s", text);
}

int cli_files_limit(uint64_t *limit)
{
    const char *text = getenv("CKPT_FILES_LIMIT");

    *limit = 0;
    if (!text || !*text || (ckpt_parse_size(text, limit) == 0 && *limit > 0))
        return 0;
    cli_misuse("%s is no size of the files to keep: 512M, 4G", text);
    return -1;
}

int cli_misuse(const char *fmt, ...)
{
    va_list ap;

    say_who();
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "; try `ckpt %s%s--help`\n", cli_command,
            *cli_command ? " " : "");
    return 2;
}

const char *cli_pool_dir(void)
{
    static char dir[PATH_MAX];
    const char *named = getenv("CKPT_POOL");
    const char *home = getenv("HOME");

    if (named && *named)
        return named;
    if (!home || !*home) {
        const struct passwd *me = getpwuid(getuid());
        home = me ? me->pw_dir : "";
    }
    snprintf(dir, sizeof dir, "%s/.ckpt", home);
    return dir;
}

const char *cli_path(const char *option, const char *value)
{
    if (*value == '\0')
        exit(cli_misuse("%s: an empty name", option));
    return value;
}

pid_t cli_pid(const char *word)
{
    char *end;

    errno = 0;
    long pid = strtol(word, &end, 10);
    return isdigit((unsigned char)*word) && *end == '\0' && errno == 0 &&
                   pid > 0 && pid <= INT_MAX
               ? (pid_t)pid
               : -1;
}

/* --- jobs ---------------------------------------------------------------- */

bool cli_is_job(const char *word)
{
    return isdigit((unsigned char)word[0]) &&
           word[strspn(word, "0123456789.-")] == '\0';
}

static int parse_range(const char *word, uint64_t *first, uint64_t *last)
{
    char *end;

    errno = 0;
    *first = *last = strtoull(word, &end, 10);
    if (end == word || errno || !isdigit((unsigned char)word[0]))
        return -1;
    if (*end == '.' && isdigit((unsigned char)end[1]))
        *first = *last = *first + strtoull(end + 1, &end, 10);
    else if (*end == '-' && isdigit((unsigned char)end[1]))
        *last = strtoull(end + 1, &end, 10);
    return *end || errno || *last < *first || *first == 0 ||
                   *last - *first > 1000000
               ? -1
               : 0;
}

int cli_job_ids(char *const *words, int count, uint64_t **ids, size_t *n,
                struct ckpt_err *err)
{
    uint64_t *all = NULL, first, last;
    size_t have = 0;

    for (int i = 0; i < count; i++) {
        if (parse_range(words[i], &first, &last)) {
            free(all);
            return ckpt_err_set(err, EINVAL, "\"%s\" is not a job's id",
                                words[i]);
        }
        uint64_t *grown =
            realloc(all, (have + (last - first + 1)) * sizeof *all);
        if (!grown) {
            free(all);
            return ckpt_err_set(err, ENOMEM, "out of memory");
        }
        all = grown;
        for (uint64_t k = 0; k <= last - first; k++)
            all[have++] = first + k;
    }
    *ids = all;
    *n = have;
    return 0;
}

/* --- numbers for people -------------------------------------------------- */

const char *cli_duration(int64_t ms, char *buf)
{
    int64_t sec = ms < 0 ? 0 : ms / 1000;

    snprintf(buf, CLI_TEXT, "%" PRId64 "+%02d:%02d:%02d", sec / 86400,
             (int)(sec / 3600 % 24), (int)(sec / 60 % 60), (int)(sec % 60));
    return buf;
}

const char *cli_when(int64_t sec, char *buf)
{
    time_t when = (time_t)sec;
    struct tm tm;

    if (sec == 0 || !localtime_r(&when, &tm) ||
        !strftime(buf, CLI_TEXT, "%m/%d %H:%M", &tm))
        snprintf(buf, CLI_TEXT, "-");
    return buf;
}

const char *cli_size(uint64_t bytes, char *buf)
{
    static const char units[] = "KMGTP";
    double value = (double)bytes / 1024;
    int unit = 0;

    if (bytes == 0) {
        snprintf(buf, CLI_TEXT, "-");
        return buf;
    }
    for (; value >= 1000 && unit < 4; unit++)
        value /= 1024;
    snprintf(buf, CLI_TEXT, value < 10 ? "%.1f%c" : "%.0f%c", value,
             units[unit]);
    return buf;
}

const char *cli_permille(int permille, char *buf)
{
    if (permille < 0)
        snprintf(buf, CLI_TEXT, "-");
    else
        snprintf(buf, CLI_TEXT, "%d.%d%%", permille / 10, permille % 10);
    return buf;
}
