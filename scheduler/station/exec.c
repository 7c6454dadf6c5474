/* exec.c - see exec.h
 *
 *     devices, load --> look() --> station_decide() --> exec_event() -->
 * signals calls (station.x) -------------------------------/     to the job,
 * the starter's end -----------------------------------/     coordinator
 */
#include "scheduler/station/exec.h"

#include "scheduler/pool/log.h"
#include "scheduler/pool/program.h"
#include "scheduler/pool/remove.h"
#include "scheduler/pool/testpoint.h"
#include "scheduler/starter/view.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* made by rpcgen of station.x */
extern ckpt_rpc_dispatch station_program_1;

enum {
    TICK_MS = 200,          /* at most, while a job is here */
    BEFORE_OTHERS = -10,    /* nice */
    STOP_LIMIT_MS = 10000,  /* a station that is stopped waits for its job */
    CLEAR_LIMIT_MS = 10000, /* for what an earlier one left, before force */
};

struct exec exec_self = {.claim = {.link = -1}};

/* --- the state ------------------------------------------------------------ */

static double seconds_since(uint64_t now_ms, uint64_t then_ms)
{
    return now_ms > then_ms ? (double)(now_ms - then_ms) / 1000 : 0;
}

/* What belongs to having entered the state. */
static void entered(struct exec *exec, enum station_state from)
{
    switch (exec->state) {
    case STATION_SUSPENDED:
        claim_stop(exec);
        break;
    case STATION_CLAIMED:
        if (from == STATION_SUSPENDED)
            claim_continue(exec);
        if (from == STATION_VACATING)
            claim_stay(exec);
        break;
    case STATION_VACATING:
        claim_ask(exec);
        break;
    case STATION_IDLE:
    case STATION_OWNER:
        claim_end(exec);
        break;
    }
}

void exec_event(struct exec *exec, enum station_event event, const char *why)
{
    enum station_state from = exec->state;

    if (!station_state_step(&exec->state, event))
        return;
    testpoint("station", station_state_name(from), station_event_name(event),
              "before");
    exec->since_ms = pool_now_ms();
    exec->since = time(NULL);
    snprintf(exec->why, sizeof exec->why, "%s", why);
    exec->changed = true;
    log_line("%s -> %s: %s", station_state_name(from),
             station_state_name(exec->state), why);
    entered(exec, from);
    testpoint("station", station_state_name(from), station_event_name(event),
              "after");
}

static struct station_view view_now(const struct exec *exec, uint64_t now)
{
    struct station_view view = {
        .trusted =
            owner_trusted(exec->owner) && !exec->clearing && !exec->stopping,
        .closed = exec->closed.why,
        .owner_idle_s = (double)owner_idle_ms(exec->owner, now) / 1000,
        .load_known = exec->load.known,
        .load = exec->load.cores,
        .in_state_s = seconds_since(now, exec->since_ms),
        .resume_idle_s = exec->settings.resume_idle_s,
    };

    return view;
}

/* The reason, where it is our own doing that nobody may come. */
static const char *reason(const struct exec *exec, const char *why)
{
    if (exec->clearing)
        return "what the last job left is being cleared away";
    return exec->stopping ? "the station is being stopped" : why;
}

static void keep_why(struct exec *exec, const char *why)
{
    if (exec->state != STATION_OWNER || strcmp(exec->why, why) == 0)
        return;
    snprintf(exec->why, sizeof exec->why, "%s", why);
    exec->changed = true;
}

/* A claim that has no job yet is simply dropped when the
 * owner comes back. */
void exec_settle(struct exec *exec)
{
    enum station_event event;
    const char *why = "";

    for (int i = 0; i < STATION_STATES; i++) {
        struct station_view view = view_now(exec, pool_now_ms());
        enum station_step step = station_decide(
            exec->state, &exec->settings.params, &view, &event, &why);
        why = reason(exec, why);
        keep_why(exec, why);
        if (step == STATION_STEP_NONE)
            return;
        if (step == STATION_STEP_KILL) {
            claim_kill(exec, "it did not go within vacate_limit");
            return;
        }
        if (event == STATION_EV_OWNER_BACK && exec->state == STATION_CLAIMED &&
            !exec->claim.starter)
            event = STATION_EV_JOB_GONE;
        if (event == STATION_EV_GRACE_OVER)
            why = "the owner stayed for suspend_grace";
        exec_event(exec, event, why);
    }
}

