/* test_survive.c - a shadow that is killed with SIGKILL goes on in place
 *
 * A tracer kills it at each of its system calls while it does one call; the
 * next one is told the call again: it must have happened once.  With
 * CKPT_SURVIVE_STEP=1 every system call is tried, otherwise every third.
 */
#include "tests/unit/run_tests.h"
#include "tests/unit/shadow_client.h"

#include <pthread.h>
#include <sys/ptrace.h>

/* --- the tracer ----------------------------------------------------------- */

static struct {
    pid_t pid;
    int at; /* kill at this stop */
    bool killed, refused;
    pthread_barrier_t ready;
} tracer;

static void *trace(void *arg)
{
    int status, stops = 0;

    (void)arg;
    tracer.killed = tracer.refused = false;
    if (ptrace(PTRACE_SEIZE, tracer.pid, NULL, PTRACE_O_TRACESYSGOOD) < 0 ||
        ptrace(PTRACE_INTERRUPT, tracer.pid, NULL, NULL) < 0) {
        tracer.refused = true;
        pthread_barrier_wait(&tracer.ready);
        return NULL;
    }
    waitpid(tracer.pid, &status, __WALL);
    ptrace(PTRACE_SYSCALL, tracer.pid, NULL, NULL);
    pthread_barrier_wait(&tracer.ready);
    while (waitpid(tracer.pid, &status, __WALL) == tracer.pid &&
           WIFSTOPPED(status)) {
        if (++stops == tracer.at) {
            tracer.killed = true;
            kill(tracer.pid, SIGKILL);
        } else {
            ptrace(PTRACE_SYSCALL, tracer.pid, NULL, NULL);
        }
    }
    return NULL;
}

/* --- calls ------------------------------------------------------------------
 */

static struct client client;
static uint32_t handle;

static int status_call(enum clnt_stat stat, const shadow_status_res *res)
{
    return stat == RPC_SUCCESS ? res->status : -1;
}

static int do_append(CLIENT *rpc)
{
    return append(&client, rpc, handle, "line\n");
}

static int do_write(CLIENT *rpc)
{
    shadow_write_args args = {.handle = handle, .offset = 2};
    shadow_write_res res = {0};

    args.data = (shadow_data){3, (char *)"XYZ"};
    return shadow_write_1(&args, &res, rpc) == RPC_SUCCESS ? res.status : -1;
}

static int do_create(CLIENT *rpc)
{
    shadow_open_args args = {at("made"), O_CREAT | O_EXCL | O_RDWR, 0600};
    shadow_open_res res = {0};

    if (shadow_open_1(&args, &res, rpc) != RPC_SUCCESS)
        return -1;
    handle = res.shadow_open_res_u.ok.handle;
    return res.status;
}

static int do_unlink(CLIENT *rpc)
{
    shadow_unlink_args args = {at("file"), false};
    shadow_status_res res = {0};

    return status_call(shadow_unlink_1(&args, &res, rpc), &res);
}

static int two(CLIENT *rpc, const char *from, const char *to, bool hard)
{
    shadow_two_paths_args args = {at(from), at(to), 0};
    shadow_status_res res = {0};

    return status_call(hard ? shadow_link_1(&args, &res, rpc)
                            : shadow_rename_1(&args, &res, rpc),
                       &res);
}

static int do_rename(CLIENT *rpc)
{
    return two(rpc, "file", "other", false);
}

static int do_rename_dir(CLIENT *rpc)
{
    return two(rpc, "dir", "newdir", false);
}

static int do_link(CLIENT *rpc)
{
    return two(rpc, "file", "linked", true);
}

static int do_mkdir(CLIENT *rpc)
{
    shadow_mode_args args = {at("made"), 0700};
    shadow_status_res res = {0};

    return status_call(shadow_mkdir_1(&args, &res, rpc), &res);
}

static int do_symlink(CLIENT *rpc)
{
    shadow_symlink_args args = {(char *)"target", at("made")};
    shadow_status_res res = {0};

    return status_call(shadow_symlink_1(&args, &res, rpc), &res);
}

static int do_truncate(CLIENT *rpc)
{
    shadow_ftruncate_args args = {handle, 3};
    shadow_status_res res = {0};

    return status_call(shadow_ftruncate_1(&args, &res, rpc), &res);
}

static int do_close(CLIENT *rpc)
{
    shadow_handle_args args = {handle};
    shadow_status_res res = {0};

    return status_call(shadow_close_1(&args, &res, rpc), &res);
}

static int do_chdir(CLIENT *rpc)
{
    shadow_path_args args = {at("dir")};
    shadow_path_res res = {0};

    return shadow_chdir_1(&args, &res, rpc) == RPC_SUCCESS ? res.status : -1;
}

