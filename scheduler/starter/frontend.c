/* frontend.c - see frontend.h */
#include "scheduler/starter/frontend.h"

#include "lib/common/program.h"
#include "scheduler/pool/program.h"
#include "scheduler/starter/view.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

const char *frontend_variable(const shadow_start_ok *start, const char *name)
{
    size_t len = strlen(name);

    for (unsigned i = 0; i < start->env.env_len; i++) {
        const char *at = start->env.env_val[i];
        if (strncmp(at, name, len) == 0 && at[len] == '=')
            return at + len + 1;
    }
    return NULL;
}

static int can_mount(const char *scratch, struct ckpt_err *err)
{
    char program[PATH_MAX];

    return program_find("ckpt-mount", program, err) < 0 ||
                   view_probe(scratch, err) < 0
               ? -1
               : 0;
}

/* A program whose work is to start others. */
static bool starts_others(const char *path)
{
    static const char *const names[] = {"sh",   "bash",  "dash", "ksh",  "zsh",
                                        "make", "gmake", "env",  "xargs"};
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

enum need { TRAP_DOES, MOUNT_BETTER, MOUNT_ONLY };

static enum need need_of(const shadow_start_ok *start,
                         const struct ckpt_program *program)
{
    const char *plain = frontend_variable(start, "LIBCKPT_PLAIN");

    if (program->kind == CKPT_PROGRAM_STATIC)
        return plain && strcmp(plain, "1") == 0 ? TRAP_DOES : MOUNT_ONLY;
    if (program->kind == CKPT_PROGRAM_SCRIPT)
        return starts_others(program->interpreter) ? MOUNT_BETTER : TRAP_DOES;
    return starts_others(start->executable) ? MOUNT_BETTER : TRAP_DOES;
}

static bool at_terminal(const shadow_grants_ok *grants)
{
    const char *in = grants->streams[0];

    return strncmp(in, "/dev/", 5) == 0 && strcmp(in, "/dev/null") != 0;
}

static bool wants(const shadow_start_ok *start, const char *what)
{
    const char *wish = frontend_variable(start, "LIBCKPT_FRONT_END");

    return wish && strcmp(wish, what) == 0;
}

int frontend_choose(const shadow_start_ok *start,
                    const shadow_grants_ok *grants, const char *path,
                    const char *scratch, enum frontend *frontend,
                    struct ckpt_err *err)
{
    struct ckpt_program program = {.kind = CKPT_PROGRAM_DYNAMIC};
    struct ckpt_err why;

    *frontend = FRONTEND_TRAP;
    if (path && ckpt_program_find(path, &program, err) < 0)
        return -1;
    enum need need = wants(start, "mount")           ? MOUNT_ONLY
                     : wants(start, "trap") || !path ? TRAP_DOES
                                                     : need_of(start, &program);
    if (need == TRAP_DOES || (need == MOUNT_BETTER && at_terminal(grants)))
        return 0;
    if (can_mount(scratch, &why) == 0)
        *frontend = wants(start, "mount") && program.kind != CKPT_PROGRAM_STATIC
                        ? FRONTEND_MOUNT
                        : FRONTEND_MOUNT_PLAIN;
    else if (need == MOUNT_ONLY)
        return ckpt_err_set(err, ENOTSUP,
                            "the program needs its files mounted, and this "
                            "station cannot: %.300s",
                            why.text);
    return 0;
}
