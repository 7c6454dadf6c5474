/* keep.c - see keep.h: the directory, going back, and the keeper's start */
#include "lib/keep/keep.h"

#include "lib/keep/filter.h"
#include "lib/keep/keeper.h"
#include "lib/keep/states.h"
#include "lib/undo/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LOCK_TRIES = 3000, LOCK_PAUSE_MS = 20 };

/* --- the directory ------------------------------------------------------- */

static bool is_running(long pid)
{
    char path[64], text[512], state = 'Z';

    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *in = fopen(path, "re");
    if (!in)
        return false;
    const char *end = fgets(text, sizeof text, in) ? strrchr(text, ')') : NULL;
    if (end && end[1])
        state = end[2];
    fclose(in);
    return state != 'Z' && state != 'X';
}

static long locker(int fd)
{
    char text[32];
    ssize_t n = pread(fd, text, sizeof text - 1, 0);

    text[n > 0 ? n : 0] = '\0';
    return atol(text);
}

/* A program that was killed a moment ago still has its keeper, and maybe a
 * child that writes an image. */
static int take_lock(const char *dir, int fd, struct ckpt_err *err)
{
    struct timespec pause = {0, LOCK_PAUSE_MS * 1000000L};

    for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; i++) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return ckpt_err_sys(err, "%s", dir);
        long pid = locker(fd);
        if (pid > 0 && is_running(pid))
            return ckpt_err_set(err, EBUSY,
                                "%s: the program is still running (pid %ld)",
                                dir, pid);
        if (i == LOCK_TRIES)
            return ckpt_err_set(err, EBUSY,
                                "%s: a process that the program started is "
                                "still running",
                                dir);
        nanosleep(&pause, NULL);
    }
    return 0;
}

int ckpt_keep_open(struct ckpt_keep *keep, const char *dir,
                   struct ckpt_err *err)
{
    char path[PATH_MAX];

    *keep = (struct ckpt_keep){.lock = -1, .sock = -1};
    keep->limit = CKPT_KEEP_LIMIT;
    if (snprintf(keep->dir, sizeof keep->dir, "%s", dir) >=
        (int)sizeof keep->dir)
        return ckpt_err_set(err, ENAMETOOLONG, "%s: name too long", dir);
    snprintf(path, sizeof path, "%s/journal", dir);
    if ((mkdir(dir, 0700) < 0 && errno != EEXIST) ||
        (mkdir(path, 0700) < 0 && errno != EEXIST))
        return ckpt_err_sys(err, "%s", path);
    snprintf(path, sizeof path, "%s/lock", dir);
    keep->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (keep->lock < 0)
        return ckpt_err_sys(err, "%s", path);
    if (take_lock(dir, keep->lock, err) < 0) {
        ckpt_keep_close(keep);
        return -1;
    }
    return 0;
}

void ckpt_keep_close(struct ckpt_keep *keep)
{
    int saved = errno;

    if (keep->lock >= 0)
        close(keep->lock);
    if (keep->sock >= 0)
        close(keep->sock);
    keep->lock = keep->sock = -1;
    errno = saved;
}

/* --- which state --------------------------------------------------------- */

int ckpt_keep_fresh(struct ckpt_keep *keep, bool anew, struct ckpt_err *err)
{
    struct keep_states none = {0};
    uint32_t *numbers;
    size_t count;
    int rc = 0;

    if (segment_list(keep->dir, &numbers, &count, err) < 0)
        return -1;
    keep->number = count > 0 ? numbers[count - 1] + 1 : 0;
    if (anew) {
        rc = keep_states_write(keep->dir, &none, err);
        for (size_t i = 0; rc == 0 && i < count; i++)
            rc = segment_remove(keep->dir, numbers[i], true, err);
    }
    free(numbers);
    return rc;
}

int ckpt_keep_find(const char *dir, uint32_t number,
                   const uint8_t id[CKPT_ID_LEN], struct ckpt_err *err)
{
    struct keep_states states;

    if (keep_states_read(dir, &states, err) < 0)
        return -1;
    bool known = keep_states_has(&states, number, id);
    keep_states_clear(&states);
    if (known)
        return 0;
    return ckpt_err_set(err, ESTALE,
                        "the files cannot be put back to the state of this "
                        "image: %s does not have it (any more)",
                        dir);
}

struct teller {
    void (*tell)(const char *text);
};

static void on_conflict(void *arg, const char *text)
{
    const struct teller *teller = arg;

    teller->tell(text);
}

static int forget_newer(const char *dir, uint32_t number, struct ckpt_err *err)
{
    struct keep_states states;

    if (keep_states_read(dir, &states, err) < 0)
        return -1;
    keep_states_trim(&states, 0, number);
    int rc = keep_states_write(dir, &states, err);
    keep_states_clear(&states);
    return rc;
}

