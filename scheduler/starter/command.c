/* command.c - see command.h */
#include "scheduler/starter/command.h"

#include "lib/common/program.h"
#include "scheduler/pool/program.h"
#include "scheduler/starter/frontend.h"
#include "scheduler/starter/view.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static const char PRELOAD[] = "libckpt.so";

int command_scratch(const char *scratch, const char *name, char *path,
                    struct ckpt_err *err)
{
    int n = snprintf(path, PATH_MAX, "%s/%s", scratch, name);

    if (n < 0 || n >= PATH_MAX)
        return ckpt_err_set(err, ENAMETOOLONG, "%s: too long", scratch);
    return 0;
}

/* Programs are known by their own name on the station, too. */
static const char *program_name(const shadow_start_ok *start)
{
    const char *slash = strrchr(start->executable, '/');

    return slash ? slash + 1 : start->executable;
}

const char *command_file(const shadow_start_ok *start)
{
    return start->image_size > 0 ? "image" : program_name(start);
}

/* --- the program ---------------------------------------------------------- */

/* LIBCKPT_PLAIN=1 in the job's environment: the user knows that the program
 * sees this machine's files and nothing of home. */
static bool wants_to_be_plain(const shadow_start_ok *start)
{
    const char *value = frontend_variable(start, "LIBCKPT_PLAIN");

    return value && strcmp(value, "1") == 0;
}

/* A program that can be neither asked for a checkpoint nor have its calls
 * served at home must not run here at all. */
static int needs_library(const shadow_start_ok *start,
                         const struct ckpt_program *program, const char *what,
                         bool *needed, struct ckpt_err *err)
{
    if (program->kind == CKPT_PROGRAM_STATIC && wants_to_be_plain(start)) {
        *needed = false;
        return 0;
    }
    if (program->kind == CKPT_PROGRAM_STATIC)
        return ckpt_err_set(err, ENOEXEC,
                            "the %s is %s; its calls could not be served "
                            "from home",
                            what, program->why);
    *needed = program->kind != CKPT_PROGRAM_RELINKED;
    return 0;
}

/* All of `in` to `out`, which may be on another file system. */
static int copy_all(int in, int out)
{
    struct stat st;

    if (fstat(in, &st) < 0)
        return -1;
    for (off_t left = st.st_size; left > 0;) {
        ssize_t n = sendfile(out, in, NULL, (size_t)left);
        if (n == 0)
            errno = EIO; /* it became shorter meanwhile */
        if (n <= 0)
            return -1;
        left -= n;
    }
    return 0;
}

static int copy_file(const char *from, const char *to, mode_t mode,
                     struct ckpt_err *err)
{
    int rc = -1, out = -1;
    int in = open(from, O_RDONLY | O_CLOEXEC);

    if (in >= 0)
        out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (out >= 0)
        rc = copy_all(in, out);
    if (rc < 0)
        ckpt_err_sys(err, "%s to %s", from, to);
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return rc;
}

/* Unmodified programs get the library loaded before them. */
static int bring_library(const char *scratch, bool mounted,
                         struct ckpt_err *err)
{
    char from[PATH_MAX], to[PATH_MAX], name[32];

    snprintf(name, sizeof name, "%s%s", mounted ? "lib/" : "", PRELOAD);
    if (program_find(PRELOAD, from, err) < 0 ||
        command_scratch(scratch, name, to, err) < 0)
        return -1;
    return copy_file(from, to, 0700, err);
}

/* --- arguments ------------------------------------------------------------ */

static int no_memory(struct ckpt_err *err)
{
    return ckpt_err_set(err, ENOMEM, "no memory");
}

/* A list of `len` strings and its end. */
static int copy_list(char ***list, char *const *from, size_t len,
                     struct ckpt_err *err)
{
    *list = calloc(len + 1, sizeof **list);
    if (!*list)
        return no_memory(err);
    for (size_t i = 0; i < len; i++)
        if (((*list)[i] = strdup(from[i])) == NULL)
            return no_memory(err);
    return 0;
}

/* What the kernel would make of a script's first line, but with the script's
 * name at home, where the interpreter reads it. */
static int make_script(struct command *command, const shadow_start_ok *start,
                       struct ckpt_program *script, struct ckpt_err *err)
{
    char *own = start->args.args_len ? start->args.args_val[0] : NULL;
    size_t len = 0, n = start->args.args_len;
    char **argv = calloc(n + 3, sizeof *argv);