static int do_put(CLIENT *rpc)
{
    shadow_image_put_args args = {0};
    shadow_status_res res = {0};

    args.data = (shadow_data){5, (char *)"image"};
    return status_call(shadow_image_put_1(&args, &res, rpc), &res);
}

static int do_commit(CLIENT *rpc)
{
    shadow_image_commit_args args = {5};
    shadow_status_res res = {0};

    return status_call(shadow_image_commit_1(&args, &res, rpc), &res);
}

static int lock(int type, uint64_t start, uint64_t len)
{
    shadow_lock_args args = {handle, false, type, start, len};
    shadow_status_res res = {0};

    return status_call(shadow_lock_1(&args, &res, next(&client)), &res);
}

/* --- what must be so afterwards --------------------------------------------
 */

static void is_text(const char *name, const char *text)
{
    const char *found = get_file(path_in(work, name));

    if (!text)
        ck_assert_msg(!found, "%s is there", name);
    else
        ck_assert_msg(found && strcmp(found, text) == 0, "%s: %s, not %s", name,
                      found ? found : "nothing", text);
}

static const char original[] = "first line\n";

static void was_appended(void)
{
    is_text("file", "first line\nline\n");
}

static void was_written(void)
{
    is_text("file", "fiXYZ line\n");
}

static void was_created(void)
{
    ck_assert_int_eq(append(&client, next(&client), handle, "x"), 0);
    is_text("made", "x");
}

static void was_unlinked(void)
{
    is_text("file", NULL);
}

static void was_renamed(void)
{
    is_text("file", NULL);
    ck_assert_int_eq(append(&client, next(&client), handle, "x"), 0);
    is_text("other", "first line\nx");
}

static void dir_was_renamed(void)
{
    is_text("dir/inner", NULL);
    is_text("newdir/inner", "inner");
}

static void was_linked(void)
{
    is_text("linked", original);
    is_text("file", original);
}

static void dir_was_made(void)
{
    struct stat st;

    ck_assert(stat(path_in(work, "made"), &st) == 0 && S_ISDIR(st.st_mode));
}

static void symlink_was_made(void)
{
    char target[16] = "";

    ck_assert_int_eq(
        (int)readlink(path_in(work, "made"), target, sizeof target - 1), 6);
    ck_assert_str_eq(target, "target");
}

static void was_truncated(void)
{
    is_text("file", "fir");
}

static void was_closed(void)
{
    ck_assert_int_eq(append(&client, next(&client), handle, "x"), EBADF);
}

static void cwd_was_changed(void)
{
    int64_t opened = open_file(&client, "inner", O_RDONLY);

    ck_assert_msg(opened >= 0, "inner: %s", strerror((int)-opened));
}

static void was_committed(void)
{
    struct jobimage image;

    ck_assert_int_eq(jobdir_image(job, &image, &err), 0);
    ck_assert_uint_gt(image.generation, 0);
    ck_assert_str_eq(get_file(image.path), "image");
}

static void was_put(void)
{
    ck_assert_int_eq(do_commit(next(&client)), 0);
    was_committed();
}

/* --- one after the other ----------------------------------------------------
 */

static const struct {
    const char *name;
    int (*call)(CLIENT *rpc);
    void (*check)(void);
    int open_flags; /* of `file`, before */
    bool put;       /* an image, before */
} cases[] = {
    {"append", do_append, was_appended, O_RDWR, false},
    {"write", do_write, was_written, O_RDWR, false},
    {"create", do_create, was_created, 0, false},
    {"unlink", do_unlink, was_unlinked, 0, false},
    {"rename", do_rename, was_renamed, O_RDWR, false},
    {"rename a directory", do_rename_dir, dir_was_renamed, 0, false},
    {"link", do_link, was_linked, 0, false},
    {"mkdir", do_mkdir, dir_was_made, 0, false},
    {"symlink", do_symlink, symlink_was_made, 0, false},
    {"truncate", do_truncate, was_truncated, O_RDWR, false},
    {"close", do_close, was_closed, O_RDWR, false},
    {"chdir", do_chdir, cwd_was_changed, 0, false},
    {"put", do_put, was_put, 0, false},
    {"commit", do_commit, was_committed, 0, true},
};

