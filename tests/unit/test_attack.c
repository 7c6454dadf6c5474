/* test_attack.c - what somebody can try against a shadow
 *
 * Strangers without the token, peers with a recorded handshake, and the job
 * itself (or the owner of its station, who holds the token), which wants more
 * than it was granted.
 */
#include "tests/unit/run_tests.h"
#include "tests/unit/shadow_client.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

static const char secret[] = "secret";

static int raw_connect(int type)
{
    char host[JOBDIR_HOST_MAX];
    uint16_t port;
    struct sockaddr_in to = {.sin_family = AF_INET};

    ck_assert_int_eq(jobdir_addr_read(job, host, &port, &err), 0);
    to.sin_port = htons(port);
    ck_assert_int_eq(inet_pton(AF_INET, host, &to.sin_addr), 1);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | type, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) < 0 &&
        errno != EINPROGRESS) {
        close(fd);
        return -1;
    }
    return fd;
}

/* The job and its session are as they were: a call is answered. */
static void is_served(struct client *client)
{
    ck_assert_int_eq(stat_file(client, ".", true), 0);
}

static int64_t open_ok(struct client *client, const char *path, int flags)
{
    int64_t handle = open_file(client, path, flags);

    ck_assert_msg(handle >= 0, "%s: %s", path, strerror((int)-handle));
    return handle;
}

static void prepare(void)
{
    put_file(path_in(other, "secret"), secret);
    put_file(path_in(work, "public"), "public");
    ck_assert_int_eq(mkdir(path_in(work, "dir"), 0700), 0);
    put_file(path_in(work, "dir/secret"), "public");
}

static void give(const char *path, const char *options)
{
    char text[256];

    snprintf(text, sizeof text, "%s %s", options, path);
    ck_assert_int_eq(jobspec_grant_text(&spec, text), 0);
}

/* --- strangers ------------------------------------------------------------ */

/* The first message of a real job, as somebody who listens has it. */
static void record_hello(uint8_t hello[64])
{
    struct ckpt_boot boot = {.job = spec.job, .epoch = spec.epoch};
    uint8_t prologue[CKPT_BOOT_PROLOGUE_LEN];
    int ends[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        void *channel = aligned_alloc(64, (ckpt_channel_size() + 63) & ~63UL);
        size_t len = ckpt_boot_prologue(&boot, prologue);
        ckpt_channel_connect(channel, ends[1], token, prologue, len, 5000,
                             &err);
        _exit(0);
    }
    close(ends[1]);
    ck_assert_int_eq((int)recv(ends[0], hello, 64, MSG_WAITALL), 64);
    close(ends[0]);
    waitpid(pid, NULL, 0);
}

START_TEST(a_recorded_handshake_leads_nowhere)
{
    uint8_t hello[64], answer[128], call[256] = {0, 0, 0, 240, 1};

    start_shadow();
    struct client job_client = client_new(SHADOW_ROLE_JOB);
    record_hello(hello);
    for (int i = 0; i < 20; i++) {
        int fd = raw_connect(0);
        ck_assert_int_eq((int)send(fd, hello, sizeof hello, 0), 64);
        ck_assert_int_eq((int)recv(fd, answer, 64, MSG_WAITALL), 64);
        send(fd, call, sizeof call, MSG_NOSIGNAL);
        ck_assert_int_le((int)recv(fd, answer, sizeof answer, MSG_WAITALL), 64);
        close(fd);
    }
    ck_assert(log_has("refused"));
    is_served(&job_client);
    cut(&job_client);
}
END_TEST

START_TEST(an_older_epoch_and_a_wrong_token_are_refused)
{
    struct client old = {0};

    start_shadow();
    end_shadow(SIGKILL);
    start_shadow();
    struct client job_client = client_new(SHADOW_ROLE_JOB);
    ck_assert_int_eq(connect_as(&old, spec.epoch - 1), -1);
    ck_assert_int_eq(errno, EACCES);
    ck_assert_int_eq(connect_as(&old, spec.epoch + 1), -1);
    token[31] ^= 0x80;
    ck_assert_int_eq(connect_as(&old, spec.epoch), -1);
    ck_assert_int_eq(errno, EACCES);
    is_served(&job_client);
    cut(&job_client);
}
END_TEST