    if (!argv)
        return no_memory(err);
    argv[len++] = script->interpreter;
    if (script->argument[0])
        argv[len++] = script->argument;
    argv[len++] = own && strchr(own, '/') ? own : start->executable;
    for (size_t i = 1; i < n; i++)
        argv[len++] = start->args.args_val[i];
    int rc = copy_list(&command->argv, argv, len, err);
    free(argv);
    command->program = strdup(script->interpreter);
    return rc < 0 || command->program ? rc : no_memory(err);
}

/* `directory` is that of the program as the job's process finds it. */
static int make_binary(struct command *command, const shadow_start_ok *start,
                       const char *directory, struct ckpt_err *err)
{
    char *name = (char *)(uintptr_t)program_name(start);

    if (asprintf(&command->program, "%s/%s", directory, name) < 0) {
        command->program = NULL;
        return no_memory(err);
    }
    if (start->args.args_len == 0)
        return copy_list(&command->argv, &name, 1, err);
    return copy_list(&command->argv, start->args.args_val, start->args.args_len,
                     err);
}

/* Whose files are served to it call by call. */
static int make_served(struct command *command, const shadow_start_ok *start,
                       const char *scratch, struct ckpt_err *err)
{
    struct ckpt_program program;
    const char *what = "program";
    char path[PATH_MAX];
    int rc;

    if (command_scratch(scratch, program_name(start), path, err) < 0 ||
        ckpt_program_find(path, &program, err) < 0)
        return -1;
    if (program.kind == CKPT_PROGRAM_SCRIPT) {
        what = "program's interpreter";
        rc = make_script(command, start, &program, err);
        if (rc == 0)
            rc = ckpt_program_find(command->program, &program, err);
    } else {
        rc = make_binary(command, start, ".", err);
    }
    if (rc < 0 ||
        needs_library(start, &program, what, &command->preload, err) < 0)
        return -1;
    return command->preload ? bring_library(scratch, false, err) : 0;
}

/* Which the kernel starts as it finds it, a script, too. */
static int make_mounted(struct command *command, const shadow_start_ok *start,
                        bool with_library, const char *scratch,
                        struct ckpt_err *err)
{
    struct ckpt_program program;
    char path[PATH_MAX];

    if (command_scratch(scratch, program_name(start), path, err) < 0 ||
        ckpt_program_find(path, &program, err) < 0)
        return -1;
    command->preload = with_library && program.kind != CKPT_PROGRAM_RELINKED;
    if (command->preload && bring_library(scratch, true, err) < 0)
        return -1;
    return make_binary(command, start, VIEW_LIB, err);
}

static int make_program(struct command *command, const shadow_start_ok *start,
                        enum frontend frontend, const char *scratch,
                        struct ckpt_err *err)
{
    if (frontend == FRONTEND_TRAP)
        return make_served(command, start, scratch, err);
    return make_mounted(command, start, frontend == FRONTEND_MOUNT, scratch,
                        err);
}

static int make_restart(struct command *command, bool mounted, int boot_fd,
                        struct ckpt_err *err)
{
    char program[PATH_MAX], fd[16];
    char *trapped[] = {"ckpt", "restart", "--remote-fd", fd, "image"};
    /* the shadow has rolled its files back already */
    char *at_view[] = {"ckpt", "restart", "--force", VIEW_LIB "/image"};

    if (program_find("ckpt", program, err) < 0)
        return -1;
    command->program_fd = open(program, O_RDONLY | O_CLOEXEC);
    if (command->program_fd < 0)
        return ckpt_err_sys(err, "%s", program);
    snprintf(fd, sizeof fd, "%d", boot_fd);
    if (mounted)
        return copy_list(&command->argv, at_view,
                         sizeof at_view / sizeof *at_view, err);
    return copy_list(&command->argv, trapped, sizeof trapped / sizeof *trapped,
                     err);
}

/* --- environment ---------------------------------------------------------- */

enum { OUR_SETTINGS = 6 }; /* at most; see make_environment */

