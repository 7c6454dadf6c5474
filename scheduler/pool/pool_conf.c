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
    {"jobs_allowed", CKPT_CONF_TEXT, "always", 0, 0, true, "hours",
     "when jobs may be on a station: always, never, or hours of the week as in "
     "'mon-fri 18:00-8:00, sat, sun'"},
    {"pressure_limit", CKPT_CONF_REAL, "20", 0, 100, true, "percent",
     "above this memory pressure (full, over 10 s) the owner counts as here"},
    {"suspend_grace", CKPT_CONF_DURATION, "5m", 0, 0, true, "duration",
     "a suspended job waits this long for the owner to leave again"},
    {"resume_idle", CKPT_CONF_DURATION, "2m", 0, 0, true, "duration",
     "a suspended job goes on when its owner has been away this long (or "
     "idle_start, if that is less)"},
    {"vacate_limit", CKPT_CONF_DURATION, "10m", 0, 0, true, "duration",
     "then it has this long to checkpoint and go before it is killed"},
    {"poll", CKPT_CONF_DURATION, "5s", 0.01, 3600, true, "duration",
     "how often a station looks"},
    {"load_from", CKPT_CONF_TEXT, "/proc", 0, 0, true, "directory",
     "where stat, meminfo, diskstats, vmstat and pressure/cpu are read from "
     "(of a container: where its own are mounted)"},
    {"watermarks", CKPT_CONF_TEXT, "", 0, 0, true, "FACTOR=LOW:HIGH ...",
     "of cpu, runq, mem, disk, paging, intr, switch, pressure: most below "
     "LOW is under-loaded, most above HIGH over-loaded"},

    /* Jobs. */
    {"checkpoint_every", CKPT_CONF_TEXT, "1h", 0, 0, false, "duration or auto",
     "periodic checkpoints of a running job; 0: none; not set, or auto: as "
     "often as loses the least time, at most 1h apart"},
    {"checkpoint_bandwidth", CKPT_CONF_SIZE, "0", 0, 0, false, "bytes/s",
     "of a job's checkpoints on their way home, and back; 0: all there is"},
    {"home_bandwidth", CKPT_CONF_SIZE, "0", 0, 0, false, "bytes/s",
     "of all jobs' checkpoints together, in turns; 0: all there is"},
    {"image_quota", CKPT_CONF_SIZE, "0", 0, 0, false, "size",
     "of all images at home; above it only the newest of each job is kept; "
     "0: any"},
    {"keep_images", CKPT_CONF_INT, "2", 1, 100, false, "images",
     "checkpoint images of a job that are kept at home"},
    {"hook_limit", CKPT_CONF_DURATION, "60s", 1, 0, false, "duration",
     "a command or a mail at a job's end is ended after this long"},
    {"mail_command", CKPT_CONF_TEXT, "/usr/sbin/sendmail -i -t", 0, 0, false,
     "command", "gets mails (ckpt submit --notify) on its standard input"},
    {"log_max", CKPT_CONF_SIZE, "10M", 65536, 0, false, "size",
     "of a daemon's log; then it is put aside as log.old"},
    {"front_end", CKPT_CONF_TEXT, "auto", 0, 0, false, "auto, trap or mount",
     "how jobs reach their files at home: by trapping their calls, by mounting "
     "them, or as the program needs (ckpt submit --front-end)"},
    {"start_attempts", CKPT_CONF_INT, "5", 1, 1000, false, "attempts",
     "a job that failed to start, or was killed, this often in a row is held"},
    {"encrypt_files", CKPT_CONF_BOOL, "on", 0, 0, false, "yes or no",
     "jobs' files and images are encrypted on their way; no is for a line that "
     "nobody else can read or write"},
    {"scratch", CKPT_CONF_TEXT, "/tmp", 0, 0, true, "directory",
     "where a station makes the jobs' scratch directories"},
    {"job_memory", CKPT_CONF_SIZE, "0", 0, 0, true, "size",
     "a job may have this much memory, where the station can have a control "
     "group for it; 0: all there is"},
    {"job_disk", CKPT_CONF_SIZE, "0", 0, 0, true, "size",
     "a job's files on a station, its image among them, may take this much; 0: "
     "all there is"},
    {"job_nice", CKPT_CONF_INT, "19", 1, 19, true, "nice value",
     "of a job and its session: 19 takes what nobody else wants"},
    {"job_user", CKPT_CONF_TEXT, "", 0, 0, true, "login name",
     "jobs run as this user when the station is root; empty: as nobody"},

    /* The pool. */
    {"policy", CKPT_CONF_TEXT, "condor", 0, 0, false, "name",
     "the scheduling policy; `ckpt sim --policies` lists them"},
    {"balance", CKPT_CONF_BOOL, "off", 0, 0, false, "yes or no",
     "move jobs that run to better stations; by policies that do: mosix, "
     "mpvm, watermark, offload, age"},
    {"residence", CKPT_CONF_DURATION, "60s", 0, 0, false, "duration",
     "balance: least stay of a job on a station before it is moved"},
    {"info_period", CKPT_CONF_DURATION, "10s", 0.01, 86400, false, "duration",
     "balance: how often; adaptive-threshold: how often it adapts"},
    {"info_max_age", CKPT_CONF_DURATION, "60s", 0.1, 0, false, "duration",
     "balance: stations unheard of for longer are no destinations"},
    {"move_fixed", CKPT_CONF_DURATION, "0", 0, 0, false, "duration",
     "balance: fixed cost of a move in the age rule, age > cost/(n-m)"},
    {"move_mb_s", CKPT_CONF_REAL, "100", 0.001, 1e9, false, "MB/s",
     "balance: bandwidth that the cost of a move is reckoned with"},
    {"candidate", CKPT_CONF_DURATION, "1s", 0, 0, false, "duration",
     "mosix: processor time that makes a job a candidate"},
    {"high_load", CKPT_CONF_REAL, "2", 0, 1e9, false, "processes",
     "mpvm: above this load a running job leaves"},
    {"offload", CKPT_CONF_REAL, "1", 0, 1e9, false, "processes",
     "offload: least difference in load worth an exchange"},
    {"place_margin", CKPT_CONF_REAL, "1", 0, 1e9, false, "processes",
     "mpvm, age: least difference in processes worth a move"},
    {"threshold", CKPT_CONF_REAL, "2", 0, 1e9, false, "processes",
     "threshold, shortest, symmetric, supply, adaptive-threshold: a station "
     "with fewer takes a job"},
    {"fetch_from", CKPT_CONF_REAL, "2", 0, 1e9, false, "jobs",
     "receiver: a station takes work from a queue that has this many, one "
     "being thought to be served"},
    {"probe_limit", CKPT_CONF_INT, "3", 1, 32, false, "stations",
     "how many are asked by policies that probe"},
    {"view_size", CKPT_CONF_INT, "8", 1, 32, false, "stations",
     "how many are known by gossip (mosix) or adverts (supply)"},
    {"adapt_rate", CKPT_CONF_REAL, "0.2", 0.000001, 1, false, "share",
     "adaptive-threshold: how fast it follows the least load"},
    {"adapt_floor", CKPT_CONF_REAL, "1", 0, 1e9, false, "processes",
     "adaptive-threshold: it never goes below"},
    {"share", CKPT_CONF_TEXT, "up-down", 0, 0, false, "name",
     "who goes first: up-down, usage or none"},
    {"preempt_after", CKPT_CONF_TEXT, "1h", 0, 0, false, "duration or never",
     "a job runs this long before a user with a better claim gets its "
     "station"},
    {"updown_step", CKPT_CONF_REAL, "10", 0, 1e9, false, "points",
     "change of the Up-Down index in an interval"},
    {"updown_interval", CKPT_CONF_DURATION, "120s", 0.001, 0, false, "duration",
     "length of that interval"},
    {"half_life", CKPT_CONF_DURATION, "1d", 1, 0, false, "duration",
     "share = usage: half-life of what a user has had"},
    {"negotiation_cycle", CKPT_CONF_DURATION, "5s", 0.01, 3600, false,
     "duration", "how often a home with idle jobs asks for stations"},
    {"lease", CKPT_CONF_DURATION, "5m", 1, 0, false, "duration",
     "a station unheard of for this long has lost its job"},
    {"coordinator", CKPT_CONF_TEXT, "on", 0, 0, false, "on or HOST:PORT",
     "on is one here, HOST:PORT that of another machine, whose pool this one "
     "belongs to (with the same pool.key and pool.name)"},
    {"standby", CKPT_CONF_TEXT, "off", 0, 0, false, "on, off or HOST:PORT",
     "a stand-by of the coordinator, asked when that one does not answer: on "
     "is a second one here, HOST:PORT one that runs elsewhere"},
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
