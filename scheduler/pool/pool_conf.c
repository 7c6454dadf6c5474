/* pool_conf.c - see pool_conf.h */
#include "scheduler/pool/pool_conf.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

const struct ckpt_conf_key pool_conf_keys[] = {
    /* A station and its owner. */
    {"idle_start", CKPT_CONF_DURATION, "15m", 0, 0, true, "duration",
     "a station is idle when its owner has been away this long, and"},
    {"load_start", CKPT_CONF_REAL, "0.3", 0, 0, true, "load average",
     "its load without our own jobs is at most this"},
    {"owner_devices", CKPT_CONF_TEXT, "auto", 0, 0, true, "paths",
     "whose activity is the owner's; auto: all terminals and input devices"},
    {"suspend_grace", CKPT_CONF_DURATION, "5m", 0, 0, true, "duration",
     "a suspended job waits this long for the owner to leave again"},
    {"resume_idle", CKPT_CONF_DURATION, "2m", 0, 0, true, "duration",
     "a suspended job goes on when its owner has been away this long (or "
     "idle_start, if that is less)"},
    {"vacate_limit", CKPT_CONF_DURATION, "10m", 0, 0, true, "duration",
     "then it has this long to checkpoint and go before it is killed"},
    {"poll", CKPT_CONF_DURATION, "5s", 0.01, 3600, true, "duration",
     "how often a station looks"},

    /* Jobs. */
    {"checkpoint_every", CKPT_CONF_DURATION, "1h", 0, 0, false, "duration",
     "periodic checkpoints of a running job; 0: none"},
    {"keep_images", CKPT_CONF_INT, "2", 1, 100, false, "images",
     "checkpoint images of a job that are kept at home"},
    {"start_attempts", CKPT_CONF_INT, "5", 1, 1000, false, "attempts",
     "a job that failed to start this often in a row is held"},
    {"scratch", CKPT_CONF_TEXT, "/tmp", 0, 0, true, "directory",
     "where a station makes the jobs' scratch directories"},
    {"job_user", CKPT_CONF_TEXT, "", 0, 0, true, "login name",
     "jobs run as this user when the station is root; empty: as nobody"},

    /* The pool. */
    {"policy", CKPT_CONF_TEXT, "condor", 0, 0, false, "name",
     "the scheduling policy"},
    {"negotiation_cycle", CKPT_CONF_DURATION, "5s", 0.01, 3600, false,
     "duration", "how often a home with idle jobs asks for stations"},
    {"lease", CKPT_CONF_DURATION, "5m", 1, 0, false, "duration",
     "a station unheard of for this long has lost its job"},
    {"listen", CKPT_CONF_TEXT, "127.0.0.1", 0, 0, false, "address",
     "numeric address the daemons listen on"},
    {NULL, CKPT_CONF_TEXT, NULL, 0, 0, false, NULL, NULL},
};

struct ckpt_conf *pool_conf_load(const char *dir, struct ckpt_err *err)
{
    struct ckpt_conf *conf = ckpt_conf_create(pool_conf_keys);
    char path[PATH_MAX];

    if (!conf) {
        ckpt_err_set(err, ENOMEM, "out of memory");
        return NULL;
    }
    if (snprintf(path, sizeof path, "%s/pool.conf", dir) >= (int)sizeof path) {
        ckpt_err_set(err, ENAMETOOLONG, "%s: name too long", dir);
    } else if (ckpt_conf_load(conf, path, err) == 0 || errno == ENOENT) {
        return conf;
    }
    int errnum = errno;
    ckpt_conf_destroy(conf);
    errno = errnum;
    return NULL;
}