int ckpt_keep_rollback(struct ckpt_keep *keep,
                       const struct ckpt_keep_back *back, struct ckpt_err *err)
{
    struct teller teller = {back->tell};
    struct journal_config config = {
        .dir = keep->dir,
        .sync = true,
        .conflict = on_conflict,
        .arg = &teller,
        .shared = back->shared,
    };

    if (ckpt_keep_find(keep->dir, back->number, back->id, err) < 0)
        return -1;
    int conflicts = back->force ? 0 : journal_check(&config, back->number, err);
    if (conflicts > 0)
        return ckpt_err_set(err, ESTALE,
                            "files were changed by others since the program "
                            "ended (--force puts them back, and keeps what "
                            "they are in %s/conflicts)",
                            keep->dir);
    if (conflicts < 0 || journal_rollback(&config, back->number, err) < 0)
        return -1;
    keep->number = back->number;
    return forget_newer(keep->dir, back->number, err);
}

/* --- the keeper ---------------------------------------------------------- */

static void close_others(const struct ckpt_keep *keep)
{
    int a = keep->lock < keep->sock ? keep->lock : keep->sock;
    int b = keep->lock < keep->sock ? keep->sock : keep->lock;
    int null = open("/dev/null", O_RDWR);

    for (int fd = 0; fd < 3; fd++)
        if (fd != a && fd != b)
            dup2(null, fd);
    for (int fd = 3; fd < a; fd++)
        close(fd);
    for (int fd = a + 1 > 3 ? a + 1 : 3; fd < b; fd++)
        close(fd);
    syscall(SYS_close_range, b + 1 > 3 ? b + 1 : 3, ~0u, 0);
}

/* Not ended by what ends the program's session or group: it has to see how
 * the program left its files. */
static void detach(void)
{
    static const int ignored[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,
                                  SIGPIPE, SIGUSR1, SIGUSR2, SIGXFSZ};
    struct rlimit files;
    sigset_t none;

    setsid();
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        signal(ignored[i], SIG_IGN);
    prctl(PR_SET_NAME, "ckpt-keeper");
    if (chdir("/") < 0)
        return;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

/* What the keeper says when it is ready, or cannot be (pid 0). */
struct hello {
    pid_t pid;
    struct ckpt_err err;
};

static void live(struct ckpt_keep *keep, pid_t program)
{
    struct journal_config config = {
        .dir = keep->dir, .sync = true, .lazy = true};
    struct ckpt_err err;
    char pid[32];

    detach();
    close_others(keep);
    int len = snprintf(pid, sizeof pid, "%d\n", program);
    if (ftruncate(keep->lock, 0) < 0 ||
        pwrite(keep->lock, pid, (size_t)len, 0) < len)
        _exit(1);
    struct journal *journal = journal_open(&config, keep->number, &err);
    struct hello hello = {.pid = journal ? getpid() : 0};
    if (!journal)
        hello.err = err;
    if (write(keep->sock, &hello, sizeof hello) < 0 || !journal)
        _exit(1);
    keep_serve(keep, journal);
    journal_close(journal);
    _exit(0);
}

/* A grandchild: the program must not find a child that it never made. */
static int fork_keeper(struct ckpt_keep *keep, int sock, struct ckpt_err *err)
{
    pid_t program = getpid(), child = fork();

    if (child < 0)
        return ckpt_err_sys(err, "fork");
    if (child == 0) {
        pid_t grandchild = fork();
        if (grandchild != 0)
            _exit(grandchild < 0);
        close(keep->sock);
        keep->sock = sock;
        live(keep, program);
    }
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return ckpt_err_sys(err, "wait");
    return status == 0 ? 0 : ckpt_err_set(err, EAGAIN, "fork: no keeper");
}

/* The keeper goes elsewhere. */
static void make_absolute(char *path)
{
    char cwd[PATH_MAX], whole[2 * PATH_MAX];

    if (path[0] == '\0' || path[0] == '/' || !getcwd(cwd, sizeof cwd))
        return;
    snprintf(whole, sizeof whole, "%s/%s", cwd, path);
    snprintf(path, PATH_MAX, "%.*s", PATH_MAX - 1, whole);
}

int ckpt_keep_start(struct ckpt_keep *keep, struct ckpt_err *err)
{
    int pair[2];
    struct hello hello = {0};

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return ckpt_err_sys(err, "socketpair");
    keep->sock = pair[0];
    make_absolute(keep->log);
    int rc = fork_keeper(keep, pair[1], err);
    close(pair[1]);
    if (rc < 0)
        return -1;
    if (read(keep->sock, &hello, sizeof hello) != sizeof hello)
        return ckpt_err_set(err, EIO, "the keeper of the files has ended");
    if (hello.pid == 0)
        return ckpt_err_set(err, EIO, "%s", hello.err.text);
    keep->pid = hello.pid;
    /* from now on the keeper alone holds the lock */
    close(keep->lock);
    keep->lock = -1;
    return 0;
}

static int send_listener(int sock, int fd)
{
    char byte = 0, control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec io = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &io,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof control,
    };
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);

    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(head), &fd, sizeof fd);
    return sendmsg(sock, &message, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

int ckpt_keep_watch(struct ckpt_keep *keep, struct ckpt_err *err)
{
    /* where only descendants may be looked at (Yama) */
    (void)prctl(PR_SET_PTRACER, keep->pid, 0, 0, 0);
    int fd = keep_filter_install(err);
    if (fd < 0)
        return -1;
    int rc = send_listener(keep->sock, fd);
    if (rc < 0)
        ckpt_err_sys(err, "the keeper of the files has ended");
    close(fd);
    close(keep->sock);
    keep->sock = -1;
    return rc;
}