static long rss_kb(void)
{
    char path[64];
    long size, resident;

    snprintf(path, sizeof path, "/proc/%d/statm", shadow_pid);
    FILE *in = fopen(path, "re");
    ck_assert(in && fscanf(in, "%ld %ld", &size, &resident) == 2);
    fclose(in);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* 10,000, or as many descriptors as we may have. */
START_TEST(half_open_connections_cost_little_and_stop_nobody)
{
    enum { MANY = 10000 };
    struct rlimit limit;
    static int fds[MANY];
    int count = 0;

    start_shadow();
    struct client job_client = client_new(SHADOW_ROLE_JOB);
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    long before = rss_kb();
    int64_t slowest = 0;
    while (count < MANY && (fds[count] = raw_connect(SOCK_NONBLOCK)) >= 0) {
        if (count % 3 == 0) /* some say something, and stop */
            (void)!send(fds[count], "ckptch", 6, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (++count % 500 == 0) {
            int64_t from = now_ms();
            is_served(&job_client);
            int64_t took = now_ms() - from;
            slowest = took > slowest ? took : slowest;
        }
    }
    printf("%d half-open connections: shadow grew by %ld KB, slowest call of "
           "the job %lld ms\n",
           count, rss_kb() - before, (long long)slowest);
    ck_assert_int_gt(count, 500);
    ck_assert_int_lt(rss_kb() - before, 16384);
    is_served(&job_client);
    /* The job loses its connection, and comes in again between them. */
    cut(&job_client);
    ck_assert_int_eq(connect_as(&job_client, spec.epoch), 0);
    ck_assert_int_eq(bind_as(&job_client, SHADOW_ROLE_JOB), 0);
    is_served(&job_client);
    cut(&job_client);
    while (count > 0)
        close(fds[--count]);
}
END_TEST

/* --- whoever has the token --------------------------------------------------
 */

START_TEST(malformed_records_cost_one_connection)
{
    static const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4};
    static const uint8_t junk[] = {0x80, 0, 0, 40, 0, 0, 0, 1, 0, 0, 0, 0};
    uint8_t noise[512];

    start_shadow();
    for (int i = 0; i < 60; i++) {
        struct client bad = client_new(SHADOW_ROLE_STARTER);
        const void *what = i % 3 == 0 ? huge : i % 3 == 1 ? junk : noise;
        size_t len = i % 3 == 0   ? sizeof huge
                     : i % 3 == 1 ? sizeof junk
                                  : sizeof noise;
        for (size_t k = 0; k < sizeof noise; k++)
            noise[k] = (uint8_t)((k + 1) * 2654435761u >> (i % 24));
        struct iovec piece = {(void *)(uintptr_t)what, len};
        ck_assert_int_eq(ckpt_channel_writev(bad.channel, &piece, 1), 0);
        (void)ckpt_channel_flush(bad.channel);
        cut(&bad);
    }
    struct client good = client_new(SHADOW_ROLE_JOB);
    is_served(&good);
    ck_assert_int_lt(rss_kb(), 64 << 10);
    cut(&good);
}
END_TEST

START_TEST(nothing_but_files_below_the_grants_is_opened)
{
    static const char *const outside[] = {
        "../other/secret",
        "dir/../../other/secret",
        "dir/../dir/../../other/secret",
        "./../other/secret",
        "link/secret",
        "file-link",
        "up/other/secret",
        "root/etc/passwd",
        "proc/self/"
        "root"
        "/etc/passwd",
        "cwd-link",
        "fd-link",
        "/proc/self/environ",
        "/proc/1/root",
        "/dev/null",
        "/dev/zero",
        "null-link",
        "loop",
    };
    struct sockaddr_un to = {.sun_family = AF_UNIX};

    prepare();
    ck_assert_int_eq(symlink(other, path_in(work, "link")), 0);
    ck_assert_int_eq(symlink("../other/secret", path_in(work, "file-link")), 0);
    ck_assert_int_eq(symlink("..", path_in(work, "up")), 0);
    ck_assert_int_eq(symlink("/", path_in(work, "root")), 0);
    ck_assert_int_eq(symlink("/proc", path_in(work, "proc")), 0);
    ck_assert_int_eq(symlink("/proc/self/cwd", path_in(work, "cwd-link")), 0);
    ck_assert_int_eq(symlink("/proc/self/fd/3", path_in(work, "fd-link")), 0);
    ck_assert_int_eq(symlink("/dev/null", path_in(work, "null-link")), 0);
    ck_assert_int_eq(symlink("loop", path_in(work, "loop")), 0);
    ck_assert_int_eq(mkfifo(path_in(work, "fifo"), 0600), 0);
    int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(to.sun_path, sizeof to.sun_path, "%s/socket", work);
    ck_assert_int_eq(bind(sock, (struct sockaddr *)&to, sizeof to), 0);
    give(work, "rw");
    start_shadow();
    struct client client = client_new(SHADOW_ROLE_JOB);
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        int64_t rc = open_file(&client, outside[i], O_RDONLY);
        ck_assert_msg(rc == -EACCES || rc == -ELOOP, "%s: %lld", outside[i],
                      (long long)rc);
        rc = open_file(&client, outside[i], O_RDWR | O_CREAT);
        ck_assert_msg(rc < 0, "%s: opened for writing", outside[i]);
    }
    ck_assert_int_eq(open_file(&client, "fifo", O_RDONLY), -ENXIO);
    ck_assert_int_eq(open_file(&client, "fifo", O_RDWR), -ENXIO);
    ck_assert_int_eq(open_file(&client, "socket", O_RDWR), -ENXIO);
    if (geteuid() == 0 &&
        mknod(path_in(work, "device"), S_IFCHR | 0600, 1 << 8 | 3) == 0)
        ck_assert_int_eq(open_file(&client, "device", O_RDWR), -ENXIO);
    ck_assert_str_eq(get_file(path_in(other, "secret")), secret);
    is_served(&client);
    close(sock);
    cut(&client);
}
END_TEST

