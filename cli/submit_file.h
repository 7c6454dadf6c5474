/* submit_file.h - HTCondor's submit description files
 *
 *     # a comment; a line ends with \ to go on in the next
 *     executable  = simulate
 *     arguments   = "-n 100 'two words'"
 *     input       = input.dat
 *     output      = out.$(Process)
 *     log         = simulate.log
 *     grant       = /data:ro; results:rw,limit=2G
 *     local_files = /scratch
 *     after       = 7, 9-12
 *     queue 10
 *
 * The keys are those of submit_keys.c; any other name is a macro, and an error
 * that names file:line when nothing uses it.
 * `arguments` and `environment` know HTCondor's new quoting (the whole in
 * double quotes; blanks separate, '...' groups, '' and "" stand for
 * themselves) and the old one (without).  Pure.
 */
#ifndef CKPT_CLI_SUBMIT_FILE_H
#define CKPT_CLI_SUBMIT_FILE_H

#include "scheduler/core/spec.h"

#include <stdbool.h>

/* One `queue` line. */
struct submission {
    struct job_spec spec; /* owner and uid are the home station's to fill in */
    uint32_t count;
    char *front_end;    /* front_end.h; NULL: the pool's */
    size_t after_first; /* its jobs wait for those of after_count */
    size_t after_count; /* submissions, from that one on */
};

struct submit_context {
    const char *cwd;  /* absolute */
    char *const *env; /* the caller's environment */
    uint32_t umask;
    void (*warn)(const char *text); /* of what is ignored; or NULL */
};

/* Parse `text`; `path` is for messages.  *made is malloc'ed, *count long; give
 * it back with submissions_free().  -1 with EINVAL and "PATH:LINE: ...". */
int submit_file_parse(const char *path, const char *text,
                      const struct submit_context *context,
                      struct submission **made, size_t *count,
                      struct ckpt_err *err);
void submissions_free(struct submission *made, size_t count);

/* "dir/path", or path when it is absolute.  malloc'ed, NULL: ENOMEM. */
char *submit_path(const char *dir, const char *path);

/* A copy of the environment: all of it but what belongs to this session
 * (CKPT_*, SSH_*, displays, agents), or only what any program needs (PATH,
 * HOME, USER, LOGNAME, SHELL, LANG, LC_*, TZ). */
char **submit_environment(char *const *env, bool all);

/* What is needed and what `names` says: "PATH, LD_*".  NULL with EINVAL or
 * ENOMEM. */
char **submit_environment_named(char *const *env, const char *names,
                                struct ckpt_err *err);

/* The two quotings.  0, or -1 with EINVAL. */
int submit_split_arguments(const char *text, char ***list,
                           struct ckpt_err *err);
int submit_split_environment(const char *text, char ***list,
                             struct ckpt_err *err);

/* To whom mail may go: one line, no blanks at its ends.  -1 with EINVAL. */
int submit_check_address(const char *text, struct ckpt_err *err);

/* "7", "7, 9-12": job ids, added to a list in decimal. */
int submit_split_ids(const char *text, char ***list, struct ckpt_err *err);

#endif
