/* submit.c - ckpt submit: queue jobs, from the command line or a file */
#include "cli/cli.h"
#include "cli/front_end.h"
#include "cli/home.h"
#include "cli/json.h"
#include "cli/submit_file.h"
#include "cli/submit_send.h"
#include "cli/tty.h"
#include "scheduler/core/expr.h"
#include "scheduler/core/grant.h"
#include "scheduler/core/notify.h"
#include "scheduler/pool/pool_conf.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] =
    "usage: ckpt submit [--pool DIR] [--json] [--name S] [--in F] [--out F]\n"
    "           [--err F] [--log F] [--require EXPR] [--prio N] [--count N]\n"
    "           [--grant DIR[:ro|:rw][,limit=SIZE]]...\n"
    "           [--map PREFIX=local|home|fetch]... [--after JOB]...\n"
    "           [--every DUR|auto] [--notify never|complete|error|always]\n"
    "           [--notify-user ADDRESS] [--on-done COMMAND]\n"
    "           [--front-end auto|trap|mount] [--tty] [--] PROG ARG...\n"
    "       ckpt submit [--pool DIR] [--json] FILE.sub\n"
    "Queue a job; prints its id, one line for each job.  The program runs in\n"
    "this directory and environment, wherever it runs; paths may hold\n"
    "$(Process).  It may use this directory, the files that its arguments\n"
    "name, and what --grant adds.  With --tty it has this terminal, and the\n"
    "command stays until it ends, and exits as it did.  FILE.sub is HTCondor's "
    "submit syntax.  "
    "EXPR\n"
    "compares\n"
    "stations' name arch cpus memory memory_free disk load owner_idle, or\n"
    "has(\"avx2\").\n"
    "example: ckpt submit --in input.dat --out result.txt --require \\\n"
    "             'memory >= 4G && has(\"avx2\")' ./simulate -n 100\n";

enum {
    OPT_NAME = CLI_OPT_OWN,
    OPT_IN,
    OPT_OUT,
    OPT_ERR,
    OPT_LOG,
    OPT_REQUIRE,
    OPT_PRIO,
    OPT_COUNT,
    OPT_GRANT,
    OPT_MAP,
    OPT_TTY,
    OPT_AFTER,
    OPT_EVERY,
    OPT_NOTIFY,
    OPT_NOTIFY_USER,
    OPT_ON_DONE,
    OPT_FRONT_END,
};

static const struct option options[] = {
    CLI_OPTIONS,
    {"name", required_argument, NULL, OPT_NAME},
    {"in", required_argument, NULL, OPT_IN},
    {"out", required_argument, NULL, OPT_OUT},
    {"err", required_argument, NULL, OPT_ERR},
    {"log", required_argument, NULL, OPT_LOG},
    {"require", required_argument, NULL, OPT_REQUIRE},
    {"prio", required_argument, NULL, OPT_PRIO},
    {"count", required_argument, NULL, OPT_COUNT},
    {"grant", required_argument, NULL, OPT_GRANT},
    {"map", required_argument, NULL, OPT_MAP},
    {"tty", no_argument, NULL, OPT_TTY},
    {"after", required_argument, NULL, OPT_AFTER},
    {"every", required_argument, NULL, OPT_EVERY},
    {"notify", required_argument, NULL, OPT_NOTIFY},
    {"notify-user", required_argument, NULL, OPT_NOTIFY_USER},
    {"on-done", required_argument, NULL, OPT_ON_DONE},
    {"front-end", required_argument, NULL, OPT_FRONT_END},
    {NULL, 0, NULL, 0},
};

/* A whole number or exit 2. */
static long number(const char *name, const char *text, long min, long max)
{
    char *end;
    long value;

    errno = 0;
    value = strtol(text, &end, 10);
    if (end == text || *end || errno || value < min || value > max)
        exit(cli_misuse("--%s: \"%s\" is not a number from %ld to %ld", name,
                        text, min, max));
    return value;
}

static void check_require(const char *text)
{
    struct ckpt_err err = {""};
    struct expr *expr = expr_parse(text, &err);

    if (!expr)
        exit(cli_misuse("--require: %s", err.text));
    expr_free(expr);
}

/* Add the kept form to a list, or exit 2. */
static void add_kept(char ***list, char *made, const char *option,
                     const struct ckpt_err *err)
{
    if (!made)
        exit(cli_misuse("--%s: %s", option, err->text));
    if (job_list_add(list, made))
        exit(cli_failf("out of memory"));
    free(made);
}

static bool with_tty;

static void take_terminal(struct job_spec *spec)
{
    const char *name = tty_name();

    if (!name)
        exit(cli_misuse("--tty: standard input is not a terminal"));
    with_tty = true;
    spec->in = spec->out = spec->err = (char *)(uintptr_t)name;
}

