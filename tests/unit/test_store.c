/* test_store.c - the queue: transitions, listings, kill -9 at any instant */
#include "scheduler/store/store.h"
#include "tests/unit/run_tests.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char dir[64], path[96];

static void make_dir(void)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(dir, sizeof dir, "%.40s/ckpt-store.XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/queue.db", dir);
}

static void remove_dir(void)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};

    for (int i = 0; i < 4; i++) {
        char name[128];
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        unlink(name);
    }
    rmdir(dir);
}

static struct store *open_store(void)
{
    struct ckpt_err err = {""};
    struct store *store = store_open(path, &err);

    ck_assert_msg(store != NULL, "%s", err.text);
    return store;
}

static uint64_t submit(struct store *store, uint32_t count)
{
    char *args[] = {"true", "$(Process)", NULL};
    char *env[] = {"A=1", "B=", NULL};
    const struct job_spec spec = {.owner = "ada",
                                  .executable = "/bin/true",
                                  .args = args,
                                  .env = env,
                                  .cwd = "/tmp",
                                  .log = "job.log",
                                  .prio = 2};
    struct ckpt_err err = {""};
    uint64_t first;

    ck_assert_msg(store_submit(store, &spec, count, 1000, &first, &err) == 0,
                  "%s", err.text);
    return first;
}

static void apply(struct store *store, uint64_t id, enum job_event event)
{
    const struct job_detail d = {.station = "s1", .generation = 1, .size = 9};
    struct ckpt_err err = {""};

    ck_assert_msg(store_apply(store, id, event, &d, 2000, NULL, NULL, &err) ==
                      0,
                  "%s", err.text);
}

START_TEST(test_private_and_alone)
{
    struct store *store = open_store();
    struct ckpt_err err;
    struct stat st;

    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0600);
    submit(store, 1);
    pid_t pid = fork();
    if (pid == 0)
        _exit(store_open(path, &err) == NULL && errno == EBUSY ? 0 : 1);
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    store_close(store);
}
END_TEST

START_TEST(test_refuses_foreign_files)
{
    struct ckpt_err err;
    FILE *f = fopen(path, "w");

    fputs("this is a letter and no queue; it is long enough to be one\n", f);
    fclose(f);
    ck_assert_ptr_null(store_open(path, &err));
    ck_assert_int_eq(errno, EPROTO);
}
END_TEST

static int count_jobs(const struct job *job, void *arg)
{
    uint64_t *sum = arg;
    sum[0]++;
    sum[1] = job->id;
    ck_assert_str_eq(job->spec.owner, "ada");
    return 0;
}

START_TEST(test_submit_survives)
{
    struct store *store = open_store();
    uint64_t first = submit(store, 3), sum[2] = {0, 0};
    const struct store_filter idle = {.state = JOB_IDLE,
                                      .order = STORE_BY_PRIO};
    struct job job;

    ck_assert_uint_eq(first, 1);
    store_close(store);
    store = open_store();
    ck_assert_int_eq(store_get(store, 3, &job, NULL), 0);
    ck_assert_str_eq(job.spec.args[1], "2");
    ck_assert_str_eq(job.spec.env[1], "B=");
    ck_assert_int_eq(job.state, JOB_IDLE);
    ck_assert_int_eq(job.prio, 2);
    ck_assert_ptr_null(job.spec.in);
    job_clear(&job);
    ck_assert_int_eq(store_each(store, &idle, count_jobs, sum, NULL), 0);
    ck_assert_uint_eq(sum[0], 3);
    ck_assert_uint_eq(submit(store, 1), 4);
    ck_assert_int_eq(store_get(store, 99, &job, NULL), -1);
    ck_assert_int_eq(errno, ENOENT);
    store_close(store);
}
END_TEST

static int count_entries(const struct job_entry *entry, void *arg)
{
    uint64_t *seen = arg;
    seen[0]++;
    seen[1] = entry->seq;
    return 0;
}