static int add_setting(struct command *command, struct ckpt_err *err,
                       const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int add_setting(struct command *command, struct ckpt_err *err,
                       const char *format, ...)
{
    va_list args;
    char *setting;

    va_start(args, format);
    int n = vasprintf(&setting, format, args);
    va_end(args);
    if (n < 0)
        return no_memory(err);
    command->envp[command->envp_len++] = setting;
    return 0;
}

/* See RHYTHM of shadow.x. */
static int add_rhythm(struct command *command, const shadow_start_ok *start,
                      struct ckpt_err *err)
{
    unsigned every = start->checkpoint_every_sec;

    if (start->checkpoint_mtbf_sec == 0)
        return every ? add_setting(command, err, "CKPT_EVERY=%us", every) : 0;
    if (add_setting(command, err, "CKPT_EVERY=auto") < 0 ||
        add_setting(command, err, "CKPT_MTBF=%us", start->checkpoint_mtbf_sec) <
            0)
        return -1;
    return every ? add_setting(command, err, "CKPT_EVERY_MOST=%us", every) : 0;
}

static int add_mounted(struct command *command, struct ckpt_err *err)
{
    return add_setting(command, err, "CKPT_IMAGE=" CKPT_MOUNTED_IMAGE) < 0 ||
                   add_setting(command, err, "CKPT_LOG=" CKPT_MOUNTED_LOG) < 0
               ? -1
               : 0;
}

/* What the user sets for libckpt is said by other ways here. */
static bool is_for_libckpt(const char *setting)
{
    return strncmp(setting, "CKPT_", 5) == 0 ||
           strncmp(setting, "LD_PRELOAD=", 11) == 0;
}

static int make_environment(struct command *command,
                            const shadow_start_ok *start,
                            enum frontend frontend, int boot_fd,
                            struct ckpt_err *err)
{
    size_t most = start->env.env_len + OUR_SETTINGS;

    command->envp = calloc(most + 1, sizeof *command->envp);
    if (!command->envp)
        return no_memory(err);
    for (unsigned i = 0; i < start->env.env_len; i++)
        if (!is_for_libckpt(start->env.env_val[i]) &&
            add_setting(command, err, "%s", start->env.env_val[i]) < 0)
            return -1;
    if (frontend == FRONTEND_MOUNT_PLAIN)
        return 0;
    bool mounted = frontend == FRONTEND_MOUNT;
    if ((mounted
             ? add_mounted(command, err)
             : add_setting(command, err, "CKPT_REMOTE_FD=%d", boot_fd)) < 0 ||
        add_rhythm(command, start, err) < 0)
        return -1;
    return command->preload ? add_setting(command, err, "LD_PRELOAD=%s/%s",
                                          mounted ? VIEW_LIB : ".", PRELOAD)
                            : 0;
}

/* --- the whole ------------------------------------------------------------ */

static void list_free(char **list)
{
    for (char **p = list; p && *p; p++)
        free(*p);
    free(list);
}

void command_clear(struct command *command)
{
    if (command->program_fd >= 0)
        close(command->program_fd);
    list_free(command->envp);
    list_free(command->argv);
    free(command->program);
}

/* Where the view has it. */
static int move_to_view(const shadow_start_ok *start, const char *scratch,
                        struct ckpt_err *err)
{
    char from[PATH_MAX], to[PATH_MAX], name[NAME_MAX + 8];

    snprintf(name, sizeof name, "lib/%s", command_file(start));
    if (command_scratch(scratch, command_file(start), from, err) < 0 ||
        command_scratch(scratch, name, to, err) < 0)
        return -1;
    return rename(from, to) < 0 ? ckpt_err_sys(err, "%s", to) : 0;
}

int command_make(struct command *command, const shadow_start_ok *start,
                 enum frontend frontend, const char *scratch, int boot_fd,
                 struct ckpt_err *err)
{
    bool mounted = frontend != FRONTEND_TRAP;

    *command = (struct command){.program_fd = -1};
    int rc = start->image_size > 0
                 ? make_restart(command, mounted, boot_fd, err)
                 : make_program(command, start, frontend, scratch, err);

    if (rc == 0 && mounted)
        rc = move_to_view(start, scratch, err);
    return rc < 0 ? rc
                  : make_environment(command, start, frontend, boot_fd, err);
}

int command_exec(const struct command *command, const char *program,
                 struct ckpt_err *err)
{
    if (command->program_fd >= 0)
        execveat(command->program_fd, "", command->argv, command->envp,
                 AT_EMPTY_PATH);
    else
        execve(program, command->argv, command->envp);
    return ckpt_err_sys(err, "%s", command->argv[0]);
}
