/* test_file_sink.c - there is a good image at every moment, whatever fails
 *
 * The gate of system calls is replaced (-Wl,--wrap=ckpt_gate): the nth call
 * fails, or the process dies at it.
 */
#include "lib/arch/x86_64.h"
#include "tests/unit/image_sample.h"
#include "tests/unit/run_tests.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

long __real_ckpt_gate(long nr, long a, long b, long c, long d, long e, long f);
long __wrap_ckpt_gate(long nr, long a, long b, long c, long d, long e, long f);

enum fault { FAULT_NONE, FAULT_ERROR, FAULT_DIE_BEFORE, FAULT_DIE_AFTER };
static enum fault fault;
static int fault_at, fault_errno, calls;
static bool no_links;

/* Calls that change something; the others cannot matter. */
static bool changes(long nr, long flags)
{
    switch (nr) {
    case SYS_openat:
        return flags & O_CREAT;
    case SYS_pwrite64:
    case SYS_io_submit:
    case SYS_fallocate:
    case SYS_ftruncate:
    case SYS_write:
    case SYS_fsync:
    case SYS_renameat:
    case SYS_renameat2:
    case SYS_linkat:
    case SYS_unlinkat:
        return true;
    default:
        return false;
    }
}

/* What was done, in order: (w)ritten, a file or (d)irectory made durable,
 * (r)enamed. */
static char trace[1000];
static size_t traced;

static char sync_letter(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) ? 'd' : 'f';
}

static void note(long nr, int fd)
{
    char letter = 0;

    if (nr == SYS_write || nr == SYS_pwrite64 || nr == SYS_io_submit)
        letter = 'w';
    else if (nr == SYS_fsync)
        letter = sync_letter(fd);
    else if (nr == SYS_renameat || nr == SYS_renameat2)
        letter = 'r';
    if (letter && traced < sizeof trace - 1)
        trace[traced++] = letter;
}

long __wrap_ckpt_gate(long nr, long a, long b, long c, long d, long e, long f)
{
    note(nr, (int)a);
    bool now = fault != FAULT_NONE && changes(nr, c) && ++calls == fault_at;

    if (now && fault == FAULT_DIE_BEFORE)
        _exit(9);
    if (now && fault == FAULT_ERROR)
        return -fault_errno;
    if (no_links && nr == SYS_linkat)
        return -EPERM;
    long result = __real_ckpt_gate(nr, a, b, c, d, e, f);
    if (now && fault == FAULT_DIE_AFTER)
        _exit(9);
    return result;
}

static char *dir;
static char path[4200];
static struct sample old, new;

static void setup(void)
{
    dir = sample_dir_make();
    snprintf(path, sizeof path, "%s", sample_path(dir, "image"));
    sample_make(&old, 1, 4, 3);
    sample_make(&new, 2, 4, 3);
    fault = FAULT_NONE;
    no_links = false;
}

static void teardown(void)
{
    sample_clear(&old);
    sample_clear(&new);
    sample_dir_remove(dir);
}

static int put(const struct sample *s, unsigned keep)
{
    struct ckpt_err err = {""};

    calls = 0;
    int rc = sample_write_file(s, path, keep, CKPT_CODEC_NONE, &err);
    ck_assert_msg((rc < 0) == (err.text[0] != '\0'), "%s", err.text);
    return rc;
}

static void put_ok(const struct sample *s, unsigned keep)
{
    fault = FAULT_NONE;
    ck_assert_int_eq(put(s, keep), 0);
}

static const char *generation(unsigned i)
{
    static char name[8][4300];

    if (i == 0)
        return path;
    snprintf(name[i], sizeof name[i], "%s.%u", path, i);
    return name[i];
}

static void check_generations(unsigned newest, unsigned count)
{
    struct sample s;

    for (unsigned i = 0; i < count; i++) {
        sample_make(&s, newest - i, 4, 3);
        ck_assert_msg(sample_is_at(&s, generation(i)), "image %u at .%u",
                      newest - i, i);
        sample_clear(&s);
    }
    ck_assert_uint_eq(sample_dir_count(dir), count);
}

