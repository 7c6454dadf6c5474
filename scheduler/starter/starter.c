/* starter.c - ckpt-starter: the parent of one job on a station
 *
 * Steps, in order:
 *   1. read the boot record, connect to the shadow, ask what to run
 *   2. fetch the executable, or the newest image, into the scratch directory
 *   3. start it, confined (confine.h), as a child
 *   4. until it ends: tell the shadow of each stop and each end; keep the
 *      connection; do what the station says on the link
 *   5. tell the shadow how it ended, remove the scratch directory
 *
 * The link is a socket to the station: "P pid", "E text" and "U text" (it
 * cannot be checkpointed, because) go up; one letter comes down: 'V' the job is
 * being asked to leave, 'S' it stays, 'K' kill it. When the station is gone
 * (end of file) the job is killed.  When the shadow was not heard of for its
 * lease the job is suspended, and goes on when the shadow is back; after
 * AWAY_LEASES it is killed.  The job itself dies with us (PR_SET_PDEATHSIG).
 */
#include "scheduler/pool/log.h"
#include "scheduler/pool/remove.h"
#include "scheduler/pool/testpoint.h"
#include "scheduler/starter/job.h"
#include "scheduler/starter/slink.h"

#include "lib/common/io.h"
#include "lib/common/stdfds.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    TICK_MS = 1000,
    PING_MAX_MS = 5000,
    PINGS_IN_LEASE = 4,
    AWAY_LEASES = 10,
    FINISH_MS = 30000, /* how long we try to tell the shadow of the end */
};