static int two_names(struct client *client, const char *from, const char *to,
                     bool hard)
{
    shadow_two_paths_args args = {at(from), at(to), 0};
    shadow_status_res res = {0};

    ck_assert_int_eq(hard ? shadow_link_1(&args, &res, next(client))
                          : shadow_rename_1(&args, &res, next(client)),
                     RPC_SUCCESS);
    return res.status;
}

START_TEST(names_do_not_carry_files_out_of_read_only_grants)
{
    char path[256];

    prepare();
    give(work, "rw");
    give(other, "ro");
    start_shadow();
    struct client client = client_new(SHADOW_ROLE_JOB);
    snprintf(path, sizeof path, "%s/secret", other);
    ck_assert_int_eq(two_names(&client, path, "mine", true), EROFS);
    ck_assert_int_eq(two_names(&client, path, "mine", false), EROFS);
    ck_assert_int_eq(two_names(&client, "public", path, false), EROFS);
    ck_assert_int_eq(unlink_file(&client, path), EROFS);
    ck_assert_int_eq(open_file(&client, path, O_RDWR), -EROFS);
    ck_assert_int_eq(open_file(&client, path, O_RDONLY | O_TRUNC), -EROFS);
    ck_assert_str_eq(get_file(path), secret);
    /* of the job's own directory nothing can be had */
    snprintf(path, sizeof path, "%s/session", job);
    ck_assert_int_eq(open_file(&client, path, O_RDONLY), -EACCES);
    cut(&client);
}
END_TEST

/* Somebody at home, in league with the job, changes names as fast as can be. */
static void swap_names(void)
{
    char race[128], hide[128], link[128];

    snprintf(race, sizeof race, "%s/race", work);
    snprintf(hide, sizeof hide, "%s/hide", work);
    snprintf(link, sizeof link, "%s/swap", work);
    for (;;) {
        syscall(SYS_renameat2, AT_FDCWD, race, AT_FDCWD, link,
                2 /* RENAME_EXCHANGE */);
        syscall(SYS_renameat2, AT_FDCWD, race, AT_FDCWD, hide, 0);
        syscall(SYS_renameat2, AT_FDCWD, hide, AT_FDCWD, race, 0);
    }
}

START_TEST(races_of_names_lead_nowhere)
{
    char data[64];
    int opened = 0, refused = 0;
    shadow_read_args args = {.count = 32};
    shadow_handle_args done = {0};
    shadow_status_res status;

    prepare();
    ck_assert_int_eq(mkdir(path_in(work, "race"), 0700), 0);
    put_file(path_in(work, "race/secret"), "public");
    ck_assert_int_eq(symlink(other, path_in(work, "swap")), 0);
    give(work, "rw");
    start_shadow();
    struct client client = client_new(SHADOW_ROLE_JOB);
    pid_t racer = fork();
    if (racer == 0)
        swap_names();
    for (int i = 0; i < 3000; i++) {
        int64_t handle =
            open_file(&client, i % 2 ? "race/secret" : "race/../race/secret",
                      i % 3 ? O_RDONLY : O_RDWR);
        if (handle < 0) {
            refused++;
            continue;
        }
        opened++;
        shadow_read_res res = {.shadow_read_res_u.ok.data = {0, NULL}};
        res.shadow_read_res_u.ok.data.shadow_data_val = data;
        args.handle = done.handle = (uint32_t)handle;
        ck_assert_int_eq(shadow_read_1(&args, &res, next(&client)),
                         RPC_SUCCESS);
        ck_assert_int_eq(res.status, 0);
        ck_assert_msg(memcmp(data, "public", 6) == 0, "the race was won");
        shadow_close_1(&done, &status, next(&client));
    }
    kill(racer, SIGKILL);
    waitpid(racer, NULL, 0);
    printf("%d times opened, %d times refused, never outside\n", opened,
           refused);
    ck_assert_str_eq(get_file(path_in(other, "secret")), secret);
    cut(&client);
}
END_TEST

