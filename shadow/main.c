/* main.c - ckpt-shadow: serve one job from its home machine
 *
 * Started by the home station (jobdir_shadow_start()), one for each
 * incarnation of the job.  It goes on when the station dies, and is found
 * again through the lock, and leaves when the job is over, or when the
 * starter was not heard of for the lease.
 */
#include "lib/common/io.h"
#include "lib/common/stdfds.h"
#include "lib/proto/boot.h"
#include "shadow/start.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* What rpcgen made of shadow.x. */
extern void shadow_program_1(struct svc_req *req, SVCXPRT *xprt);

/* For the next call: what a program takes between two of them. */
enum { LOOKS = 40 };

enum { TICK_MS = 500, TICK_MAX_MS = 10000, EXIT_NOT_REVIVED = 3 };

struct options {
    const char *dir;
    const char *listen;
    int secret_fd;
    bool resume;
};

static struct shadow shadow = {
    .dirfd = -1,
    .log_fd = -1,
    .events_fd = -1,
    .exe_fd = -1,
};
static uint8_t token[CKPT_TOKEN_LEN];
static uint8_t prologue[CKPT_BOOT_PROLOGUE_LEN];

static void usage(FILE *out)
{
    fputs("usage: ckpt-shadow --job-dir DIR [--listen ADDRESS] --secret-fd N\n"
          "       ckpt-shadow --job-dir DIR [--listen ADDRESS] --resume\n"
          "Serves the job described in DIR/job.conf; with --resume goes on "
          "where a\n"
          "shadow was killed.  Started by ckpt-station;\n"
          "example, with 32 bytes of token in a file:\n"
          "    ckpt-shadow --job-dir /var/job/7 --secret-fd 3 3<token\n",
          out);
}

