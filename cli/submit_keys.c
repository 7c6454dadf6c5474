/* submit_keys.c - see submit_keys.h
 *
 * HTCondor's commands are those of condor_submit(1).
 */
#include "cli/submit_keys.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *name;
    enum submit_key key;
} ours[] = {
    {"executable", K_EXECUTABLE},
    {"arguments", K_ARGUMENTS},
    {"args", K_ARGUMENTS},
    {"input", K_INPUT},
    {"stdin", K_INPUT},
    {"output", K_OUTPUT},
    {"stdout", K_OUTPUT},
    {"error", K_ERROR},
    {"stderr", K_ERROR},
    {"log", K_LOG},
    {"initialdir", K_INITIALDIR},
    {"initial_dir", K_INITIALDIR},
    {"environment", K_ENVIRONMENT},
    {"env", K_ENVIRONMENT},
    {"getenv", K_GETENV},
    {"get_env", K_GETENV},
    {"requirements", K_REQUIREMENTS},
    {"request_memory", K_MEMORY},
    {"request_disk", K_DISK},
    {"request_cpus", K_CPUS},
    {"priority", K_PRIORITY},
    {"prio", K_PRIORITY},
    {"job_name", K_NAME},
    {"batch_name", K_NAME},
    {"jobbatchname", K_NAME},
    {"universe", K_UNIVERSE},
    {"notification", K_NOTIFICATION},
    {"notify_user", K_NOTIFY_USER},
    {"transfer_input_files", K_TRANSFER_INPUT},
    {"transferinputfiles", K_TRANSFER_INPUT},
    {"grant", K_GRANT},
    {"local_files", K_LOCAL},
    {"home_files", K_HOME},
    {"fetch_files", K_FETCH},
    {"after", K_AFTER},
    {"every", K_EVERY},
    {"on_done", K_ON_DONE},
    {"front_end", K_FRONT_END},
};

static const char never_moved[] =
    "files stay at home and are served from there";
static const char no_policy[] =
    "jobs have no expressions that hold, release or remove them";
static const char no_again[] = "a job that has ended is not run again";
static const char no_box[] = "there are no containers or virtual machines here";
static const char no_attributes[] = "jobs have no attributes of their own";
static const char no_times[] = "jobs are not started at given times";

static const struct {
    const char *name;
    enum submit_key_kind kind;
    const char *why;
} theirs[] = {
    {"should_transfer_files", KEY_NEUTRAL, NULL},
    {"when_to_transfer_output", KEY_NEUTRAL, NULL},
    {"transfer_executable", KEY_NEUTRAL, NULL},
    {"transfer_input", KEY_NEUTRAL, NULL},
    {"transfer_output", KEY_NEUTRAL, NULL},
    {"transfer_error", KEY_NEUTRAL, NULL},
    {"transfer_output_files", KEY_NEUTRAL, NULL},
    {"preserve_relative_paths", KEY_NEUTRAL, NULL},
    {"stream_input", KEY_NEUTRAL, NULL},
    {"stream_output", KEY_NEUTRAL, NULL},
    {"stream_error", KEY_NEUTRAL, NULL},
    {"copy_to_spool", KEY_NEUTRAL, NULL},
    {"run_as_owner", KEY_NEUTRAL, NULL},
    {"coresize", KEY_NEUTRAL, NULL},
    {"encrypt_input_files", KEY_NEUTRAL, NULL},
    {"encrypt_output_files", KEY_NEUTRAL, NULL},

    {"rank", KEY_IGNORED, "the longest idle station is taken"},
    {"nice_user", KEY_IGNORED, "give it a low priority"},
    {"description", KEY_IGNORED, no_attributes},
    {"accounting_group", KEY_IGNORED, "shares are by user"},
    {"accounting_group_user", KEY_IGNORED, "shares are by user"},
    {"email_attributes", KEY_IGNORED, no_attributes},
    {"submit_event_notes", KEY_IGNORED, no_attributes},
    {"job_lease_duration", KEY_IGNORED, "`lease` of pool.conf is"},
    {"job_max_vacate_time", KEY_IGNORED, "`vacate_limit` of pool.conf counts"},
    {"keep_claim_idle", KEY_IGNORED, "stations are claimed for one job"},
    {"leave_in_queue", KEY_IGNORED, "see ckpt history"},
    {"max_idle", KEY_IGNORED, "all jobs are queued at once"},
    {"max_materialize", KEY_IGNORED, "all jobs are queued at once"},
    {"kill_sig", KEY_IGNORED, "a job that is to leave is checkpointed"},
    {"remove_kill_sig", KEY_IGNORED, "a job that is removed gets SIGKILL"},
    {"want_graceful_removal", KEY_IGNORED,
     "a job that is removed gets SIGKILL"},
    {"dont_encrypt_input_files", KEY_IGNORED, never_moved},
    {"dont_encrypt_output_files", KEY_IGNORED, never_moved},

    {"transfer_output_remaps", KEY_REFUSED, never_moved},
    {"remote_initialdir", KEY_REFUSED, never_moved},
    {"on_exit_hold", KEY_REFUSED, no_policy},
    {"on_exit_remove", KEY_REFUSED, no_policy},
    {"periodic_hold", KEY_REFUSED, no_policy},
    {"periodic_release", KEY_REFUSED, no_policy},
    {"periodic_remove", KEY_REFUSED, no_policy},
    {"allowed_execute_duration", KEY_REFUSED, no_policy},
    {"allowed_job_duration", KEY_REFUSED, no_policy},
    {"max_retries", KEY_REFUSED, no_again},
    {"retry_until", KEY_REFUSED, no_again},
    {"success_exit_code", KEY_REFUSED, no_again},
    {"hold", KEY_REFUSED, "use ckpt hold"},
    {"concurrency_limits", KEY_REFUSED, "nothing here counts them"},
    {"request_gpus", KEY_REFUSED, "stations do not tell of GPUs"},
    {"machine_count", KEY_REFUSED, "a job is one process on one station"},
    {"docker_image", KEY_REFUSED, no_box},
    {"container_image", KEY_REFUSED, no_box},
    {"vm_type", KEY_REFUSED, no_box},
    {"vm_memory", KEY_REFUSED, no_box},
    {"jar_files", KEY_REFUSED, "run java as the executable"},
    {"grid_resource", KEY_REFUSED, "jobs run in this pool only"},
    {"x509userproxy", KEY_REFUSED, "no credentials go with a job"},
    {"use_x509userproxy", KEY_REFUSED, "no credentials go with a job"},
    {"deferral_time", KEY_REFUSED, no_times},
    {"deferral_window", KEY_REFUSED, no_times},
    {"cron_minute", KEY_REFUSED, no_times},
    {"cron_hour", KEY_REFUSED, no_times},
    {"cron_day_of_month", KEY_REFUSED, no_times},
    {"cron_month", KEY_REFUSED, no_times},
    {"cron_day_of_week", KEY_REFUSED, no_times},
    {"noop_job", KEY_REFUSED, "jobs are run"},
};

enum submit_key_kind submit_key_find(const char *name, enum submit_key *key,
                                     const char **why)
{
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (strcasecmp(ours[i].name, name) == 0) {
            *key = ours[i].key;
            return KEY_OURS;
        }
    for (size_t i = 0; i < sizeof theirs / sizeof theirs[0]; i++)
        if (strcasecmp(theirs[i].name, name) == 0) {
            *why = theirs[i].why;
            return theirs[i].kind;
        }
    if (name[0] == '+' || !strncasecmp(name, "MY.", 3)) {
        *why = no_attributes;
        return KEY_IGNORED;
    }
    return KEY_UNKNOWN;
}