static uint64_t own_system_ticks(const struct exec *exec)
{
    uint64_t user, kernel;

    if (exec->claim.pid > 0 &&
        load_process_ticks(exec->claim.pid, &user, &kernel))
        return kernel;
    return 0;
}

static void look(struct exec *exec, uint64_t now)
{
    if (now - exec->polled_ms >= exec->settings.poll_ms || !exec->polled_ms) {
        exec->polled_ms = now;
        owner_poll(exec->owner, now);
        closed_look(&exec->closed, exec->owner);
        load_sample(&exec->load, now, own_system_ticks(exec));
        measure_load(&exec->measure, exec->settings.load_from, exec->claim.pid,
                     now, 3 * exec->settings.poll_ms);
        measure_owner(&exec->measure, owner_idle_ms(exec->owner, now),
                      (uint64_t)(exec->settings.params.idle_start_s * 1000));
        exec->changed = true;
    }
    exec_settle(exec);
}

static void sessions_change(int fd, short events, void *arg)
{
    struct exec *exec = arg;

    (void)fd, (void)events;
    closed_look(&exec->closed, exec->owner);
    exec_settle(exec);
}

static void owner_stirs(int fd, short events, void *arg)
{
    struct exec *exec = arg;

    (void)fd, (void)events;
    if (owner_seen(exec->owner, pool_now_ms()))
        exec_settle(exec);
}

/* --- what an earlier station left ----------------------------------------- */

/* Its starter ends the job and itself when it sees the station gone; one that
 * does not is killed, and the job with it. */
static void exec_clear(struct exec *exec, uint64_t now)
{
    struct flock probe = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char path[PATH_MAX + 128], pid[16] = "";

    if (!exec->clearing)
        return;
    snprintf(path, sizeof path, "%s/%s/starter", exec->pool.path, exec->daemon);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0 || fcntl(fd, F_OFD_GETLK, &probe) < 0 ||
        probe.l_type == F_UNLCK) {
        exec->clearing = false;
    } else if (now - exec->clearing_ms > CLEAR_LIMIT_MS &&
               pread(fd, pid, sizeof pid - 1, 0) > 0 && atoi(pid) > 1) {
        kill(atoi(pid), SIGKILL);
    }
    if (fd >= 0)
        close(fd);
}

/* A new directory under a name that nobody can guess or take first.  Its name
 * is written down before it is made, so that the next station can remove it
 * whenever this one is killed. */
static int scratch_make(struct exec *exec, struct ckpt_err *err)
{
    char file[PATH_MAX + 128], old[PATH_MAX] = "";
    uint64_t suffix;

    snprintf(file, sizeof file, "%s/%s/scratch", exec->pool.path, exec->daemon);
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        if (read(fd, old, sizeof old - 1) > 0)
            remove_tree(old);
        close(fd);
    }
    if (getrandom(&suffix, sizeof suffix, 0) < 0)
        return ckpt_err_sys(err, "getrandom");
    int n = snprintf(exec->scratch, sizeof exec->scratch, "%s/ckpt-%s-%016llx",
                     exec->settings.scratch, exec->name,
                     (unsigned long long)suffix);
    if (n < 0 || (size_t)n >= sizeof exec->scratch)
        return ckpt_err_set(err, ENAMETOOLONG, "scratch = %s: too long",
                            exec->settings.scratch);
    if (pooldir_write_file(file, exec->scratch, (size_t)n, 0600, err) < 0)
        return -1;
    /* the jobs' user must be able to pass, not to look */
    mode_t mode = geteuid() == 0 ? 0711 : 0700;
    if (mkdir(exec->scratch, 0700) < 0 || chmod(exec->scratch, mode) < 0)
        return ckpt_err_sys(err, "scratch directory %s", exec->scratch);
    return 0;
}

/* --- the daemon ------------------------------------------------------------
 */

static void expire_claim(struct exec *exec, uint64_t now)
{
    struct claim *claim = &exec->claim;

    if (claim->held && !claim->starter && now >= claim->until_ms)
        exec_event(exec, STATION_EV_JOB_GONE, "the claim was not used");
    if (exec->state == STATION_VACATING)
        claim_ask(exec);
}

/* True when the station may end. */
static bool stop_step(struct exec *exec, uint64_t now)
{
    if (!exec->stopping)
        return false;
    if (!exec->claim.starter)
        return true;
    exec_event(exec, STATION_EV_LEAVE, "the station is being stopped");
    if (now - exec->stopping_ms > STOP_LIMIT_MS)
        claim_kill(exec, "the station is being stopped");
    return false;
}