struct starter {
    const char *scratch;
    const char *user; /* to run the job as when we are root, or NULL */
    int boot_fd;
    int link_fd;
    int signal_fd;
    struct ckpt_boot boot;
    struct slink *shadow;
    struct job job;
    uint64_t heard_ms; /* last answer of the shadow */
    uint64_t pinged_ms;
    bool away; /* we suspended the job: the shadow does not answer */
    bool leaving;
    bool killing;
    bool over_disk; /* we killed it: it takes more than it may */
    char why[512];  /* why we killed it */
    /* events that could not be sent yet; the newest stop state only */
    bool start_pending;
    bool stop_pending;
    bool stopped;
};

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void say(struct starter *st, char what, const char *text)
{
    char line[600];
    int n = snprintf(line, sizeof line, "%c %s\n", what, text);

    if (n > 0 && (size_t)n < sizeof line)
        (void)!send(st->link_fd, line, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* --- 1 and 2: what to run ----------------------------------------------- */

static int read_boot(struct starter *st, struct ckpt_err *err)
{
    int rc = ckpt_boot_read(st->boot_fd, &st->boot, err);

    close(st->boot_fd);
    if (rc < 0)
        return ckpt_err_prefix(err, "boot record");
    st->shadow = slink_create(&st->boot);
    if (!st->shadow)
        return ckpt_err_sys(err, "no memory");
    return 0;
}

static int prepare(struct starter *st, struct ckpt_err *err)
{
    if (slink_connect(st->shadow, err) < 0 ||
        slink_start(st->shadow, &st->job.start, err) < 0)
        return -1;
    st->heard_ms = now_ms();
    testpoint_hold("starter told");
    return job_fetch(&st->job, st->shadow, st->scratch, err);
}

/* --- 4: while it runs ---------------------------------------------------- */

static void kill_job(struct starter *st, const char *why)
{
    if (!st->killing)
        snprintf(st->why, sizeof st->why, "%s", why);
    st->killing = true;
    log_line("job %llu: killed: %s", (unsigned long long)st->boot.job, why);
    job_kill(&st->job);
}

/* Before all else: what the home station hears later makes no sense without. */
static void report_start(struct starter *st)
{
    struct ckpt_err err;

    if (!st->start_pending || !slink_connected(st->shadow))
        return;
    if (slink_event(st->shadow, SHADOW_EV_STARTED, st->job.pid, 0, "", &err) <
        0) {
        log_line("job %llu: %s", (unsigned long long)st->boot.job, err.text);
        return;
    }
    st->heard_ms = now_ms();
    st->start_pending = false;
}

static void report_stop(struct starter *st)
{
    struct ckpt_err err;

    if (!st->stop_pending || st->start_pending || !slink_connected(st->shadow))
        return;
    shadow_event event = st->stopped ? SHADOW_EV_SUSPENDED : SHADOW_EV_RESUMED;
    if (slink_event(st->shadow, event, 0, job_cpu_usec(&st->job), "", &err) < 0)
        return;
    st->heard_ms = now_ms();
    st->stop_pending = false;
}

/* Beyond its lease the shadow may have given the job to another station: what
 * it computes here is perhaps for nothing, but it need not be. */
static void wait_for_shadow(struct starter *st)
{
    uint64_t away_ms = now_ms() - st->heard_ms;
    uint64_t lease_ms = slink_lease_sec(st->shadow) * 1000ULL;

    if (away_ms > AWAY_LEASES * lease_ms) {
        kill_job(st, "the shadow is lost");
    } else if (away_ms > lease_ms && !st->away && !st->stopped) {
        log_line("job %llu: suspended: nothing heard of the shadow for %llu s",
                 (unsigned long long)st->boot.job,
                 (unsigned long long)(lease_ms / 1000));
        st->away = true;
        job_signal(&st->job, SIGSTOP);
    }
}

static void shadow_is_back(struct starter *st)
{
    st->heard_ms = now_ms();
    if (!st->away)
        return;
    log_line("job %llu: goes on: the shadow is back",
             (unsigned long long)st->boot.job);
    st->away = false;
    job_signal(&st->job, SIGCONT);
}

/* An incarnation that the shadow has fenced off must not go on for a moment;
 * an outage is waited for. */
static void reconnect(struct starter *st)
{
    struct ckpt_err err;

    if (slink_connect(st->shadow, &err) == 0) {
        shadow_is_back(st);
        return;
    }
    if (errno == EACCES || errno == ESTALE || errno == EPERM)
        kill_job(st, err.text);
    else
        wait_for_shadow(st);
}

static uint64_t ping_ms(const struct starter *st)
{
    uint64_t ms = slink_lease_sec(st->shadow) * 1000ULL / PINGS_IN_LEASE;

    return ms < PING_MAX_MS ? ms : PING_MAX_MS;
}

static void look_after_shadow(struct starter *st)
{
    struct ckpt_err err;

    if (!slink_connected(st->shadow)) {
        reconnect(st);
        return;
    }
    report_start(st);
    report_stop(st);
    uint64_t now = now_ms();
    if (now - st->pinged_ms < ping_ms(st) || !slink_connected(st->shadow))
        return;
    st->pinged_ms = now;
    if (slink_ping(st->shadow, &err) == 0)
        shadow_is_back(st);
    else
        wait_for_shadow(st);
}

/* True when the job has ended. */
static bool look_after_job(struct starter *st)
{
    struct signalfd_siginfo info;

    while (read(st->signal_fd, &info, sizeof info) > 0)
        if (info.ssi_signo == SIGTERM)
            kill_job(st, "the starter was told to end");
    for (;;) {
        enum job_change change = job_look(&st->job);
        if (change == JOB_NOTHING)
            return false;
        if (change == JOB_ENDED)
            return true;
        st->stopped = change == JOB_STOPPED;
        st->stop_pending = st->stopped || !st->leaving;
    }
}

static void look_after_link(struct starter *st)
{
    char what;
    ssize_t n = recv(st->link_fd, &what, 1, MSG_DONTWAIT);

    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        kill_job(st, "the station is gone");
    else if (n == 1 && what == 'V')
        st->leaving = true;
    else if (n == 1 && what == 'S')
        st->leaving = false;
    else if (n == 1 && what == 'K')
        kill_job(st, st->job.frontend == FRONTEND_MOUNT_PLAIN
                         ? "the station took it back, and it cannot be "
                           "checkpointed: it starts over"
                         : "the station took it back");
}

/* When it has ended well, so has the last of the job's processes. */
static void look_after_server(struct starter *st)
{
    if (job_mounted(&st->job) && !st->killing &&
        fileserver_ended(&st->job.server) && st->job.server.status != 0)
        kill_job(st, "the server of its files has ended");
}

static void look_after_disk(struct starter *st)
{
    struct disk *disk = &st->job.disk;

    if (st->over_disk || st->killing ||
        !disk_look(disk, st->scratch, st->job.pid, now_ms()))
        return;
    st->over_disk = true;
    log_line("job %llu: killed: it takes %llu MB of disk",
             (unsigned long long)st->boot.job,
             (unsigned long long)(disk->used >> 20));
    job_kill(&st->job);
}

static int tick_ms(const struct starter *st)
{
    if (st->stop_pending)
        return TICK_MS / 10;
    return st->job.disk.limit > 0 ? DISK_LOOK_MS : TICK_MS;
}

static void attend(struct starter *st)
{
    for (;;) {
        struct pollfd fds[] = {
            {.fd = st->signal_fd, .events = POLLIN},
            {.fd = st->killing ? -1 : st->link_fd, .events = POLLIN},
            {.fd = slink_fd(st->shadow), .events = POLLIN},
        };
        poll(fds, 3, tick_ms(st));
        if (fds[1].fd >= 0)
            look_after_link(st);
        if (look_after_job(st))
            return;
        look_after_server(st);
        look_after_disk(st);
        if (fds[2].revents) /* nothing is asked: it closed the connection */
            slink_disconnect(st->shadow);
        look_after_shadow(st);
    }
}

/* --- 5: the end ---------------------------------------------------------- */

/* The station wants its machine back, or is gone: what we could not tell, the
 * home station finds out without us. */
static bool told_to_go(struct starter *st)
{
    char what = 'V';
    ssize_t n;

    do
        n = recv(st->link_fd, &what, 1, MSG_DONTWAIT);
    while (n == 1 && what != 'K');
    return n >= 0 || (errno != EAGAIN && errno != EINTR);
}

static void report_end(struct starter *st, shadow_event event, int value,
                       const char *text)
{
    struct timespec tick = {0, 200 * 1000000L};
    uint64_t until = now_ms() + FINISH_MS;
    struct ckpt_err err;

    for (;;) {
        int rc = slink_connect(st->shadow, &err);
        report_start(st);
        if (rc == 0)
            rc = slink_event(st->shadow, event, value, job_cpu_usec(&st->job),
                             text, &err);
        if (rc == 0 || errno == EACCES || errno == ESTALE || errno == EPERM ||
            now_ms() > until || told_to_go(st))
            break;
        nanosleep(&tick, NULL);
    }
}

struct patience {
    struct starter *st;
    uint64_t until;
};

static bool out_of_patience(void *arg)
{
    const struct patience *patience = arg;

    return now_ms() > patience->until || told_to_go(patience->st);
}

/* What the job wrote is at home when the server of its files has ended. */
static bool files_arrived(struct starter *st, char *text, size_t size)
{
    struct patience patience = {st, now_ms() + FINISH_MS};
    struct ckpt_err err;

    if (!job_mounted(&st->job) ||
        fileserver_finish(&st->job.server, out_of_patience, &patience, &err) ==
            0)
        return true;
    snprintf(text, size, "%s", err.text);
    return false;
}

/* A job that we killed has not ended, it will run again elsewhere; nor has a
 * program whose image could not be restarted. */
static void finish(struct starter *st)
{
    int status = st->job.wait_status;
    char text[600];

    say(st, 'X', st->killing ? st->why : "");
    log_line("job %llu epoch %u: ended, wait status %d",
             (unsigned long long)st->boot.job, st->boot.epoch, status);
    bool failed = !st->killing &&
                  job_restart_failed(&st->job, st->scratch, text, sizeof text);
    if (st->killing) {
        fileserver_kill(&st->job.server);
        snprintf(text, sizeof text, "evicted: %s", st->why);
    } else if (st->over_disk) {
        fileserver_kill(&st->job.server);
        failed = true;
        snprintf(text, sizeof text,
                 "killed: it wanted more disk than the station's job_disk of "
                 "%llu MB: its files there took %llu MB",
                 (unsigned long long)(st->job.disk.limit >> 20),
                 (unsigned long long)(st->job.disk.used >> 20));
    } else if (!failed && !files_arrived(st, text, sizeof text)) {
        failed = true;
    } else if (!failed && job_wanted_memory(&st->job)) {
        failed = true;
        snprintf(text, sizeof text,
                 "killed: it wanted more memory than the station's job_memory "
                 "of %llu MB",
                 (unsigned long long)(st->job.memory >> 20));
    }
    job_clear(&st->job);
    remove_tree(st->scratch);
    if (failed)
        log_line("job %llu: %s", (unsigned long long)st->boot.job, text);
    if (st->killing || failed)
        report_end(st, SHADOW_EV_FAILED, 0, text);
    else
        report_end(st, SHADOW_EV_EXITED, status, "");
}

/* The station may have changed its mind while the program was brought here. */
static int may_begin(struct starter *st, struct ckpt_err *err)
{
    if (!told_to_go(st))
        return 0;
    return ckpt_err_set(err, ECANCELED,
                        "evicted: the station took it back before it began");
}

static int run(struct starter *st)
{
    struct ckpt_err err;
    char pid[32];

    if (read_boot(st, &err) < 0)
        goto failed;
    st->job.user = st->user;
    if (prepare(st, &err) < 0 || may_begin(st, &err) < 0 ||
        job_start(&st->job, &st->boot, st->scratch, &err) < 0)
        goto failed;
    snprintf(pid, sizeof pid, "%d", (int)st->job.pid);
    if (st->job.frontend == FRONTEND_MOUNT_PLAIN)
        say(st, 'U', "it cannot be checkpointed, and starts over elsewhere");
    say(st, 'P', pid);
    testpoint_hold("starter begun");
    st->start_pending = true;
    report_start(st);
    log_line("job %llu epoch %u: started, process %d",
             (unsigned long long)st->boot.job, st->boot.epoch,
             (int)st->job.pid);
    attend(st);
    finish(st);
    return 0;

failed:
    fileserver_kill(&st->job.server);
    log_line("job %llu: %s", (unsigned long long)st->boot.job, err.text);
    say(st, 'E', err.text);
    remove_tree(st->scratch);
    if (st->shadow)
        report_end(st, SHADOW_EV_FAILED, 0, err.text);
    return 1;
}

static int usage(FILE *out, int rc)
{
    fprintf(
        out,
        "usage: ckpt-starter --scratch DIR --boot-fd N --link-fd N "
        "[--user NAME] [--memory BYTES] [--disk BYTES] [--nice N]\nStarted by "
        "ckpt-station, with the "
        "job's boot "
        "record on descriptor N.\nexample: none; it is not for people\n");
    return rc;
}

static int prepare_signals(void)
{
    sigset_t set;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int main(int argc, char **argv)
{
    struct starter st = {
        .boot_fd = -1, .link_fd = -1, .job = {.nice = 19, .complaint_fd = -1}};

    ckpt_stdfds_fill(O_RDWR);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            return usage(stdout, 0);
        if (i + 1 == argc)
            return usage(stderr, 2);
        if (strcmp(argv[i], "--scratch") == 0)
            st.scratch = argv[++i];
        else if (strcmp(argv[i], "--boot-fd") == 0)
            st.boot_fd = (int)strtol(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--link-fd") == 0)
            st.link_fd = (int)strtol(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--user") == 0)
            st.user = argv[++i];
        else if (strcmp(argv[i], "--memory") == 0)
            st.job.memory = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--nice") == 0)
            st.job.nice = (int)strtol(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--disk") == 0)
            st.job.disk.limit = strtoull(argv[++i], NULL, 10);
        else
            return usage(stderr, 2);
    }
    if (!st.scratch || st.boot_fd < 0 || st.link_fd < 0)
        return usage(stderr, 2);
    log_name("starter");
    umask(077);
    fcntl(st.boot_fd, F_SETFD, FD_CLOEXEC);
    fcntl(st.link_fd, F_SETFD, FD_CLOEXEC);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* it holds the token */
    st.signal_fd = prepare_signals();
    if (st.signal_fd < 0)
        return 1;
    return run(&st);
}
