/* test_jobdir.c - the job's directory: job.conf, exit, events, images */
#include "shadow/jobdir.h"
#include "tests/unit/run_tests.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];

static void setup(void)
{
    strcpy(dir, "/tmp/ckpt-jobdir-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void teardown(void)
{
    char command[128];

    snprintf(command, sizeof command, "rm -rf %s", dir);
    ck_assert_int_eq(system(command), 0);
}

static struct jobspec example(void)
{
    static char *args[] = {"prog", "", "a b", "100%\n", NULL};
    static char *env[] = {"A=1", "LINES=x\ny", NULL};
    struct jobspec spec;

    jobspec_init(&spec);
    spec.job = 1234567890123;
    spec.epoch = 3;
    spec.user = "someone";
    spec.executable = "/home/someone/prog";
    spec.cwd = "/home/someone";
    spec.out = "/home/someone/out";
    spec.args = args;
    spec.env = env;
    return spec;
}

START_TEST(a_spec_is_read_as_it_was_written)
{
    struct jobspec spec = example(), got;
    struct ckpt_err err;
    struct stat st;

    ck_assert_int_eq(jobspec_grant_add(&spec, "/home/someone", true), 0);
    ck_assert_int_eq(jobspec_grant_add(&spec, "/data/in put", false), 0);
    ck_assert_int_eq(jobspec_write(dir, &spec, &err), 0);
    ck_assert_int_eq(jobspec_read(dir, &got, &err), 0);
    ck_assert_uint_eq(got.job, spec.job);
    ck_assert_uint_eq(got.epoch, 3);
    ck_assert_str_eq(got.out, spec.out);
    ck_assert_ptr_null(got.in);
    for (int i = 0; i < 4; i++)
        ck_assert_str_eq(got.args[i], spec.args[i]);
    ck_assert_ptr_null(got.args[4]);
    ck_assert_str_eq(got.env[1], spec.env[1]);
    ck_assert_uint_eq(got.grant_count, 2);
    ck_assert_str_eq(got.grants[1].path, "/data/in put");
    ck_assert(!got.grants[1].write && got.grants[0].write);
    ck_assert_uint_eq(got.keep_images, 2);
    jobspec_clear(&got);
    for (size_t i = 0; i < spec.grant_count; i++)
        free(spec.grants[i].path);
    free(spec.grants);

    char path[128];
    snprintf(path, sizeof path, "%s/job.conf", dir);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0600);
}
END_TEST

static void expect_refused(const char *text, const char *said)
{
    struct jobspec got;
    struct ckpt_err err = {""};

    ck_assert_int_eq(
        jobdir_file_write(dir, "job.conf", text, strlen(text), &err), 0);
    ck_assert_int_eq(jobspec_read(dir, &got, &err), -1);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_msg(strstr(err.text, said) != NULL, "%s", err.text);
}

START_TEST(a_malformed_spec_is_refused_with_its_line)
{
    expect_refused("", "cut short");
    expect_refused("ckpt-job 2\nend\n", ":1: not a job");
    expect_refused("ckpt-job 1\njob = 1\n", "cut short");
    expect_refused("ckpt-job 1\nfoo = 1\nend\n", ":2: unknown key `foo`");
    expect_refused("ckpt-job 1\njob = 1\njob = 1\nend\n", ":3: `job` given");
    expect_refused("ckpt-job 1\nepoch = -1\nend\n", ":2: bad value");
    expect_refused("ckpt-job 1\nuser = %zz\nend\n", ":2: bad value");
    expect_refused("ckpt-job 1\ngrant = xx /a\nend\n", ":2: bad value");
    expect_refused("ckpt-job 1\njob\nend\n", ":2: not `key");
    expect_refused("ckpt-job 1\nend\nend\n", ":3: malformed end");
    expect_refused("ckpt-job 1\nend\n", "is missing");
}
END_TEST

START_TEST(exit_and_events_come_back)
{
    struct jobexit ended = {.how = JOBEXIT_VACATED,
                            .status = 85,
                            .epoch = 7,
                            .generation = 2,
                            .cpu_usec = 123456789012,
                            .home_cpu_usec = 3,
                            .sent = 1ULL << 40,
                            .received = 5,
                            .text = "owner came back\n100%"},
                   got;
    struct jobevent event = {.time_usec = 1700000000123456,
                             .epoch = 7,
                             .kind = JOBEVENT_CHECKPOINTED,
                             .value = 2,
                             .cpu_usec = 5,
                             .size = 1 << 20,
                             .text = ""},
                    read;
    struct ckpt_err err;
    char line[JOBEVENT_LINE_MAX];

    ck_assert_int_eq(jobexit_read(dir, &got, &err), -1);
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_int_eq(jobexit_write(dir, &ended, &err), 0);
    ck_assert_int_eq(jobexit_read(dir, &got, &err), 0);
    ck_assert_int_eq(got.how, JOBEXIT_VACATED);
    ck_assert_uint_eq(got.cpu_usec, ended.cpu_usec);
    ck_assert_uint_eq(got.home_cpu_usec, ended.home_cpu_usec);
    ck_assert_uint_eq(got.sent, ended.sent);
    ck_assert_uint_eq(got.received, ended.received);
    ck_assert_str_eq(got.text, ended.text);
    ended.text[0] = '\0';
    ck_assert_int_eq(jobexit_write(dir, &ended, &err), 0);
    ck_assert_int_eq(jobexit_read(dir, &got, &err), 0);
    ck_assert_str_eq(got.text, "");
    static const char older[] =
        "ckpt-exit 1\nhow = exited\nstatus = 3\nepoch = 7\ngeneration = 0\n"
        "cpu_usec = 9\ntext = as before\n";
    ck_assert_int_eq(
        jobdir_file_write(dir, "exit", older, sizeof older - 1, &err), 0);
    ck_assert_int_eq(jobexit_read(dir, &got, &err), 0);
    ck_assert_int_eq(got.status, 3);
    ck_assert_uint_eq(got.sent, 0);
    ck_assert_str_eq(got.text, "as before");

    size_t n = jobevent_format(&event, line, sizeof line);
    ck_assert_int_eq(line[n - 1], '\n');
    line[n - 1] = '\0';
    ck_assert_int_eq(jobevent_parse(line, &read), 0);
    ck_assert_int_eq(read.kind, JOBEVENT_CHECKPOINTED);
    ck_assert_uint_eq(read.size, 1 << 20);
    ck_assert_int_eq(jobevent_parse("1 2 nonsense 3 4 5 x", &read), -1);
    ck_assert_int_eq(jobevent_parse("1 2 started", &read), -1);
}
END_TEST

static void touch(const char *name)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void make_dir(const char *name)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    ck_assert_int_eq(mkdir(path, 0700), 0);
}