/* Strict, or exit 2. */
static void take_wish(int option, char *text, struct job_spec *spec)
{
    struct ckpt_err err = {""};
    int64_t ms;

    if (option == OPT_EVERY) {
        if (job_every_parse(text, &ms, &err))
            exit(cli_misuse("--every: %s", err.text));
        spec->every = text;
    } else if (option == OPT_NOTIFY) {
        if (notify_check(text, &err))
            exit(cli_misuse("--notify: %s", err.text));
        spec->notify = text;
    } else if (option == OPT_NOTIFY_USER) {
        if (submit_check_address(text, &err))
            exit(cli_misuse("--notify-user: %s", err.text));
        spec->notify_user = text;
    } else {
        spec->on_done = text;
    }
}

/* The strings stay the command line's until the spec is copied. */
static void parse_options(struct cli *cli, int argc, char **argv,
                          const char *cwd, struct submission *s)
{
    struct ckpt_err err = {""};
    int option;

    while ((option = cli_getopt(cli, argc, argv, "+", options)) != -1)
        switch (option) {
        case OPT_NAME:
            s->spec.name = optarg;
            break;
        case OPT_IN:
            s->spec.in = optarg;
            break;
        case OPT_OUT:
            s->spec.out = optarg;
            break;
        case OPT_ERR:
            s->spec.err = optarg;
            break;
        case OPT_LOG:
            s->spec.log = optarg;
            break;
        case OPT_REQUIRE:
            check_require(optarg);
            s->spec.requirements = optarg;
            break;
        case OPT_FRONT_END:
            if (job_front_end_check(optarg, &err))
                exit(cli_misuse("--front-end: %s", err.text));
            s->front_end = optarg;
            break;
        case OPT_PRIO:
            s->spec.prio = (int)number("prio", optarg, -1000000, 1000000);
            break;
        case OPT_COUNT:
            s->count = (uint32_t)number("count", optarg, 1, HOME_COUNT_MAX);
            break;
        case OPT_GRANT:
            add_kept(&s->spec.grants, grant_parse(optarg, cwd, &err), "grant",
                     &err);
            break;
        case OPT_EVERY:
        case OPT_NOTIFY:
        case OPT_NOTIFY_USER:
        case OPT_ON_DONE:
            take_wish(option, optarg, &s->spec);
            break;
        case OPT_TTY:
            take_terminal(&s->spec);
            break;
        case OPT_AFTER:
            if (submit_split_ids(optarg, &s->spec.after, &err))
                exit(cli_misuse("--after: %s", err.text));
            break;
        case OPT_MAP:
            add_kept(&s->spec.maps, grant_map_parse(optarg, cwd, &err), "map",
                     &err);
            break;
        }
    if (with_tty && s->count != 1)
        exit(cli_misuse("--tty: one terminal serves one job"));
    if (optind == argc)
        exit(cli_misuse("give a program or a submit file"));
}

/* --- the program --------------------------------------------------------- */

static int check_program(const char *path, struct ckpt_err *err)
{
    struct stat st;

    if (stat(path, &st))
        return ckpt_err_sys(err, "%s", path);
    if (!S_ISREG(st.st_mode))
        return ckpt_err_set(err, EACCES, "%s: not a program", path);
    if (access(path, X_OK))
        return ckpt_err_sys(err, "%s: cannot be executed", path);
    return 0;
}

/* As a shell finds it. */
static char *find_program(const char *word, const char *cwd,
                          struct ckpt_err *err)
{
    const char *path = getenv("PATH"), *at;
    char *found;

    if (strchr(word, '/')) {
        found = submit_path(cwd, word);
        if (found && check_program(found, err)) {
            free(found);
            return NULL;
        }
        return found;
    }
    for (at = path ? path : "/usr/bin:/bin"; *at; at += *at == ':') {
        size_t len = strcspn(at, ":");
        char dir[PATH_MAX];
        snprintf(dir, sizeof dir, "%.*s", (int)len, at);
        at += len;
        found = submit_path(dir[0] ? dir : cwd, word);
        if (found && found[0] == '/' && check_program(found, err) == 0)
            return found;
        free(found);
    }
    ckpt_err_set(err, ENOENT, "%s: there is no such program in PATH", word);
    return NULL;
}

/* Files that cannot be used would hold the job as soon as it starts; say so
 * now. */
static int check_files(const struct job_spec *spec, struct ckpt_err *err)
{
    struct stat st;
    char *in;

    if (!strstr(spec->cwd, "$(") &&
        (stat(spec->cwd, &st) || !S_ISDIR(st.st_mode)))
        return ckpt_err_set(err, ENOTDIR, "%s: not a directory", spec->cwd);
    for (size_t i = 0; i < job_list_len(spec->grants); i++) {
        const char *path = grant_path(spec->grants[i]);
        if (!strstr(path, "$(") && stat(path, &st))
            return ckpt_err_sys(err, "cannot grant %s", path);
    }
    if (!spec->in || strstr(spec->in, "$(") || strstr(spec->cwd, "$("))
        return 0;
    in = submit_path(spec->cwd, spec->in);
    if (!in || access(in, R_OK)) {
        ckpt_err_sys(err, "input %s", spec->in);
        free(in);
        return -1;
    }
    free(in);
    return 0;
}

