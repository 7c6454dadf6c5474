/* home.c - the home station: its loop */
#include "scheduler/station/home.h"

#include "scheduler/pool/log.h"
#include "scheduler/pool/serving.h"
#include "scheduler/pool/testpoint.h"
#include "scheduler/pool/words.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* made by rpcgen of home.x */
extern ckpt_rpc_dispatch home_program_1;

enum {
    TICK_MS = 1000, /* while something is under way */
    TICK_IDLE_MS = 5000,
    STOP_LIMIT_MS = 8000,
    CLOCK_SET_MS = 2000, /* less is drift, or a pause of ours */
    WAITS_AT_ONCE = 256,
};

static struct home self;

int64_t home_wall_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int home_apply(struct home *home, uint64_t id, enum job_event event,
               const struct job_detail *detail)
{
    static const struct job_detail none;
    struct ckpt_err err;
    struct job after;

    if (store_apply(home->store, id, event, detail ? detail : &none,
                    home_wall_ms(), &after, NULL, &err) < 0) {
        int saved = errno;
        log_line("job %llu: %s: %s", (unsigned long long)id,
                 job_event_name(event), err.text);
        errno = saved;
        return -1;
    }
    log_line("job %llu: %s: now %s%s%s", (unsigned long long)id,
             job_event_name(event), job_state_name(after.state),
             detail && detail->text && detail->text[0] ? ": " : "",
             detail && detail->text ? detail->text : "");
    if (after.state == JOB_IDLE)
        home->eager = true;
    home->logs_due = home->waits_due = home->hooks_due = true;
    job_clear(&after);
    return 0;
}

/* In pieces: many may wait for one. */
static void settle_waits(struct home *home)
{
    struct ckpt_err err;

    if (!home->waits_due)
        return;
    int n =
        store_waits_settle(home->store, WAITS_AT_ONCE, home_wall_ms(), &err);
    if (n < 0)
        log_line("jobs that wait for others: %s", err.text);
    if (n > 0)
        home->eager = home->logs_due = home->hooks_due = true;
    home->waits_due = n == WAITS_AT_ONCE;
}

void home_jobdir(const struct home *home, uint64_t id, char *path)
{
    snprintf(path, PATH_MAX, "%.3900s/home/jobs/%llu", home->pool.path,
             (unsigned long long)id);
}

void home_claim_file(const struct home *home, uint64_t id, char *path)
{
    snprintf(path, PATH_MAX, "%.3900s/home/claims/%llu", home->pool.path,
             (unsigned long long)id);
}

/* --- the daemon ------------------------------------------------------------
 */

static void on_signal(void *arg, int sig)
{
    struct home *home = arg;

    if (sig == SIGCHLD) {
        int status;
        pid_t pid;
        while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
            hooks_reap(home, pid, status);
        return;
    }
    if (!home->stopping)
        home->stopping_ms = pool_now_ms();
    home->stopping = true;
}

static int make_dir(const struct home *home, const char *name,
                    struct ckpt_err *err)
{
    char path[PATH_MAX + 64];

    snprintf(path, sizeof path, "%s/home/%s", home->pool.path, name);
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return ckpt_err_sys(err, "%s", path);
    return 0;
}

static void pass_point(enum job_state from, enum job_event event, bool durable)
{
    testpoint("job", job_state_name(from), job_event_name(event),
              durable ? "after" : "before");
}

static int open_queue(struct home *home, struct ckpt_err *err)
{
    char path[PATH_MAX + 64];

    if (make_dir(home, "jobs", err) < 0 || make_dir(home, "claims", err) < 0)
        return -1;
    snprintf(path, sizeof path, "%s/home/queue.db", home->pool.path);
    home->store = store_open(path, err);
    if (home->store && testpoint_wanted())
        store_watch(home->store, pass_point);
    return home->store ? 0 : -1;
}