static uint64_t used(void)
{
    struct stat st;
    uint64_t sum = 0;

    for (const char *const *name =
             (const char *const[]){"a", "b", "public", "prog", "out", NULL};
         *name; name++)
        if (stat(path_in(work, *name), &st) == 0)
            sum += (uint64_t)st.st_size;
    return sum;
}

/* Of the grants that hold a file the one that is nearest to it counts. */
START_TEST(the_nearest_grant_counts)
{
    static const char *const outer[] = {"ro", "rw"}, *const inner[] = {"rw",
                                                                       "ro"};

    prepare();
    if (_i & 2) { /* in either order */
        give(path_in(work, "dir"), inner[_i & 1]);
        give(work, outer[_i & 1]);
    } else {
        give(work, outer[_i & 1]);
        give(path_in(work, "dir"), inner[_i & 1]);
    }
    start_shadow();
    struct client client = client_new(SHADOW_ROLE_JOB);
    int64_t out = open_file(&client, "public", O_RDWR);
    int64_t in = open_file(&client, "dir/secret", O_RDWR);
    ck_assert_msg(_i & 1 ? out >= 0 : out < 0, "outer: %ld", (long)out);
    ck_assert_msg(_i & 1 ? in < 0 : in >= 0, "inner: %ld", (long)in);
    open_ok(&client, "public", O_RDONLY);
    open_ok(&client, "dir/secret", O_RDONLY);
    cut(&client);
}
END_TEST

static int set_size(struct client *client, int64_t handle, uint64_t size)
{
    shadow_ftruncate_args args = {(uint32_t)handle, size};
    shadow_status_res res = {0};

    ck_assert_int_eq(shadow_ftruncate_1(&args, &res, next(client)),
                     RPC_SUCCESS);
    return res.status;
}

START_TEST(a_limit_holds)
{
    enum { LIMIT = 100000, PART = 3000 };
    static char part[PART];
    shadow_status_res status = {0};
    int full = 0;

    prepare();
    give(work, "rw,limit=100000");
    start_shadow();
    struct client client = client_new(SHADOW_ROLE_JOB);
    int64_t a = open_ok(&client, "a", O_RDWR | O_CREAT);
    int64_t b = open_ok(&client, "b", O_RDWR | O_CREAT);
    for (int i = 0; i < 60; i++) {
        shadow_write_args args = {.handle = (uint32_t)(i % 2 ? a : b),
                                  .append = i % 3 == 0,
                                  .offset = (uint64_t)i * 2000};
        shadow_write_res res = {0};
        args.data = (shadow_data){PART, part};
        ck_assert_int_eq(shadow_write_1(&args, &res, next(&client)),
                         RPC_SUCCESS);
        ck_assert(res.status == 0 || res.status == EDQUOT);
        full += res.status == EDQUOT;
        ck_assert_uint_le(used(), LIMIT);
    }
    ck_assert_int_gt(full, 0);
    ck_assert_int_eq(set_size(&client, a, 1ull << 40), EDQUOT);
    shadow_fallocate_args more = {(uint32_t)a, 0, 0, 1ull << 40};
    ck_assert_int_eq(shadow_fallocate_1(&more, &status, next(&client)),
                     RPC_SUCCESS);
    ck_assert_int_eq(status.status, EDQUOT);
    more.offset = 1ull << 62;
    more.len = 1ull << 62;
    ck_assert_int_eq(shadow_fallocate_1(&more, &status, next(&client)),
                     RPC_SUCCESS);
    ck_assert_int_ne(status.status, 0);
    /* what has no name any more still counts */
    ck_assert_int_eq(unlink_file(&client, "a"), 0);
    ck_assert_int_eq(set_size(&client, b, LIMIT - 1000), EDQUOT);
    ck_assert_uint_le(used(), LIMIT);
    /* what is given back can be used again */
    struct stat st;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/b", work);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_gt(st.st_size, 2 * PART);
    ck_assert_int_eq(set_size(&client, b, 0), 0);
    ck_assert_int_eq(set_size(&client, b, (uint64_t)st.st_size), 0);
    ck_assert_int_eq(set_size(&client, b, LIMIT), EDQUOT);
    cut(&client);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("attack");
    TCase *tests = tcase_create("attack");

    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_recorded_handshake_leads_nowhere);
    tcase_add_test(tests, an_older_epoch_and_a_wrong_token_are_refused);
    tcase_add_test(tests, half_open_connections_cost_little_and_stop_nobody);
    tcase_add_test(tests, malformed_records_cost_one_connection);
    tcase_add_test(tests, nothing_but_files_below_the_grants_is_opened);
    tcase_add_test(tests, names_do_not_carry_files_out_of_read_only_grants);
    tcase_add_test(tests, races_of_names_lead_nowhere);
    tcase_add_loop_test(tests, the_nearest_grant_counts, 0, 4);
    tcase_add_test(tests, a_limit_holds);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