/* --- what is submitted -----------------------------------------------------
 */

static mode_t current_umask(void)
{
    mode_t mask = umask(0);

    umask(mask);
    return mask;
}

static char *read_whole(const char *path, struct ckpt_err *err)
{
    FILE *in = fopen(path, "re");
    char *text = NULL;
    size_t size = 0;

    if (!in) {
        ckpt_err_sys(err, "%s", path);
        return NULL;
    }
    errno = 0;
    if (getdelim(&text, &size, '\0', in) < 0) {
        free(text);
        text = errno ? NULL : strdup("");
        if (!text)
            ckpt_err_sys(err, "%s", path);
    }
    fclose(in);
    return text;
}

/* Mail that nobody can send is worth a word now. */
static void check_mailer(const struct job_spec *spec)
{
    char program[PATH_MAX], text[PATH_MAX + 128];
    struct ckpt_err err;

    if (!spec->notify || strcasecmp(spec->notify, "never") == 0)
        return;
    struct ckpt_conf *conf = pool_conf_load(cli_pool_dir(), &err);
    if (!conf)
        return; /* the submission will say what is wrong */
    const char *command = ckpt_conf_text(conf, "mail_command", NULL);
    snprintf(program, sizeof program, "%.*s", (int)strcspn(command, " \t"),
             command);
    ckpt_conf_destroy(conf);
    if (program[0] != '/' || access(program, X_OK) == 0)
        return;
    snprintf(text, sizeof text,
             "no mail will be sent: %s: %s (mail_command in pool.conf)",
             program, strerror(errno));
    cli_notice(text);
}

static int submit_file(const struct cli *cli, const char *path,
                       const struct submit_context *context)
{
    struct ckpt_err err = {""};
    struct submission *made = NULL;
    size_t count = 0;
    uint64_t id;
    char *text = read_whole(path, &err);
    int result;

    if (!text)
        return cli_fail(&err);
    result = submit_file_parse(path, text, context, &made, &count, &err);
    free(text);
    for (size_t i = 0; i < count && result == 0; i++)
        if ((result = check_program(made[i].spec.executable, &err)) == 0 &&
            (result = check_files(&made[i].spec, &err)) == 0)
            result = front_end_apply(&made[i].spec, made[i].front_end, &err);
    if (result == 0) {
        check_mailer(&made[0].spec);
        result = submit_send(cli, made, count, &id, &err);
    }
    submissions_free(made, count);
    return result ? cli_fail(&err) : 0;
}

static int submit_program(const struct cli *cli, struct submission *s,
                          char **argv, const struct submit_context *context)
{
    struct ckpt_err err = {""};
    uint64_t id = 0;
    int result = -1;

    s->spec.args = argv;
    s->spec.cwd = (char *)(uintptr_t)context->cwd;
    s->spec.umask = context->umask;
    s->spec.env = submit_environment(context->env, true);
    s->spec.executable = find_program(argv[0], context->cwd, &err);
    if (s->spec.requirements)
        s->spec.requirements = strdup(s->spec.requirements);
    if (s->spec.env && s->spec.executable && check_files(&s->spec, &err) == 0 &&
        front_end_apply(&s->spec, s->front_end, &err) == 0) {
        check_mailer(&s->spec);
        result = submit_send(cli, s, 1, &id, &err);
    }
    job_list_free(s->spec.env);
    job_list_free(s->spec.grants);
    job_list_free(s->spec.maps);
    job_list_free(s->spec.after);
    free(s->spec.requirements);
    free(s->spec.executable);
    if (result)
        return cli_fail(&err);
    return with_tty ? tty_attend(id) : 0;
}

/* FILE.sub, and no options or arguments that would belong to a program. */
static bool is_submit_file(const char *word)
{
    size_t len = strlen(word);

    return len > 4 && !strcmp(word + len - 4, ".sub");
}

static bool own_options(const struct submission *s)
{
    const struct job_spec *spec = &s->spec;

    return spec->name || spec->in || spec->out || spec->err || spec->log ||
           spec->requirements || spec->grants || spec->maps || spec->after ||
           spec->every || spec->notify || spec->notify_user || spec->on_done ||
           spec->prio || s->front_end || s->count != 1;
}

int cmd_submit(int argc, char **argv)
{
    struct cli cli = {.usage = usage};
    struct submission s = {.count = 1};
    char cwd[PATH_MAX];

    if (!getcwd(cwd, sizeof cwd))
        return cli_failf("working directory: %s", strerror(errno));
    parse_options(&cli, argc, argv, cwd, &s);
    const struct submit_context context = {.cwd = cwd,
                                           .env = environ,
                                           .umask = (uint32_t)current_umask(),
                                           .warn = cli_notice};
    if (is_submit_file(argv[optind]) && argc - optind == 1)
        return own_options(&s)
                   ? cli_misuse("with a submit file, such options belong in it")
                   : submit_file(&cli, argv[optind], &context);
    return submit_program(&cli, &s, argv + optind, &context);
}