static void prepare(size_t i)
{
    char command[1024];

    snprintf(command, sizeof command,
             "rm -rf %s/file %s/made %s/other %s/linked %s/dir %s/newdir %s",
             work, work, work, work, work, work, job);
    ck_assert_int_eq(system(command), 0);
    put_file(path_in(work, "file"), original);
    ck_assert_int_eq(mkdir(path_in(work, "dir"), 0700), 0);
    put_file(path_in(work, "dir/inner"), "inner");
    spec.epoch = 0;
    start_shadow();
    client = client_new(SHADOW_ROLE_JOB);
    if (cases[i].open_flags) {
        int64_t opened = open_file(&client, "file", cases[i].open_flags);
        ck_assert_int_gt(opened, 0);
        handle = (uint32_t)opened;
    }
    if (cases[i].put)
        ck_assert_int_eq(do_put(next(&client)), 0);
}

static void go_on(void)
{
    uint8_t session[SHADOW_ID_LEN];
    unsigned seq = client.seq;

    memcpy(session, client.session, sizeof session);
    cut(&client);
    resume_shadow();
    client = (struct client){.seq = seq};
    memcpy(client.session, session, sizeof session);
    ck_assert_int_eq(connect_as(&client, spec.epoch), 0);
    ck_assert_int_eq(bind_as(&client, SHADOW_ROLE_JOB), 0);
}

/* False: the call was over before it came to that. */
static bool killed_at(size_t i, int stop)
{
    pthread_t thread;
    int status;

    prepare(i);
    tracer.pid = shadow_pid;
    tracer.at = stop;
    pthread_barrier_init(&tracer.ready, NULL, 2);
    ck_assert_int_eq(pthread_create(&thread, NULL, trace, NULL), 0);
    pthread_barrier_wait(&tracer.ready);
    if (tracer.refused) {
        pthread_join(thread, NULL);
        puts("cannot trace here: nothing was killed in the middle of a call");
        return false;
    }
    status = cases[i].call(next(&client));
    bool done = status != -1;
    if (done) /* its next system call waits for more */
        kill(shadow_pid, SIGKILL);
    pthread_join(thread, NULL);
    shadow_pid = 0;
    ck_assert_msg(!done || status == 0, "%s: status %d", cases[i].name, status);
    go_on();
    status = cases[i].call(again(&client));
    ck_assert_msg(status == 0, "%s, killed at stop %d: status %d",
                  cases[i].name, stop, status);
    cases[i].check();
    cut(&client);
    end_shadow(SIGKILL);
    /* and all of it goes back */
    if (!cases[i].put && cases[i].call != do_put) {
        start_shadow();
        is_text("file", original);
        is_text("made", NULL);
        is_text("dir/inner", "inner");
        end_shadow(SIGKILL);
    }
    return !done;
}

START_TEST(a_call_that_is_killed_at_any_instant_happens_once)
{
    const char *every = getenv("CKPT_SURVIVE_STEP");
    int step = every ? atoi(every) : 3, stop = 1 + _i % step, tried = 0;

    while (killed_at((size_t)_i, stop)) {
        stop += step;
        tried++;
    }
    if (!tracer.refused)
        printf("%s: killed at %d instants\n", cases[_i].name, tried);
}
END_TEST

/* The connection is cut at one of 50 calls, before it is sent, after it was
 * carried out, or with its shadow, wherever that is. */
static int append_over(struct client *c, const char *line, unsigned kind)
{
    if (kind == 0) { /* never sent */
        cut(c);
        ck_assert_int_eq(connect_as(c, spec.epoch), 0);
        ck_assert_int_eq(bind_as(c, SHADOW_ROLE_JOB), 0);
    }
    int status = append(c, next(c), handle, line);
    if (kind == 1 && status == 0) { /* the answer is lost */
        cut(c);
        ck_assert_int_eq(connect_as(c, spec.epoch), 0);
        ck_assert_int_eq(bind_as(c, SHADOW_ROLE_JOB), 0);
        status = append(c, again(c), handle, line);
    }
    if (status == -1) { /* the shadow was killed */
        while (waitpid(shadow_pid, NULL, 0) < 0 && errno == EINTR)
            ;
        shadow_pid = 0;
        go_on();
        status = append(c, again(c), handle, line);
    }
    return status;
}

static void *kill_soon(void *arg)
{
    struct timespec pause = {0, rand() % 300 * 1000};

    nanosleep(&pause, NULL);
    kill(*(pid_t *)arg, SIGKILL);
    return NULL;
}

