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
#include "scheduler/pool/words.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
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

static struct exec self = {.claim = {.link = -1}};

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

/* Do all that is due.  A claim that has no job yet is simply dropped when the
 * owner comes back. */
static void settle(struct exec *exec)
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
    settle(exec);
}

static void sessions_change(int fd, short events, void *arg)
{
    struct exec *exec = arg;

    (void)fd, (void)events;
    closed_look(&exec->closed, exec->owner);
    settle(exec);
}

static void owner_stirs(int fd, short events, void *arg)
{
    struct exec *exec = arg;

    (void)fd, (void)events;
    if (owner_seen(exec->owner, pool_now_ms()))
        settle(exec);
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

/* --- what we say -----------------------------------------------------------
 */

static char *cpu_features(void)
{
    static char flags[POOL_TEXT_MAX + 1];
    char line[8192];

    if (flags[0])
        return flags;
    FILE *in = fopen("/proc/cpuinfo", "re");
    while (in && fgets(line, sizeof line, in)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "flags", 5) != 0 || !colon)
            continue;
        /* those that programs of today are built for */
        static const char *const known[] = {
            "sse4_1", "sse4_2", "avx",     "avx2",     "fma",     "bmi1",
            "bmi2",   "aes",    "avx512f", "avx512vl", "avx512bw"};
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
            char word[32];
            snprintf(word, sizeof word, " %s ", known[i]);
            if (!strstr(colon, word))
                continue;
            size_t len = strlen(flags);
            snprintf(flags + len, sizeof flags - len, "%s%s", len ? " " : "",
                     known[i]);
        }
        break;
    }
    if (in)
        fclose(in);
    return flags;
}