START_TEST(test_life_of_a_job)
{
    struct store *store = open_store();
    uint64_t id = submit(store, 1), seen[2] = {0, 0}, sum[2] = {0, 0};
    const struct store_filter queue = {.table = STORE_QUEUE};
    const struct store_filter history = {.table = STORE_HISTORY};
    struct job job;
    struct ckpt_err err;

    apply(store, id, JOB_EV_MATCHED);
    apply(store, id, JOB_EV_STARTED);
    apply(store, id, JOB_EV_CHECKPOINTED);
    ck_assert_int_eq(store_set_prio(store, id, -5, &err), 0);
    ck_assert_int_eq(
        store_apply(store, id, JOB_EV_RELEASE, NULL, 1, NULL, NULL, &err), -1);
    ck_assert_int_eq(errno, EINVAL);
    apply(store, id, JOB_EV_EXITED);
    ck_assert_int_eq(store_set_prio(store, id, 1, &err), -1);
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_int_eq(store_get(store, id, &job, &err), 0);
    ck_assert_int_eq(job.state, JOB_COMPLETED);
    ck_assert_int_eq(job.prio, -5);
    ck_assert_uint_eq(job.epoch, 1);
    ck_assert_uint_eq(job.image_size, 9);
    job_clear(&job);
    store_each(store, &queue, count_jobs, sum, NULL);
    ck_assert_uint_eq(sum[0], 0);
    store_each(store, &history, count_jobs, sum, NULL);
    ck_assert_uint_eq(sum[0], 1);
    ck_assert_int_eq(store_entries(store, id, count_entries, seen, &err), 0);
    ck_assert_uint_eq(seen[0], 5);
    seen[0] = 0;
    ck_assert_int_eq(store_unlogged(store, 3, count_entries, seen, &err), 0);
    ck_assert_uint_eq(seen[0], 3);
    ck_assert_int_eq(store_logged(store, seen[1], &err), 0);
    ck_assert_int_eq(store_unlogged(store, 9, count_entries, seen, &err), 0);
    ck_assert_uint_eq(seen[0], 5);
    store_close(store);
}
END_TEST

START_TEST(test_batch)
{
    struct store *store = open_store();
    uint32_t counts[JOB_STATE_COUNT];
    uint64_t id = submit(store, 2);

    ck_assert_int_eq(store_begin(store, NULL), 0);
    apply(store, id, JOB_EV_MATCHED);
    ck_assert_int_eq(
        store_apply(store, id, JOB_EV_RELEASE, NULL, 1, NULL, NULL, NULL), -1);
    apply(store, id + 1, JOB_EV_MATCHED);
    ck_assert_int_eq(store_commit(store, NULL), 0);
    ck_assert_int_eq(store_count(store, counts, NULL), 0);
    ck_assert_uint_eq(counts[JOB_STARTING], 2);
    store_begin(store, NULL);
    apply(store, id, JOB_EV_STARTED);
    store_rollback(store);
    store_count(store, counts, NULL);
    ck_assert_uint_eq(counts[JOB_STARTING], 2);
    store_close(store);
}
END_TEST

/* Entries of a job are a path through the table that ends in its state. */
static int follow(const struct job_entry *entry, void *arg)
{
    enum job_state *state = arg;

    ck_assert_int_eq(entry->from, *state);
    ck_assert_int_eq(job_next(entry->from, entry->event), entry->to);
    *state = entry->to;
    return 0;
}

