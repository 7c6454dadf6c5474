/* command.h - what the job's process executes: program, arguments, environment
 *
 * In the scratch directory lies either the program, under its own name, or
 * "image", which `ckpt restart` carries on.  The environment is the one the
 * user submitted, without what would steer libckpt, and with what we say to it.
 */
#ifndef CKPT_SCHEDULER_STARTER_COMMAND_H
#define CKPT_SCHEDULER_STARTER_COMMAND_H

#include "lib/common/err.h"
#include "lib/proto/shadow.h"
#include "scheduler/starter/frontend.h"

#include <stdbool.h>

struct command {
    int program_fd; /* `ckpt`, for a restart; -1: the program in scratch */
    char *program;  /* as the job's process finds that one; of a script whose
                       files are served: its interpreter */
    bool preload;   /* the library must be loaded before the program */
    char **argv;
    char **envp;
    size_t envp_len;
};

/* The file of the scratch directory that holds what is to run. */
const char *command_file(const shadow_start_ok *start);

/* `path` (PATH_MAX bytes) becomes that of a file in the scratch directory. */
int command_scratch(const char *scratch, const char *name, char *path,
                    struct ckpt_err *err);

/* Plan how to run what command_file() names; the boot record will be readable
 * from `boot_fd`.  For a job whose files are mounted the file is moved to where
 * its view has it (view.h), and there is no boot record.  Brings the library to
 * scratch where the program needs it. Refused (ENOEXEC) where its calls could
 * not be served from home.  In every case the caller clears the command. */
int command_make(struct command *command, const shadow_start_ok *start,
                 enum frontend frontend, const char *scratch, int boot_fd,
                 struct ckpt_err *err);
void command_clear(struct command *command);

/* In the job's process, in its scratch directory or its view; `program` is to
 * be executed unless it is a restart.  Returns only when it failed, with errno
 * and err. */
int command_exec(const struct command *command, const char *program,
                 struct ckpt_err *err);

#endif
