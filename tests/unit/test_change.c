/* test_change.c - several jobs change one file
 *
 * Each job's shadow has a journal and a struct change of its own.  What one
 * of them appends is never written over by another, or twice, and what others
 * wrote between a job's own changes is not cut off without a word.
 */
#include "lib/undo/journal.h"
#include "shadow/change.h"
#include "tests/unit/run_tests.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char top[64], file[80];
static struct ckpt_err err;
static int conflicts;

static void on_conflict(void *arg, const char *text)
{
    (void)arg;
    fprintf(stderr, "conflict: %s\n", text);
    conflicts++;
}

static void setup(void)
{
    strcpy(top, "/tmp/ckpt-change-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(top));
    snprintf(file, sizeof file, "%s/file", top);
    conflicts = 0;
}

static void teardown(void)
{
    char command[100];

    snprintf(command, sizeof command, "rm -rf %s", top);
    ck_assert_int_eq(system(command), 0);
}

/* --- a job ---------------------------------------------------------------- */

struct job {
    char dir[80];
    struct journal_config config;
    struct journal *journal;
    struct change *change;
    int fd;
};

static void job_begin(struct job *job, const char *name, bool sync)
{
    snprintf(job->dir, sizeof job->dir, "%s/%s", top, name);
    ck_assert_int_eq(mkdir(job->dir, 0700), 0);
    job->config = (struct journal_config){
        .dir = job->dir, .sync = sync, .conflict = on_conflict};
    ck_assert_int_eq(journal_rollback(&job->config, 0, &err), 0);
    job->journal = journal_open(&job->config, 0, &err);
    ck_assert_ptr_nonnull(job->journal);
    job->change = change_create(job->journal);
    job->fd = open(file, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    ck_assert_int_ge(job->fd, 0);
}

static void job_end(struct job *job)
{
    close(job->fd);
    journal_close(job->journal);
    change_destroy(job->change);
}

static off_t job_append(struct job *job, const char *text)
{
    return change_write(job->change, job->fd, text, strlen(text), -1);
}

static void content_is(const char *expected)
{
    char text[200];
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, text, sizeof text - 1);

    close(fd);
    ck_assert_int_ge((int)n, 0);
    text[n] = '\0';
    ck_assert_str_eq(text, expected);
}

/* --- tests ---------------------------------------------------------------- */

enum { JOBS = 3, LINES = 300 };

static void append_lines(int number)
{
    struct job job;
    char line[32];

    snprintf(line, sizeof line, "job%d", number);
    job_begin(&job, line, true);
    for (int i = 0; i < LINES; i++) {
        snprintf(line, sizeof line, "%d %04d\n", number, i);
        if (i % 50 == 0) { /* notes are made durable, which takes a while */
            uint32_t segment;
            ck_assert_int_eq(journal_begin(job.journal, &segment, &err), 0);
        }
        off_t end = job_append(&job, line);
        char back[8] = "";
        ck_assert_int_eq(pread(job.fd, back, 7, end - 7), 7);
        ck_assert_str_eq(back, line);
    }
    job_end(&job);
}

START_TEST(lines_that_several_append_are_all_there)
{
    int next[JOBS] = {0}, number, line;
    pid_t pids[JOBS];

    for (int i = 0; i < JOBS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            append_lines(i);
            _exit(0);
        }
    }
    for (int i = 0; i < JOBS; i++) {
        int status;
        ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
        ck_assert_int_eq(status, 0);
    }
    FILE *in = fopen(file, "re");
    while (fscanf(in, "%d %d\n", &number, &line) == 2)
        ck_assert_int_eq(line, next[number]++);
    ck_assert(feof(in));
    fclose(in);
    for (int i = 0; i < JOBS; i++)
        ck_assert_int_eq(next[i], LINES);
}
END_TEST

START_TEST(what_others_append_is_not_cut_off_silently)
{
    struct job one, other;

    job_begin(&one, "one", false);
    job_begin(&other, "other", false);
    ck_assert_int_eq(job_append(&one, "1\n"), 2);
    ck_assert_int_eq(job_append(&other, "2\n"), 4);
    ck_assert_int_eq(job_append(&one, "3\n"), 6);
    job_end(&one);
    job_end(&other);
    ck_assert_int_eq(journal_rollback(&one.config, 0, &err), 0);
    ck_assert_int_eq(conflicts, 1);
    content_is("");
}
END_TEST

START_TEST(own_changes_are_no_conflict)
{
    static const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 2}};
    struct job job;

    job_begin(&job, "one", false);
    int other = open(file, O_RDWR | O_CLOEXEC);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_gt(job_append(&job, "line\n"), 0);
        ck_assert_int_eq(change_write(job.change, other, "x", 1, 20), 21);
        ck_assert_int_eq(change_truncate(job.change, other, 7), 0);
        ck_assert_int_eq(change_fallocate(job.change, job.fd, 0, 0, 50), 0);
        ck_assert_int_eq(change_mode(job.change, job.fd, 0640), 0);
        ck_assert_int_eq(change_times(job.change, job.fd, times), 0);
    }
    close(other);
    job_end(&job);
    ck_assert_int_eq(journal_rollback(&job.config, 0, &err), 0);
    ck_assert_int_eq(conflicts, 0);
    content_is("");
}
END_TEST

/* The shadow was killed after the note was made: `before` the append, in the
 * middle, or when it was done, and others went on. */
static void again(const char *before, const char *after)
{
    struct job job;
    struct note note = {.again = true, .offset = 2};

    job_begin(&job, "one", false);
    ck_assert_int_eq(job_append(&job, before), (int)strlen(before));
    note_make(&note, NOTE_APPEND);
    change_note(job.change, &note);
    (void)job_append(&job, "mine\n");
    content_is(after);
    job_end(&job);
}

START_TEST(again_when_it_was_not_begun)
{
    again("1\n", "1\nmine\n");
}
END_TEST

START_TEST(again_in_the_middle)
{
    again("1\nmi", "1\nmine\n");
}
END_TEST

START_TEST(again_when_it_was_done)
{
    again("1\nmine\n2\n", "1\nmine\n2\n");
}
END_TEST

START_TEST(again_when_others_were_there)
{
    again("1\n2\n", "1\n2\nmine\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("change");
    TCase *tcase = tcase_create("one file");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, lines_that_several_append_are_all_there);
    tcase_add_test(tcase, what_others_append_is_not_cut_off_silently);
    tcase_add_test(tcase, own_changes_are_no_conflict);
    tcase_add_test(tcase, again_when_it_was_not_begun);
    tcase_add_test(tcase, again_in_the_middle);
    tcase_add_test(tcase, again_when_it_was_done);
    tcase_add_test(tcase, again_when_others_were_there);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
