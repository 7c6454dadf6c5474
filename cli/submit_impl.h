/* submit_impl.h - what the parts of a submit file's reader share */
#ifndef CKPT_CLI_SUBMIT_IMPL_H
#define CKPT_CLI_SUBMIT_IMPL_H

#include "cli/submit_file.h"
#include "cli/submit_keys.h"
#include "cli/submit_macro.h"

struct submit_parser {
    const char *path;
    const struct submit_context *context;
    char *next; /* what was not read yet */
    int next_line;
    int line;
    struct submit_macros macros;
    /* what counts at this queue line, macros replaced */
    struct {
        char *text; /* NULL: not given */
        int line;
    } values[SUBMIT_KEYS];
    size_t queue_first, previous_first; /* of `made`: this queue line's jobs,
                                           and those of the one before */
    struct submission *made;
    size_t count;
    struct ckpt_err *err;
};

/* --- submit_spec.c --- */

/* The jobs of one queue line, `count` of them, from the values that count
 * there. 0, or -1 with p->err. */
int submit_add(struct submit_parser *p, uint32_t count);

int submit_no_memory(struct submit_parser *p);
/* What was written in `err` belongs to the key's line. */
int submit_at_key(struct submit_parser *p, enum submit_key key,
                  const char *name);

#endif