/* No space: the change is refused whole, and later ones work again. */
START_TEST(test_full_disk)
{
    struct store *store = open_store();
    const struct job_detail d = {.station = "s1", .generation = 1};
    struct rlimit old, small;
    struct ckpt_err err;
    uint64_t id = submit(store, 1);
    enum job_state state = JOB_NONE;
    struct stat st;
    struct job job;
    int failed = 0;

    apply(store, id, JOB_EV_MATCHED);
    apply(store, id, JOB_EV_STARTED);
    strcat(path, "-wal");
    ck_assert_int_eq(stat(path, &st), 0);
    path[strlen(path) - 4] = '\0';
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = (rlim_t)st.st_size + 30000;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (int i = 0; i < 100; i++)
        if (store_apply(store, id, JOB_EV_CHECKPOINTED, &d, 5, NULL, NULL,
                        &err)) {
            ck_assert(errno == ENOSPC || errno == EIO);
            failed++;
        }
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    ck_assert_int_gt(failed, 0);
    apply(store, id, JOB_EV_EVICTED);
    ck_assert_int_eq(store_get(store, id, &job, NULL), 0);
    ck_assert_int_eq(store_entries(store, id, follow, &state, NULL), 0);
    ck_assert_int_eq(state, job.state);
    ck_assert_int_eq(state, JOB_IDLE);
    job_clear(&job);
    store_close(store);
}
END_TEST

/* --- kill -9 ------------------------------------------------------------- */

/* Drives jobs through their lives for ever; says on `fd` after each change
 * that returned what must not be lost: the number of changes done. */
static void writer(int fd)
{
    static const enum job_event life[] = {
        JOB_EV_MATCHED, JOB_EV_STARTED, JOB_EV_CHECKPOINTED, JOB_EV_EVICTED,
        JOB_EV_MATCHED, JOB_EV_STARTED, JOB_EV_EXITED};
    struct store *store = store_open(path, NULL);
    const struct job_detail d = {.station = "s1", .generation = 1};

    if (!store)
        _exit(1);
    for (;;) {
        uint64_t id = submit(store, 2);
        if (write(fd, "ss", 2) != 2)
            _exit(0);
        for (size_t i = 0; i < sizeof life / sizeof life[0]; i++) {
            if (store_apply(store, id, life[i], &d, 5, NULL, NULL, NULL))
                _exit(2);
            if (write(fd, "e", 1) != 1)
                _exit(0);
        }
    }
}

struct seen {
    uint64_t events;
};

static int entry_count(const struct job_entry *entry, void *arg)
{
    (void)entry;
    ((struct seen *)arg)->events++;
    return 0;
}

static uint64_t check_all(struct store *store)
{
    struct seen seen = {0};
    struct job job;
    uint64_t id;

    for (id = 1; store_get(store, id, &job, NULL) == 0; id++) {
        enum job_state state = JOB_NONE;
        ck_assert_int_eq(store_entries(store, id, follow, &state, NULL), 0);
        ck_assert_int_eq(state, job.state);
        store_entries(store, id, entry_count, &seen, NULL);
        job_clear(&job);
    }
    ck_assert_uint_eq(id % 2, 1); /* submissions of two are whole */
    return seen.events;
}

START_TEST(test_kill_nine)
{
    uint64_t promised = 0;

    store_close(open_store());
    for (int round = 0; round < 25; round++) {
        int fds[2], status;
        char buf[4096];
        ssize_t n;
        ck_assert_int_eq(pipe(fds), 0);
        pid_t pid = fork();
        if (pid == 0) {
            close(fds[0]);
            writer(fds[1]);
        }
        close(fds[1]);
        struct timespec nap = {0, (rand() % 60 + 1) * 1000000L};
        nanosleep(&nap, NULL);
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        ck_assert(WIFSIGNALED(status));
        while ((n = read(fds[0], buf, sizeof buf)) > 0)
            promised += (uint64_t)n;
        close(fds[0]);
        struct store *store = open_store();
        uint64_t kept = check_all(store);
        ck_assert_uint_ge(kept, promised);
        promised = kept; /* one change may be done and not yet said */
        store_close(store);
    }
    ck_assert_uint_gt(promised, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store");
    TCase *tc = tcase_create("store");

    tcase_add_checked_fixture(tc, make_dir, remove_dir);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_private_and_alone);
    tcase_add_test(tc, test_refuses_foreign_files);
    tcase_add_test(tc, test_submit_survives);
    tcase_add_test(tc, test_life_of_a_job);
    tcase_add_test(tc, test_batch);
    tcase_add_test(tc, test_full_disk);
    tcase_add_test(tc, test_kill_nine);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