START_TEST(appends_are_neither_lost_nor_doubled)
{
    enum { APPENDS = 20000 };
    unsigned kinds[4] = {0};
    char line[16], found[16];

    prepare(0);
    srand(1);
    for (int i = 0; i < APPENDS; i++) {
        unsigned kind = rand() % 50 == 0 ? (unsigned)rand() % 3 : 3;
        pthread_t killer;
        pid_t victim = shadow_pid;
        if (kind == 2) /* in this call, or one of the next */
            pthread_create(&killer, NULL, kill_soon, &victim);
        snprintf(line, sizeof line, "%06d\n", i);
        ck_assert_int_eq(append_over(&client, line, kind), 0);
        for (int k = 0; kind == 2 && k < 4; k++) {
            snprintf(line, sizeof line, "%06d\n", ++i);
            ck_assert_int_eq(append_over(&client, line, kind), 0);
        }
        if (kind == 2) {
            pthread_join(killer, NULL);
            if (shadow_pid == victim && waitpid(victim, NULL, 0) == victim) {
                shadow_pid = 0;
                go_on();
            }
        }
        kinds[kind]++;
    }
    FILE *in = fopen(path_in(work, "file"), "re");
    ck_assert(in && fgets(line, sizeof line, in));
    int lines = 0;
    for (; fgets(line, sizeof line, in); lines++) {
        snprintf(found, sizeof found, "%06d\n", lines);
        ck_assert_str_eq(line, found);
    }
    fclose(in);
    printf("%d appends, cut %u times before, %u times after, %u shadows "
           "killed: each once\n",
           lines, kinds[0], kinds[1], kinds[2]);
    ck_assert_int_ge(lines, APPENDS);
    cut(&client);
}
END_TEST

START_TEST(a_damaged_session_is_not_gone_on_with)
{
    char *path;
    int fd, status;

    prepare(0);
    cut(&client);
    end_shadow(SIGKILL);
    path = path_in(job, "session");
    fd = open(path, O_RDWR | O_CLOEXEC);
    ck_assert(fd >= 0 && pwrite(fd, "x", 1, 3) == 1);
    close(fd);
    pid_t pid = jobdir_shadow_resume(program(), job, "127.0.0.1", &err);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 3);
    ck_assert(log_has("session: is damaged"));
    /* another epoch's is none either */
    start_shadow();
    end_shadow(SIGKILL);
    spec.epoch++;
    ck_assert_int_eq(jobspec_write(job, &spec, &err), 0);
    pid = jobdir_shadow_resume(program(), job, "127.0.0.1", &err);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 3);
}
END_TEST

static bool is_locked(int from, off_t start, off_t len)
{
    struct flock look = {.l_type = F_WRLCK, .l_start = start, .l_len = len};

    ck_assert_int_eq(fcntl(from, F_OFD_GETLK, &look), 0);
    return look.l_type != F_UNLCK;
}

START_TEST(locks_are_those_of_the_program)
{
    prepare(0);
    int fd = open(path_in(work, "file"), O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(lock(F_WRLCK, 0, 10), 0);
    ck_assert_int_eq(lock(F_RDLCK, 100, 10), 0);
    ck_assert_int_eq(lock(F_WRLCK, 200, 10), 0);
    ck_assert_int_eq(lock(F_UNLCK, 0, 10), 0);
    ck_assert_int_eq(lock(F_UNLCK, 100, 10), 0); /* the first is free by then */
    ck_assert_int_eq(lock(F_WRLCK, 202, 2), 0);  /* which it has */
    end_shadow(SIGKILL);
    go_on();
    ck_assert(!is_locked(fd, 0, 200));
    ck_assert(is_locked(fd, 200, 1) && is_locked(fd, 209, 1));
    ck_assert_int_eq(lock(F_WRLCK, 0, 10), 0);
    ck_assert_int_eq(lock(F_UNLCK, 0, 0), 0); /* all */
    ck_assert_int_eq(lock(F_WRLCK, 50, 10), 0);
    end_shadow(SIGKILL);
    go_on();
    ck_assert(!is_locked(fd, 0, 50) && !is_locked(fd, 60, 1000));
    ck_assert(is_locked(fd, 50, 10));
    close(fd);
    cut(&client);
}
END_TEST

START_TEST(the_token_goes_with_the_incarnation)
{
    start_shadow();
    struct client starter = client_new(SHADOW_ROLE_STARTER);
    ck_assert_int_eq(access(path_in(job, "session"), F_OK), 0);
    ck_assert_int_eq(tell(&starter, SHADOW_EV_EXITED, 0), 0);
    ck_assert_int_eq(access(path_in(job, "session"), F_OK), -1);
    cut(&starter);
    end_shadow(0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("survive");
    TCase *tests = tcase_create("survive");

    setvbuf(stdout, NULL, _IOLBF, 0);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 240);
    tcase_add_loop_test(tests,
                        a_call_that_is_killed_at_any_instant_happens_once, 0,
                        sizeof cases / sizeof cases[0]);
    tcase_add_test(tests, appends_are_neither_lost_nor_doubled);
    tcase_add_test(tests, a_damaged_session_is_not_gone_on_with);
    tcase_add_test(tests, locks_are_those_of_the_program);
    tcase_add_test(tests, the_token_goes_with_the_incarnation);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
