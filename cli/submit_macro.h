/* submit_macro.h - names and their values in a submit file
 *
 * Every `name = value` line is a definition; the last one before a `queue` line
 * counts there.  Names are compared without regard to case.  A value may hold
 *
 *     $(NAME), $(NAME:text when there is none)   another definition
 *     $ENV(NAME)                                 of the caller's environment
 *     $(Process), $(Cluster), and $(ProcId), $(ClusterId)
 *     $(DOLLAR)
 *
 * and nothing else that begins with $(, $$( or $NAME(.
 */
#ifndef CKPT_CLI_SUBMIT_MACRO_H
#define CKPT_CLI_SUBMIT_MACRO_H

#include "lib/common/err.h"

#include <stdbool.h>
#include <stddef.h>

struct submit_definition {
    char *name;
    char *text;
    int line;
    bool used; /* in the value of another, or by queue */
};

/* All zero is an empty one. */
struct submit_macros {
    struct submit_definition *all;
    size_t count;
    char *const *env;
    long process; /* of one job; below 0: $(Process) stays as it is */
};

/* Add a definition or replace it.  0, or -1 with ENOMEM. */
int submit_macros_set(struct submit_macros *macros, const char *name,
                      const char *text, int line);
/* NULL: there is none. */
struct submit_definition *submit_macros_get(const struct submit_macros *macros,
                                            const char *name);
void submit_macros_clear(struct submit_macros *macros);

/* The text with everything replaced, malloc'ed.  NULL with EINVAL or ENOMEM.
 * $(Cluster) stays as it is, for the home station. */
char *submit_macros_expand(const struct submit_macros *macros, const char *text,
                           struct ckpt_err *err);

#endif