static void find_names(struct home *home)
{
    struct passwd *pw = getpwuid(geteuid());

    if (gethostname(home->name, sizeof home->name - 1) < 0)
        strcpy(home->name, "home");
    snprintf(home->user, sizeof home->user, "%s", pw ? pw->pw_name : "?");
    if (!pw)
        snprintf(home->user, sizeof home->user, "%u", geteuid());
}

static int start(struct home *home, const char *dir, struct ckpt_err *err)
{
    char addr[POOLDIR_ADDR_MAX + 1];

    if (pooldir_open(&home->pool, dir, err) < 0 ||
        settings_load(&home->settings, &home->pool, "", err) < 0 ||
        pooldir_lock(&home->pool, "home", err) < 0 || open_queue(home, err) < 0)
        return -1;
    if (getrandom(&home->boot_id, sizeof home->boot_id, 0) < 0)
        return ckpt_err_sys(err, "getrandom");
    find_names(home);
    home->started = time(NULL);
    home->clock_ms = home_wall_ms() - (int64_t)pool_now_ms();
    log_limit(home->settings.log_max);
    home->eager = home->logs_due = home->waits_due = true;
    home_rpc_init(home);
    home->serve =
        pool_serve(&home->pool, "home", home->settings.listen, HOME_PROGRAM,
                   HOME_V1, home_program_1, 0, addr, err);
    if (!home->serve)
        return -1;
    if (pool_watch_signals(home->serve, on_signal, home) < 0)
        return ckpt_err_sys(err, "signals");
    if (watch_open(home, err) < 0)
        return -1;
    log_line("home %s of %s at %s", home->name, home->user, addr);
    home->waits_due = home->hooks_due = home->logs_due = true;
    home->quota_due = true;
    return active_adopt_all(home, err);
}

static int wait_ms(const struct home *home)
{
    uint64_t now = pool_now_ms();
    uint64_t wait = home_ask_wait_ms(home, now);

    if (home->waits_due)
        return 0;
    bool busy = home->strays || home->stopping || hooks_running(home) ||
                (home->quota_due && home->settings.image_quota);
    if (wait > (busy ? TICK_MS : TICK_IDLE_MS))
        wait = busy ? TICK_MS : TICK_IDLE_MS;
    for (const struct active *a = home->active; a; a = a->next) {
        uint64_t due = watch_due_ms(a);
        if (due < now + wait)
            wait = due > now ? due - now : 0;
    }
    return (int)wait;
}

/* The stations have been stopped before us and have got their jobs off; what
 * is still there has its time, then goes on when the pool is started again. */
static bool may_stop(const struct home *home, uint64_t now)
{
    return home->stopping && ((!home->active && !hooks_running(home)) ||
                              now - home->stopping_ms > STOP_LIMIT_MS);
}

/* The time that jobs compute is kept by the time of day; when that is set, it
 * moves with it. */
static void watch_clock(struct home *home, uint64_t now)
{
    int64_t clock_ms = home_wall_ms() - (int64_t)now;
    int64_t moved_ms = clock_ms - home->clock_ms;
    struct ckpt_err err;

    if (moved_ms < CLOCK_SET_MS && moved_ms > -CLOCK_SET_MS)
        return;
    log_line("the clock was set by %lld s", (long long)moved_ms / 1000);
    if (store_clock_set(home->store, moved_ms, &err) < 0)
        log_line("%s", err.text);
    home->clock_ms = clock_ms;
}

int home_main(const char *dir)
{
    struct home *home = &self;
    struct ckpt_err err;

    if (start(home, dir, &err) < 0) {
        log_line("%s", err.text);
        return 1;
    }
    while (ckpt_serve_step(home->serve, wait_ms(home)) == 0) {
        uint64_t now = pool_now_ms();
        watch_clock(home, now);
        active_step_all(home, now);
        stray_step(home);
        home_ask(home, now);
        settle_waits(home);
        hooks_step(home, now);
        quota_step(home, now);
        if (home->logs_due)
            home_write_logs(home);
        if (may_stop(home, now))
            break;
    }
    log_line("stopping");
    peer_close(home->coordinator);
    ckpt_serve_destroy(home->serve);
    store_close(home->store);
    return 0;
}