static void on_signal(void *arg, int sig)
{
    struct exec *exec = arg;

    if (sig == SIGCHLD) {
        claim_reap(exec);
        return;
    }
    if (!exec->stopping)
        exec->stopping_ms = pool_now_ms();
    exec->stopping = true;
}

/* Programs that cannot be trapped need it. */
static void probe_mount(struct exec *exec)
{
    char program[PATH_MAX];
    struct ckpt_err why;

    exec->mounts = program_find("ckpt-mount", program, &why) == 0 &&
                   view_probe(exec->scratch, &why) == 0;
    if (!exec->mounts)
        log_line("jobs' files cannot be mounted: %s", why.text);
}

/* An owner who comes back is not kept waiting by what keeps the machine busy.
 * Without privilege we stay as we are. */
static void go_first(void)
{
    char nice[16];

    (void)setpriority(PRIO_PROCESS, 0, BEFORE_OTHERS);
    /* that of the session, where each is a group (sched_autogroup) */
    int fd = getsid(0) == getpid()
                 ? open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC)
                 : -1;
    if (fd < 0)
        return;
    snprintf(nice, sizeof nice, "%d", BEFORE_OTHERS);
    (void)!write(fd, nice, strlen(nice));
    close(fd);
}

static int start(struct exec *exec, const char *dir, const char *name,
                 struct ckpt_err *err)
{
    go_first();
    snprintf(exec->name, sizeof exec->name, "%s", name);
    snprintf(exec->daemon, sizeof exec->daemon, "station.%s", exec->name);
    if (pooldir_open(&exec->pool, dir, err) < 0 ||
        settings_load(&exec->settings, &exec->pool, name, err) < 0 ||
        pooldir_lock(&exec->pool, exec->daemon, err) < 0 ||
        scratch_make(exec, err) < 0)
        return -1;
    log_limit(exec->settings.log_max);
    probe_mount(exec);
    if (getrandom(&exec->boot_id, sizeof exec->boot_id, 0) < 0)
        return ckpt_err_sys(err, "getrandom");
    exec->owner =
        owner_create(exec->settings.owner_devices, pool_now_ms(), err);
    if (!exec->owner)
        return -1;
    if (program_find("ckpt-input", exec->input_program, NULL) == 0)
        owner_ask(exec->owner, exec->input_program, "/dev/input");
    closed_open(&exec->closed, &exec->settings);
    exec->clearing = true;
    exec->clearing_ms = exec->since_ms = pool_now_ms();
    exec->since = time(NULL);
    exec->serve = pool_serve(&exec->pool, exec->daemon, exec->settings.listen,
                             STATION_PROGRAM, STATION_V1, station_program_1, 0,
                             exec->addr, err);
    if (!exec->serve)
        return -1;
    exec->advert = advert_create(exec->serve, &exec->pool);
    if (!exec->advert || pool_watch_signals(exec->serve, on_signal, exec) < 0 ||
        ckpt_serve_watch(exec->serve, owner_fd(exec->owner), POLLIN,
                         owner_stirs, exec) < 0 ||
        (exec->closed.sessions.fd >= 0 &&
         ckpt_serve_watch(exec->serve, exec->closed.sessions.fd, POLLIN,
                          sessions_change, exec) < 0))
        return ckpt_err_sys(err, "starting");
    log_line("station %s at %s", exec->name, exec->addr);
    return 0;
}

static int wait_ms(const struct exec *exec)
{
    int poll_ms = (int)exec->settings.poll_ms;

    if ((exec->claim.held || exec->stopping || exec->clearing ||
         exec->changed) &&
        poll_ms > TICK_MS)
        return TICK_MS;
    return poll_ms;
}

int exec_main(const char *dir, const char *name)
{
    struct exec *exec = &exec_self;
    struct ckpt_err err;

    if (start(exec, dir, name, &err) < 0) {
        log_line("%s", err.text);
        return 1;
    }
    while (ckpt_serve_step(exec->serve, wait_ms(exec)) == 0) {
        uint64_t now = pool_now_ms();
        exec_clear(exec, now);
        claim_reap(exec);
        expire_claim(exec, now);
        look(exec, now);
        exec_advertise(exec);
        if (stop_step(exec, now))
            break;
    }
    log_line("stopping");
    advert_withdraw(exec->advert, exec->name, exec->boot_id);
    advert_destroy(exec->advert);
    ckpt_serve_destroy(exec->serve);
    owner_destroy(exec->owner);
    closed_end(&exec->closed);
    remove_tree(exec->scratch);
    return 0;
}