static void put_numbered(unsigned number, unsigned keep)
{
    struct sample s;

    sample_make(&s, number, 4, 3);
    put_ok(&s, keep);
    sample_clear(&s);
}

START_TEST(keeps_as_many_as_asked)
{
    unsigned keep = (unsigned)_i % 5;

    no_links = _i >= 5;
    for (unsigned n = 1; n <= 7; n++) {
        put_numbered(n, keep);
        unsigned want = keep == 0 ? 1 : keep;
        check_generations(n, n < want ? n : want);
    }
}
END_TEST

/* Bytes, then the name, then the directory: the order in which they must
 * reach the disk. */
START_TEST(durable_before_it_has_its_name)
{
    unsigned keep = _i ? 3 : 1;

    put_ok(&old, keep);
    traced = 0;
    put_ok(&new, keep);
    trace[traced] = '\0';
    const char *written = strrchr(trace, 'w'), *file = strrchr(trace, 'f'),
               *named = strrchr(trace, 'r'), *directory = strrchr(trace, 'd');
    ck_assert_msg(written && file && named && directory, "%s", trace);
    ck_assert_msg(written < file && file < named && named < directory, "%s",
                  trace);
}
END_TEST

/* Fail the nth call until nothing fails any more. */
START_TEST(errors_leave_the_previous_image)
{
    static const int errnums[] = {ENOSPC, EIO};
    unsigned keep = _i % 2 ? 3 : 1;
    bool done = false;

    no_links = _i >= 4;
    for (int n = 1; !done; n++) {
        put_ok(&old, keep);
        fault = FAULT_ERROR;
        fault_at = n;
        fault_errno = errnums[_i / 2 % 2];
        int rc = put(&new, keep);
        done = calls < n;
        bool is_new = sample_is_at(&new, path);
        ck_assert_msg(is_new || (rc < 0 && sample_is_at(&old, path)),
                      "no good image after failure %d", n);
        ck_assert_msg(!done || (rc == 0 && is_new), "failure %d", n);
        if (rc < 0 && !no_links)
            ck_assert_uint_le(sample_dir_count(dir), keep);
        ck_assert_int_lt(n, 100);
    }
}
END_TEST

static void die_at(enum fault how, int n, unsigned keep)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        fault = how;
        fault_at = n;
        struct ckpt_err err;
        calls = 0;
        _exit(sample_write_file(&new, path, keep, CKPT_CODEC_NONE, &err) ? 1
                                                                         : 0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    calls = WEXITSTATUS(status);
}

/* Die before or after the nth call. */
START_TEST(death_leaves_a_good_image)
{
    unsigned keep = _i % 2 ? 3 : 1;
    bool done = false;

    for (int n = 1; !done; n++) {
        put_ok(&old, keep);
        die_at(_i / 2 ? FAULT_DIE_AFTER : FAULT_DIE_BEFORE, n, keep);
        done = calls == 0;
        ck_assert_msg(sample_is_at(&old, path) || sample_is_at(&new, path),
                      "no good image after death %d", n);
        put_ok(&new, keep);
        ck_assert(sample_is_at(&new, path));
        ck_assert_uint_le(sample_dir_count(dir), keep); /* no remains */
        ck_assert_int_lt(n, 100);
    }
}
END_TEST

START_TEST(remains_of_the_living_stay)
{
    char name[4300];

    snprintf(name, sizeof name, "%s.tmp.%d", path, (int)getppid());
    close(open(name, O_WRONLY | O_CREAT, 0600));
    snprintf(name, sizeof name, "%s.tmp.notes", path);
    close(open(name, O_WRONLY | O_CREAT, 0600));
    put_ok(&old, 1);
    ck_assert_uint_eq(sample_dir_count(dir), 3);
}
END_TEST