static uint64_t job_cpu_ms(const struct exec *exec)
{
    uint64_t user = 0, kernel = 0;

    if (exec->claim.pid > 0)
        load_process_ticks(exec->claim.pid, &user, &kernel);
    return (user + kernel) * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

void exec_describe(struct exec *exec, pool_station *ad)
{
    struct statvfs disk = {.f_bavail = 0};
    struct sysinfo memory = {.totalram = 0};

    sysinfo(&memory);
    statvfs(exec->scratch, &disk);
    *ad = (pool_station){
        .name = exec->name,
        .addr = exec->addr,
        .boot_id = exec->boot_id,
        .seq = ++exec->seq,
        .state = (pool_station_state)exec->state,
        .why = exec->why,
        .since = exec->since,
        .owner_idle_ms = owner_idle_ms(exec->owner, pool_now_ms()),
        .load_milli = load_milli(&exec->load),
        .mem_total = (uint64_t)memory.totalram * memory.mem_unit,
        .mem_free = (uint64_t)memory.freeram * memory.mem_unit,
        .disk_free = (uint64_t)disk.f_bavail * disk.f_frsize,
        .cpus = (unsigned)sysconf(_SC_NPROCESSORS_ONLN),
        .arch = (char *)(uintptr_t) "x86_64",
        .features = cpu_features(),
        .job = exec->claim.job,
        .home = exec->claim.home,
        .owner = exec->claim.owner,
        .claims = exec->claims,
    };
    measure_describe(&exec->measure, &exec->settings.params.marks, ad);
    if (exec->claim.held)
        ad->job_here_ms = pool_now_ms() - exec->claim.begun_ms;
    ad->job_cpu_ms = job_cpu_ms(exec);
}

static void advertise(struct exec *exec)
{
    pool_station ad;

    if (!exec->changed)
        return;
    exec_describe(exec, &ad);
    if (advert_send(exec->advert, &ad))
        exec->changed = false;
}

/* --- calls -----------------------------------------------------------------
 */

bool_t station_null_1_svc(void *args, void *res, struct svc_req *req)
{
    (void)args, (void)res, (void)req;
    return TRUE;
}

static bool answer(pool_status_res *res, int status, const char *why)
{
    res->status = status;
    res->why = strdup(why);
    return res->why != NULL;
}

bool_t station_claim_1_svc(station_claim_args *args, station_claim_res *res,
                           struct svc_req *req)
{
    (void)req;
    settle(&self);
    if (self.state != STATION_IDLE) {
        res->status = EBUSY;
        res->station_claim_res_u.why = strdup(self.why);
        return res->station_claim_res_u.why != NULL;
    }
    claim_begin(&self, args);
    exec_event(&self, STATION_EV_CLAIM, "claimed");
    res->status = 0;
    memcpy(res->station_claim_res_u.ok.claim, self.claim.id, POOL_CLAIM_LEN);
    res->station_claim_res_u.ok.lease_sec =
        (unsigned)((self.claim.until_ms - pool_now_ms()) / 1000);
    advertise(&self);
    return TRUE;
}

bool_t station_start_1_svc(station_start_args *args, pool_status_res *res,
                           struct svc_req *req)
{
    struct ckpt_err err;

    (void)req;
    if (!claim_is(&self, args->claim) || args->job != self.claim.job)
        return answer(res, ESTALE, "this claim is over");
    if (self.claim.starter)
        return answer(res, EALREADY, "the job was started before");
    if (claim_start(&self, args, &err) == 0)
        return answer(res, 0, "");
    int status = errno;
    log_line("job %llu: %s", (unsigned long long)args->job, err.text);
    exec_event(&self, STATION_EV_JOB_GONE, "the job could not be started");
    return answer(res, status, err.text);
}

bool_t station_check_1_svc(station_check_args *args, station_check_res *res,
                           struct svc_req *req)
{
    station_check_ok *ok = &res->station_check_res_u.ok;

    (void)req;
    memset(res, 0, sizeof *res);
    if (!claim_is(&self, args->claim)) {
        res->status = self.clearing ? EAGAIN : ESTALE;
        res->station_check_res_u.why = strdup("this claim is over");
        return res->station_check_res_u.why != NULL;
    }
    ok->state = (pool_station_state)self.state;
    ok->pid = self.claim.pid;
    ok->cpu_ms = job_cpu_ms(&self);
    ok->why = strdup(self.why);
    return ok->why != NULL;
}

bool_t station_leave_1_svc(station_leave_args *args, pool_status_res *res,
                           struct svc_req *req)
{
    (void)req;
    if (!claim_is(&self, args->claim))
        return answer(res, ESTALE, "no such job is here");
    if (!self.claim.starter) {
        exec_event(&self, STATION_EV_JOB_GONE, args->reason);
        return answer(res, 0, "");
    }
    if (args->kill) /* first, so that it is not asked for a checkpoint */
        claim_kill(&self, args->reason);
    exec_event(&self, STATION_EV_LEAVE, args->reason);
    return answer(res, 0, "");
}

bool_t station_release_1_svc(station_check_args *args, pool_status_res *res,
                             struct svc_req *req)
{
    (void)req;
    if (!claim_is(&self, args->claim))
        return answer(res, ESTALE, "this claim is over");
    if (self.claim.starter)
        return answer(res, EBUSY, "a job runs under this claim");
    exec_event(&self, STATION_EV_JOB_GONE, "the claim was given back");
    return answer(res, 0, "");
}

bool_t station_stay_1_svc(station_check_args *args, pool_status_res *res,
                          struct svc_req *req)
{
    (void)req;
    if (!claim_is(&self, args->claim))
        return answer(res, ESTALE, "this claim is over");
    if (self.state != STATION_VACATING || self.claim.killed ||
        self.claim.ended || self.stopping)
        return answer(res, EINVAL, "the job is not leaving, or is to go");
    exec_event(&self, STATION_EV_STAY, "the job could not leave");
    settle(&self);
    return answer(res, 0, "");
}

/* What a terminal sends, and what goes with it. */
static bool is_terminals(int sig)
{
    return sig == SIGINT || sig == SIGQUIT || sig == SIGTSTP ||
           sig == SIGSTOP || sig == SIGCONT || sig == SIGWINCH ||
           sig == SIGHUP || sig == SIGTERM;
}

bool_t station_signal_1_svc(station_signal_args *args, pool_status_res *res,
                            struct svc_req *req)
{
    (void)req;
    if (!claim_is(&self, args->claim) || self.claim.pid <= 0)
        return answer(res, ESTALE, "no such job is here");
    if (!is_terminals(args->signal))
        return answer(res, EINVAL, "not a signal of a terminal");
    /* one that we keep stopped for the owner stays stopped */
    if (args->signal == SIGCONT && self.state == STATION_SUSPENDED)
        return answer(res, EBUSY, "it is suspended");
    if (kill(-self.claim.pid, args->signal) < 0)
        return answer(res, errno, strerror(errno));
    return answer(res, 0, "");
}

static bool copy_source(station_source *to, const struct owner_source *from)
{
    to->name = strdup(from->name);
    to->says = strdup(from->says);
    to->trusted = from->trusted;
    to->activity = 0;
    if (from->active_ms)
        to->activity =
            time(NULL) - (time_t)((pool_now_ms() - from->active_ms) / 1000);
    return to->name && to->says;
}

/* The load is a source, too. */
static bool load_source(station_source *to)
{
    char says[64];

    snprintf(says, sizeof says, "%.2f cores busy with others' work",
             self.load.cores);
    to->name = strdup("load");
    to->says = strdup(self.load.known ? says : "not known yet");
    to->trusted = self.load.known;
    return to->name && to->says;
}

static bool closed_sources(station_source *to, size_t *count)
{
    const struct closed *c = &self.closed;
    char says[64] = "not known";

    if (c->pressure >= 0)
        snprintf(says, sizeof says, "%.1f%% of the last 10 s", c->pressure);
    to[*count].name = strdup("memory pressure");
    to[*count].says = strdup(says);
    to[(*count)++].trusted = c->pressure >= 0;
    to[*count].name = strdup("logind sessions");
    to[*count].says = strdup(c->sessions.says);
    to[(*count)++].trusted = c->sessions.known;
    for (size_t i = *count - 2; i < *count; i++)
        if (!to[i].name || !to[i].says)
            return false;
    return true;
}

static int later_first(const void *a, const void *b)
{
    const struct owner_source *x = *(const struct owner_source *const *)a;
    const struct owner_source *y = *(const struct owner_source *const *)b;

    if (x->active_ms != y->active_ms)
        return x->active_ms > y->active_ms ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* There may be more than fit: those that spoke last come first. */
static bool copy_sources(station_status_res *res)
{
    const struct owner_source *present[OWNER_SOURCES_MAX];
    size_t n, shown = 0, count = 0;
    const struct owner_source *known = owner_sources(self.owner, &n);
    station_source *to = res->sources.sources_val;

    for (size_t i = 0; i < n; i++)
        if (known[i].present)
            present[shown++] = &known[i];
    qsort(present, shown, sizeof present[0], later_first);
    bool good = load_source(&to[count++]) && closed_sources(to, &count);
    for (size_t i = 0; good && i < shown && count < POOL_SOURCES_MAX; i++)
        good = copy_source(&to[count++], present[i]);
    res->sources.sources_len = (unsigned)count;
    return good;
}

bool_t station_status_1_svc(void *args, station_status_res *res,
                            struct svc_req *req)
{
    pool_station ad;

    (void)args, (void)req;
    memset(res, 0, sizeof *res);
    exec_describe(&self, &ad);
    res->pid = getpid();
    res->sources.sources_val =
        calloc(POOL_SOURCES_MAX, sizeof *res->sources.sources_val);
    return res->sources.sources_val && words_copy_station(&res->station, &ad) &&
           copy_sources(res);
}

int station_program_1_freeresult(SVCXPRT *xprt, xdrproc_t xdr, caddr_t res)
{
    return ckpt_rpc_free_result(xprt, xdr, res);
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

/* An owner who comes back is not kept waiting by what keeps the machine busy.
 * Without privilege we stay as we are. */
static void go_first(void)
{
    (void)setpriority(PRIO_PROCESS, 0, BEFORE_OTHERS);
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
    struct exec *exec = &self;
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
        advertise(exec);
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