static int parse_options(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {
        {"job-dir", required_argument, NULL, 'd'},
        {"listen", required_argument, NULL, 'l'},
        {"secret-fd", required_argument, NULL, 's'},
        {"resume", no_argument, NULL, 'r'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int c;

    *options = (struct options){.listen = "127.0.0.1", .secret_fd = -1};
    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (c) {
        case 'd':
            options->dir = optarg;
            break;
        case 'l':
            options->listen = optarg;
            break;
        case 's':
            options->secret_fd = atoi(optarg);
            break;
        case 'r':
            options->resume = true;
            break;
        case 'h':
            usage(stdout);
            exit(0);
        default:
            return -1;
        }
    }
    return optind == argc && options->dir &&
                   (options->secret_fd >= 0) != options->resume
               ? 0
               : -1;
}

static int read_token(int fd, struct ckpt_err *err)
{
    ssize_t n = ckpt_read_full(fd, token, sizeof token);

    close(fd);
    if (n != (ssize_t)sizeof token)
        return ckpt_err_set(err, EPROTO, "no token on the descriptor given");
    return 0;
}

static struct ckpt_serve *open_serve(const char *host, struct ckpt_err *err)
{
    struct ckpt_boot boot = {.job = shadow.spec.job,
                             .epoch = shadow.spec.epoch,
                             .plain = shadow.spec.plain};
    struct ckpt_serve_config config = {
        .host = host,
        .port = shadow.revived ? shadow.survive->port : 0,
        .prog = SHADOW_PROGRAM,
        .vers = SHADOW_V1,
        .dispatch = shadow_program_1,
        .daemon = &shadow,
        .key = {token, prologue, sizeof prologue, shadow.spec.plain},
        .looks = LOOKS,
        .admit = session_admit,
        .closed = session_closed,
        .refused = session_refused,
    };

    ckpt_boot_prologue(&boot, prologue);
    return ckpt_serve_create(&config, err);
}

static int announce(const char *host, struct ckpt_err *err)
{
    char text[JOBDIR_HOST_MAX + 16];
    int n = snprintf(text, sizeof text, "%s %u\n", host,
                     ckpt_serve_port(shadow.serve));

    if (n < 0 || (size_t)n >= sizeof text)
        return ckpt_err_set(err, EINVAL, "%s: address too long", host);
    return jobdir_file_put(shadow.dir, "shadow.addr", text, (size_t)n, err);
}

static int start(const struct options *options, struct ckpt_err *err)
{
    struct rlimit files;
    char how[JOBDIR_TEXT_MAX];

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    umask(0); /* modes come from the job, after its own umask */
    if (become_owner(&shadow, err) < 0 || start_survive(&shadow, err) < 0)
        return -1;
    if (shadow.revived)
        memcpy(token, shadow.survive->token, sizeof token);
    if (start_files(&shadow, err) < 0 || start_grants(&shadow, err) < 0)
        return -1;
    shadow.serve = open_serve(options->listen, err);
    if (!shadow.serve || confine(&shadow, how, err) < 0)
        return -1;
    if (!shadow.revived)
        survive_seal(shadow.survive, shadow.spec.job, shadow.spec.epoch,
                     ckpt_serve_port(shadow.serve), token);
    if (announce(options->listen, err) < 0)
        return -1;
    shadow_log(&shadow, "%s on %s port %u; image %u; %s",
               shadow.revived ? "was killed and goes on" : "serves",
               options->listen, ckpt_serve_port(shadow.serve),
               shadow.images.current, how);
    return 0;
}

/* --- the loop --- */

static void on_signal(int fd, short revents, void *arg)
{
    struct signalfd_siginfo info;

    (void)revents, (void)arg;
    if (read(fd, &info, sizeof info) == (ssize_t)sizeof info)
        shadow_end(&shadow, JOBEXIT_LOST, 0, 0, "the shadow was told to end");
}

static int watch_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* An idle shadow wakes up often enough for the lease, and not more often. */
static int tick_ms(void)
{
    uint64_t ms = (uint64_t)shadow.spec.lease_sec * 1000 / 16;

    if (shadow.ended.how || ms < TICK_MS)
        return TICK_MS;
    return ms < TICK_MAX_MS ? (int)ms : TICK_MAX_MS;
}

/* The home station is cut off from everybody: a job that is given up could go
 * nowhere, and its starter may be back before long. */
static bool home_is_alone(void)
{
    return faccessat(shadow.dirfd, "alone", F_OK, 0) == 0;
}

/* The starter calls at least NULL every quarter of the lease. */
static void check_lease(int64_t *last_ms)
{
    char text[96];
    int64_t away_ms = now_ms() - *last_ms;
    int64_t lease_ms = (int64_t)shadow.spec.lease_sec * 1000;

    /* While we were busy (a large image is synced) or stopped we heard
     * nobody: that is not the starter's fault. */
    if (away_ms > 2 * tick_ms())
        shadow.starter_seen += away_ms;
    *last_ms += away_ms;
    if (shadow.ended.how)
        return;
    if (now_ms() - shadow.starter_seen > lease_ms / 2 && home_is_alone())
        shadow.starter_seen = now_ms() - lease_ms / 2;
    if (now_ms() - shadow.starter_seen < lease_ms)
        return;
    snprintf(text, sizeof text, "nothing heard of the starter for %u s",
             shadow.spec.lease_sec);
    tell_event(&shadow, JOBEVENT_LOST, 0, 0, 0, text);
    shadow_end(&shadow, JOBEXIT_LOST, 0, 0, text);
}

/* After the end the starter still gets its reply. */
static bool is_over(void)
{
    if (!shadow.ended.how)
        return false;
    return !shadow.sessions[SHADOW_ROLE_STARTER].conn ||
           now_ms() >= shadow.linger_until;
}

static void run(int signals)
{
    int64_t last_ms = now_ms();

    shadow.starter_seen = last_ms;
    if (signals >= 0)
        ckpt_serve_watch(shadow.serve, signals, POLLIN, on_signal, NULL);
    while (!is_over()) {
        if (ckpt_serve_step(shadow.serve, tick_ms()) < 0)
            shadow_end(&shadow, JOBEXIT_LOST, 0, 0, "the shadow cannot poll");
        check_lease(&last_ms);
    }
    ckpt_serve_destroy(shadow.serve);
}

/* The start failed: the home station reads it in `exit`. */
static int fail(const struct ckpt_err *err)
{
    struct jobexit ended = {
        .how = JOBEXIT_FAILED,
        .epoch = shadow.spec.epoch,
        .generation = shadow.images.current,
    };
    int busy = errno == EBUSY && shadow.log_fd < 0;

    fprintf(stderr, "ckpt-shadow: %s\n", err->text);
    if (busy || shadow.log_fd < 0)
        return 1;
    shadow_log(&shadow, "cannot %s: %s", shadow.revived ? "go on" : "serve",
               err->text);
    if (shadow.revived)
        return EXIT_NOT_REVIVED; /* the next epoch will roll back */
    snprintf(ended.text, sizeof ended.text, "%s", err->text);
    (void)jobexit_write(shadow.dir, &ended, NULL);
    return 1;
}

int main(int argc, char **argv)
{
    struct options options;
    struct ckpt_err err = {""};

    ckpt_stdfds_fill(O_RDWR);
    if (parse_options(argc, argv, &options) < 0) {
        usage(stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    int signals = watch_signals();
    shadow.dir = options.dir;
    shadow.revived = options.resume;
    if ((!options.resume && read_token(options.secret_fd, &err) < 0) ||
        start_directory(&shadow, &err) < 0)
        return fail(&err);
    if (start(&options, &err) < 0)
        return fail(&err);
    run(signals);
    journal_close(shadow.journal);
    explicit_bzero(token, sizeof token);
    return 0;
}
