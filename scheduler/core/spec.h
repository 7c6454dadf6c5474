/* spec.h - what a user asked for: a program and its surroundings
 *
 * Filled in by `ckpt submit`, carried by home.x, kept in the queue, turned
 * into job.conf for the shadow.  All strings belong to the struct; NULL stands
 * for "not given" where it says so.  Pure: no files, no clock.
 */
#ifndef CKPT_SCHEDULER_SPEC_H
#define CKPT_SCHEDULER_SPEC_H

#include "lib/common/err.h"

#include <stddef.h>
#include <stdint.h>

struct job_spec {
    char *name;       /* NULL: the last part of `executable` */
    char *owner;      /* login name */
    uint32_t uid;     /* of the owner */
    char *executable; /* absolute path at home */
    char **args;      /* argv, NULL at the end; args[0] is the name */
    char **env;       /* NAME=VALUE, NULL at the end */
    char *cwd;        /* absolute path at home */
    char *in;         /* relative to cwd or absolute; NULL: /dev/null */
    char *out;
    char *err;
    char *log;          /* the user's event log; NULL: none */
    char *requirements; /* expr.h; NULL: any station */
    int prio;           /* among the owner's jobs; higher is sooner */
    uint32_t umask;
    uint64_t mem_need; /* bytes; 0: unknown */
    uint64_t disk_need;
    char **grants; /* grant.h, kept form; NULL at the end, or NULL */
    char **maps;   /* the same, of path rules */
    char **after;  /* ids of jobs that must be done first; or NULL */
    char *every;   /* periodic checkpoints: "auto", "90s"; NULL: the pool's */
    char *notify;  /* when to send mail: notify.h; NULL: never */
    char *notify_user; /* to whom; NULL: the owner */
    char *on_done;     /* a command for the shell at home, or NULL */
};

/* Give back what the struct holds and make it all zero. */
void job_spec_clear(struct job_spec *spec);

/* Deep copy into an uninitialised *to.  0, or -1 with ENOMEM. */
int job_spec_copy(struct job_spec *to, const struct job_spec *from);

/* The copy for one job of a submission: $(Process), $(ProcId), $(Cluster) and
 * $(ClusterId) are replaced in args[1...], env, cwd, in, out, err, log, grants,
 * maps and on_done.
 * 0, or -1 with ENOMEM or E2BIG (a string grew over 128 KiB). */
int job_spec_expand(struct job_spec *to, const struct job_spec *from,
                    uint64_t cluster, uint32_t process);

/* executable's arguments as one line for listings, cut to fit `size`. */
void job_spec_command(const struct job_spec *spec, char *buf, size_t size);

/* 0, or -1 with EINVAL naming what is missing or not absolute. */
int job_spec_check(const struct job_spec *spec, struct ckpt_err *err);

/* "auto" or a duration.  0: *ms is that, or -1 for auto; -1 with EINVAL. */
int job_every_parse(const char *text, int64_t *ms, struct ckpt_err *err);

/* "auto", "trap" or "mount": how a job reaches its files.  -1 with EINVAL. */
int job_front_end_check(const char *text, struct ckpt_err *err);

/* Lists of strings.  The copy and each string in it are from malloc. */
char **job_list_copy(char *const *list);
void job_list_free(char **list);
/* Adds a copy of `text`.  *list may be NULL.  0, or -1 with ENOMEM. */
int job_list_add(char ***list, const char *text);
size_t job_list_len(char *const *list);

#endif
