/* submit_keys.h - the commands of submit files, and what becomes of each */
#ifndef CKPT_CLI_SUBMIT_KEYS_H
#define CKPT_CLI_SUBMIT_KEYS_H

enum submit_key {
    K_EXECUTABLE,
    K_ARGUMENTS,
    K_INPUT,
    K_OUTPUT,
    K_ERROR,
    K_LOG,
    K_INITIALDIR,
    K_ENVIRONMENT,
    K_GETENV,
    K_REQUIREMENTS,
    K_MEMORY,
    K_DISK,
    K_CPUS,
    K_PRIORITY,
    K_NAME,
    K_UNIVERSE,
    K_GRANT,
    K_LOCAL,
    K_HOME,
    K_FETCH,
    K_AFTER,
    K_EVERY,
    K_NOTIFICATION,
    K_NOTIFY_USER,
    K_ON_DONE,
    K_TRANSFER_INPUT,
    K_FRONT_END,
    SUBMIT_KEYS
};

enum submit_key_kind {
    KEY_UNKNOWN, /* perhaps a macro */
    KEY_OURS,    /* one of the above */
    KEY_NEUTRAL, /* what it asks for is so anyway, or makes no difference */
    KEY_IGNORED, /* the job does without; the user is told */
    KEY_REFUSED, /* the job would not be what was asked for */
};

/* What a name is; in any case.  *key: for KEY_OURS.  *why: a phrase, for
 * KEY_IGNORED and KEY_REFUSED. */
enum submit_key_kind submit_key_find(const char *name, enum submit_key *key,
                                     const char **why);

#endif