START_TEST(links_are_not_followed)
{
    char name[4300];

    snprintf(name, sizeof name, "%s.tmp.%d", path, (int)getpid());
    ck_assert_int_eq(symlink(sample_path(dir, "elsewhere"), name), 0);
    put_ok(&old, 1);
    ck_assert(access(sample_path(dir, "elsewhere"), F_OK) != 0);
    ck_assert(sample_is_at(&old, path));
}
END_TEST

START_TEST(directories_are_refused)
{
    struct ckpt_file_sink sink;
    struct ckpt_err err;

    ck_assert_int_eq(ckpt_file_sink_open(&sink, dir, 1, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "not a regular file"));
    ck_assert_int_eq(
        ckpt_file_sink_open(&sink, sample_path(dir, "no/where"), 1, &err), -1);
    ck_assert_int_eq(errno, ENOENT);
}
END_TEST

/* --- many slots: what is in flight fails, too ------------------------------
 */

enum { STREAM_LEN = (11 << 20) + 12345 };

static int write_stream(const uint8_t *bytes)
{
    struct ckpt_file_sink sink;
    struct ckpt_err err;
    size_t len, piece = 1;

    calls = 0;
    if (ckpt_file_sink_open(&sink, path, 1, &err) < 0)
        return -1;
    for (size_t at = 0; at < STREAM_LEN; at += len) {
        piece = (piece * 7 + 4099) % (3 << 20);
        len = STREAM_LEN - at < piece ? STREAM_LEN - at : piece;
        if (sink.sink.write(&sink.sink, bytes + at, len, &err) < 0)
            break;
    }
    if (sink.stream.offset == STREAM_LEN &&
        sink.sink.commit(&sink.sink, &err) == 0)
        return 0;
    sink.sink.abort(&sink.sink);
    return -1;
}

static bool file_is(const uint8_t *bytes)
{
    static uint8_t buf[STREAM_LEN + 1];
    FILE *f = fopen(path, "r");

    size_t n = f ? fread(buf, 1, sizeof buf, f) : 0;
    if (f)
        fclose(f);
    return n == STREAM_LEN && memcmp(buf, bytes, n) == 0;
}

START_TEST(long_files_are_whole_or_not_there)
{
    static uint8_t bytes[STREAM_LEN];
    bool done = false;

    for (size_t i = 0; i < STREAM_LEN; i++)
        bytes[i] = (uint8_t)(i * 2654435761u >> 13);
    for (int n = 1; !done; n++) {
        unlink(path);
        fault = FAULT_ERROR;
        fault_at = n;
        fault_errno = _i ? EINVAL : EIO;
        int rc = write_stream(bytes);
        done = calls < n;
        ck_assert_msg(rc < 0 || file_is(bytes), "failure %d", n);
        ck_assert_msg(!done || rc == 0, "failure %d", n);
        ck_assert_uint_eq(sample_dir_count(dir),
                          access(path, F_OK) == 0 ? 1 : 0);
        ck_assert_int_lt(n, 100);
    }
}
END_TEST

static Suite *sink_suite(void)
{
    Suite *suite = suite_create("file sink");
    TCase *tc = tcase_create("file sink");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, keeps_as_many_as_asked, 0, 10);
    tcase_add_loop_test(tc, durable_before_it_has_its_name, 0, 2);
    tcase_add_loop_test(tc, errors_leave_the_previous_image, 0, 8);
    tcase_add_loop_test(tc, death_leaves_a_good_image, 0, 4);
    tcase_add_test(tc, remains_of_the_living_stay);
    tcase_add_test(tc, links_are_not_followed);
    tcase_add_test(tc, directories_are_refused);
    tcase_add_loop_test(tc, long_files_are_whole_or_not_there, 0, 2);
    suite_add_tcase(suite, tc);
    return suite;
}

int main(void)
{
    return run_suite(sink_suite());
}