START_TEST(a_damaged_image_gives_way_to_the_one_before)
{
    struct ckpt_err err;
    struct jobimage image;

    make_dir("images");
    make_dir("journal");
    make_dir("journal/3");
    touch("journal/3/log");
    touch("images/image.3");
    touch("images/image.5");
    ck_assert_int_eq(jobdir_image(dir, &image, &err), 0);
    ck_assert_uint_eq(image.generation, 0);
    ck_assert_int_eq(jobdir_current_write(dir, 5, &err), 0);
    ck_assert_int_eq(jobdir_image(dir, &image, &err), 0);
    ck_assert_uint_eq(image.generation, 5);
    ck_assert_int_eq(jobdir_image_set_aside(dir, &err), 0);
    ck_assert_int_eq(jobdir_image(dir, &image, &err), 0);
    ck_assert_uint_eq(image.generation, 3);
    ck_assert_int_eq(jobdir_image_set_aside(dir, &err), -1);
    ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(the_lock_tells_whether_a_shadow_runs)
{
    struct ckpt_err err;
    char path[128];

    ck_assert_int_eq(jobdir_shadow_pid(dir), 0);
    snprintf(path, sizeof path, "%s/shadow.lock", dir);
    int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(flock(fd, LOCK_EX), 0);
    ck_assert_int_eq(jobdir_shadow_pid(dir), -1);
    ck_assert_int_eq(errno, EAGAIN);
    ck_assert_int_eq((int)write(fd, "77\n", 3), 3);
    ck_assert_int_eq(jobdir_shadow_pid(dir), 77);
    ck_assert_int_eq(jobdir_image_set_aside(dir, &err), -1);
    ck_assert_int_eq(errno, EBUSY);
    close(fd);
    ck_assert_int_eq(jobdir_shadow_pid(dir), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("jobdir");
    TCase *tests = tcase_create("jobdir");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_spec_is_read_as_it_was_written);
    tcase_add_test(tests, a_malformed_spec_is_refused_with_its_line);
    tcase_add_test(tests, exit_and_events_come_back);
    tcase_add_test(tests, a_damaged_image_gives_way_to_the_one_before);
    tcase_add_test(tests, the_lock_tells_whether_a_shadow_runs);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
