/* test_pace.c - shadows that share one line (shadow/pace.h) */
#include "shadow/pace.h"
#include "tests/unit/run_tests.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PIECES = 12, PIECE = 100000, RATE = 2000000 };

static char dir[] = "/tmp/ckpt-pace.XXXXXX";
static int dirfd_;

static void make_dir(void)
{
    ck_assert_ptr_nonnull(mkdtemp(dir));
    dirfd_ = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(dirfd_, 0);
}

static void remove_dir(void)
{
    unlinkat(dirfd_, "pace", 0);
    rmdir(dir);
}

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double passes_s(struct pace *pace, unsigned pieces, unsigned *done)
{
    double begin = now_s();

    for (unsigned i = 0; i < pieces; i++) {
        pace_wait(pace, PIECE);
        ++*done;
    }
    return now_s() - begin;
}

START_TEST(one_job_keeps_to_its_own_limit)
{
    struct pace pace;
    unsigned done = 0;

    make_dir();
    ck_assert_int_eq(pace_open(&pace, RATE, 0, dirfd_, "pace", NULL), 0);
    ck_assert_int_ne(faccessat(dirfd_, "pace", F_OK, 0), 0);
    /* the first does not wait */
    ck_assert(passes_s(&pace, PIECES, &done) >=
              (PIECES - 1) * (double)PIECE / RATE);
    remove_dir();
}
END_TEST

/* The one that was there first is not ahead by more than it had passed before
 * the other one came, and a few. */
START_TEST(two_jobs_share_the_line_in_turns)
{
    unsigned *done = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    double begin = now_s();
    unsigned other_at_end;
    int status;

    make_dir();
    pid_t child = fork();
    unsigned self = child == 0;
    struct pace pace;
    ck_assert_int_eq(pace_open(&pace, 0, RATE, dirfd_, "pace", NULL), 0);
    while (done[1 - self] == 0 && now_s() - begin < 5) {
        pace_wait(&pace, PIECE);
        done[self]++;
    }
    passes_s(&pace, PIECES, &done[self]);
    other_at_end = done[1 - self];
    if (child == 0)
        _exit(other_at_end + 4 >= PIECES ? 0 : 1);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_ge(other_at_end + 4, PIECES);
    /* together no more than the line lets pass */
    ck_assert(now_s() - begin >=
              (done[0] + done[1] - 2) * (double)PIECE / RATE);
    remove_dir();
}
END_TEST

START_TEST(a_moment_of_another_boot_does_not_count)
{
    int64_t far = INT64_MAX / 2;
    struct pace pace;
    unsigned done = 0;

    make_dir();
    int fd = openat(dirfd_, "pace", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_eq((int)write(fd, &far, sizeof far), (int)sizeof far);
    close(fd);
    ck_assert_int_eq(pace_open(&pace, 0, RATE, dirfd_, "pace", NULL), 0);
    ck_assert(passes_s(&pace, 2, &done) < 4);
    remove_dir();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        one_job_keeps_to_its_own_limit, two_jobs_share_the_line_in_turns,
        a_moment_of_another_boot_does_not_count, NULL};

    return run_tests("pace", tests);
}
