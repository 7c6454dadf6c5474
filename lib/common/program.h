/* program.h - what kind of program a file is, and how to put it under libckpt
 */
#ifndef CKPT_COMMON_PROGRAM_H
#define CKPT_COMMON_PROGRAM_H

#include "lib/common/err.h"

#include <limits.h>
#include <stddef.h>

enum ckpt_program_kind {
    CKPT_PROGRAM_RELINKED, /* has libckpt inside */
    CKPT_PROGRAM_DYNAMIC,  /* libckpt.so can be preloaded */
    CKPT_PROGRAM_STATIC,   /* neither, and `why` says so: static, of another
                              libc, with rights that forbid preloading */
    CKPT_PROGRAM_SCRIPT,   /* starts with #!: its interpreter counts */
};

struct ckpt_program {
    char path[PATH_MAX];
    enum ckpt_program_kind kind;
    char why[256];              /* of CKPT_PROGRAM_STATIC: what it is */
    char interpreter[PATH_MAX]; /* of CKPT_PROGRAM_SCRIPT: the first word */
    char argument[256];         /* and what follows it, or "" */
};

/* Find `name` as the shell would and look at it.  0, or -1 with ENOENT,
 * EACCES, ENOEXEC and the name. */
int ckpt_program_find(const char *name, struct ckpt_program *program,
                      struct ckpt_err *err);

/* Where libckpt.so is: beside the running ckpt in the build tree, or
 * installed.  0, or -1 with ENOENT. */
int ckpt_program_library(char *path, size_t size, struct ckpt_err *err);

#endif
