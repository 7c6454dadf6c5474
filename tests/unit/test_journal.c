/* test_journal.c - what a roll-back does in particular cases
 *
 * test_journal_random.c tries the others.
 */
#include "lib/undo/segment.h"
#include "lib/undo/undo.h"
#include "shadow/change.h"
#include "tests/unit/journal_tree.h"
#include "tests/unit/run_tests.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int tree_fd(void)
{
    int fd = open(tree, O_PATH | O_DIRECTORY | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    return fd;
}

static void write_plain(const char *name, const char *text)
{
    int dirfd = tree_fd();
    int fd =
        openat(dirfd, name, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_eq((int)write(fd, text, strlen(text)), (int)strlen(text));
    close(fd);
    close(dirfd);
}

static void write_journaled(struct journal *journal, const char *name,
                            const char *text)
{
    struct change *change = change_create(journal);
    int dirfd = tree_fd();
    int fd =
        change_open(change, dirfd, name, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(change_write(change, fd, text, strlen(text), 0),
                     (int)strlen(text));
    close(fd);
    close(dirfd);
    change_destroy(change);
}

START_TEST(a_change_by_others_is_kept_and_reported)
{
    write_plain("f", "original");
    ck_assert_int_eq(journal_rollback(&config, 0, &err), 0);
    struct journal *journal = journal_open(&config, 0, &err);
    write_journaled(journal, "f", "the job's");
    write_journaled(journal, "g", "the job's, too");
    write_journaled(journal, "h", "untouched");
    journal_close(journal);
    write_plain("f", "somebody else's");
    write_plain("g", "somebody else's, longer than that");
    ck_assert_int_eq(journal_rollback(&config, 0, &err), 0);
    ck_assert_int_eq(conflicts, 2);
    char path[256], text[32] = "";
    snprintf(path, sizeof path, "%s/conflicts/0-0-f", job);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq((int)read(fd, text, sizeof text), 15);
    ck_assert_str_eq(text, "somebody else's");
    close(fd);
    snprintf(path, sizeof path, "%s/f", tree);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    memset(text, 0, sizeof text);
    ck_assert_int_eq((int)read(fd, text, sizeof text), 8);
    ck_assert_str_eq(text, "original");
    close(fd);
}
END_TEST

/* Overwrite bytes of a log at `offset` from its first BLOCK-less end. */
static void damage_log(off_t offset)
{
    char path[256];

    snprintf(path, sizeof path, "%s/journal/0/log", job);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq((int)pwrite(fd, "\377\377", 2, offset), 2);
    close(fd);
}

START_TEST(a_damaged_log_is_refused)
{
    write_plain("f", "original");
    ck_assert_int_eq(journal_rollback(&config, 0, &err), 0);
    struct journal *journal = journal_open(&config, 0, &err);
    write_journaled(journal, "f", "the job's");
    write_journaled(journal, "g", "the job's, too");
    journal_close(journal);
    damage_log(40); /* in the first record */
    ck_assert_int_eq(journal_rollback(&config, 0, &err), -1);
    ck_assert_int_eq(errno, EPROTO);
    ck_assert_ptr_nonnull(strstr(err.text, "damaged"));
}
END_TEST

START_TEST(a_lost_interval_is_refused)
{
    ck_assert_int_eq(journal_rollback(&config, 0, &err), 0);
    struct journal *journal = journal_open(&config, 0, &err);
    uint32_t number_now;
    write_journaled(journal, "f", "1");
    ck_assert_int_eq(journal_begin(journal, &number_now, &err), 0);
    ck_assert_uint_eq(number_now, 1);
    ck_assert_int_eq(journal_begin(journal, &number_now, &err), 0);
    ck_assert_uint_eq(number_now, 1);
    write_journaled(journal, "f", "2");
    ck_assert_int_eq(journal_prune(journal, 1, &err), 0);
    journal_close(journal);
    ck_assert_int_eq(journal_rollback(&config, 0, &err), -1);
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_int_eq(journal_rollback(&config, 1, &err), 0);
}
END_TEST

START_TEST(links_of_the_journal_do_not_show)
{
    struct stat st;
    char path[256];

    write_plain("f", "x");
    ck_assert_int_eq(journal_rollback(&config, 0, &err), 0);
    struct journal *journal = journal_open(&config, 0, &err);
    struct change *change = change_create(journal);
    int dirfd = tree_fd();
    ck_assert_int_eq(change_rename(change, dirfd, "f", dirfd, "g", 0), 0);
    snprintf(path, sizeof path, "%s/g", tree);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_nlink - journal_links(journal, &st), 1);
    close(dirfd);
    change_destroy(change);
    journal_close(journal);
}
END_TEST

/* The roll-back may be killed between the renaming back of a directory, when
 * the segment's names mean something else again, and the segment's removal. */
START_TEST(a_renaming_is_undone_twice)
{
    char path[256], text[32] = "";

    int dirfd = tree_fd();
    ck_assert_int_eq(mkdirat(dirfd, "d", 0700), 0);
    write_plain("d/a", "original");
    write_plain("d/b", "untouched");
    ck_assert_int_eq(journal_rollback(&config, 0, &err), 0);
    struct journal *journal = journal_open(&config, 0, &err);
    struct change *change = change_create(journal);
    ck_assert_int_eq(change_rename(change, dirfd, "d", dirfd, "e", 0), 0);
    int moved = openat(dirfd, "e", O_PATH | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_eq(change_unlink(change, moved, "a", false), 0);
    ck_assert_int_eq(change_mkdir(change, dirfd, "d", 0700), 0);
    int other = openat(dirfd, "d", O_PATH | O_DIRECTORY | O_CLOEXEC);
    close(change_open(change, other, "b", O_CREAT | O_RDWR, 0600));
    journal_close(journal);
    change_destroy(change);
    for (int i = 0; i < 2; i++)
        ck_assert_msg(segment_undo(&config, 1, &err) == 0, "%s", err.text);
    ck_assert_int_eq(journal_rollback(&config, 0, &err), 0);
    ck_assert_int_eq(conflicts, 0);
    snprintf(path, sizeof path, "%s/d/a", tree);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq((int)read(fd, text, sizeof text), 8);
    ck_assert_str_eq(text, "original");
    ck_assert_int_eq(faccessat(dirfd, "d/b", F_OK, 0), 0);
    ck_assert_int_lt(faccessat(dirfd, "e", F_OK, 0), 0);
    close(fd);
    close(other);
    close(moved);
    close(dirfd);
}
END_TEST

/* Make `name` with the inode number that was just freed.  False: the file
 * system does not use it again. */
static bool make_with_number(struct change *change, int dirfd, const char *name,
                             ino_t ino)
{
    struct stat st;

    for (int i = 0; i < 200; i++) {
        int fd =
            change_open(change, dirfd, name, O_CREAT | O_EXCL | O_RDWR, 0600);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fstat(fd, &st), 0);
        ck_assert_int_eq(change_write(change, fd, "another", 7, 0), 7);
        close(fd);
        if (st.st_ino == ino)
            return true;
        ck_assert_int_eq(change_rename(change, dirfd, name, dirfd, "aside", 0),
                         0);
    }
    return false;
}

/* The file that was removed is kept as a copy on the journal's file system;
 * another gets its name and its number. */
START_TEST(a_number_that_is_used_again_is_not_the_file)
{
    char path[256], text[32] = "";
    struct stat st;

    teardown();
    if (!has_two_file_systems())
        return;
    job_base = "/dev/shm";
    setup();
    write_plain("a", "original");
    ck_assert_int_eq(journal_rollback(&config, 0, &err), 0);
    struct journal *journal = journal_open(&config, 0, &err);
    struct change *change = change_create(journal);
    int dirfd = tree_fd();
    ck_assert_int_eq(fstatat(dirfd, "a", &st, 0), 0);
    ck_assert_int_eq(change_unlink(change, dirfd, "a", false), 0);
    bool again = make_with_number(change, dirfd, "a", st.st_ino);
    journal_close(journal);
    change_destroy(change);
    if (!again)
        puts("test_journal: inode numbers are not used again here");
    for (int i = 0; i < 2; i++) {
        ck_assert_msg(segment_undo(&config, 0, &err) == 0, "%s", err.text);
        snprintf(path, sizeof path, "%s/a", tree);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        memset(text, 0, sizeof text);
        ck_assert_int_eq((int)read(fd, text, sizeof text), 8);
        ck_assert_str_eq(text, "original");
        close(fd);
    }
    close(dirfd);
    teardown();
    job_base = NULL;
    setup();
}
END_TEST

/* Killed after the copy was made and before the name was noted, so before the
 * file could be removed. */
START_TEST(a_copy_without_a_name_is_not_the_file)
{
    char path[256], text[32] = "";

    write_plain("f", "original");
    ck_assert_int_eq(journal_rollback(&config, 0, &err), 0);
    struct journal *journal = journal_open(&config, 0, &err);
    write_journaled(journal, "f", "the job's");
    journal_close(journal);
    snprintf(path, sizeof path, "%s/journal/0/kept.1", job);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ck_assert_int_eq((int)write(fd, "the j", 5), 5);
    close(fd);
    ck_assert_int_eq(journal_rollback(&config, 0, &err), 0);
    ck_assert_int_eq(conflicts, 0);
    snprintf(path, sizeof path, "%s/f", tree);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq((int)read(fd, text, sizeof text), 8);
    ck_assert_str_eq(text, "original");
    close(fd);
}
END_TEST

/* --- durability --- */

static char at_sync[32]; /* what f held when the journal was made durable */
static int syncs;

/* Stands before libc's: the journal calls it. */
int fdatasync(int fd)
{
    char path[256];

    snprintf(path, sizeof path, "%s/f", tree);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    memset(at_sync, 0, sizeof at_sync);
    if (file >= 0) {
        (void)!read(file, at_sync, sizeof at_sync - 1);
        close(file);
    }
    syncs++;
    return (int)syscall(SYS_fdatasync, fd);
}

/* What a file was is on the disk before the file is changed. */
START_TEST(the_record_is_durable_before_the_change)
{
    write_plain("f", "original");
    config.sync = true;
    ck_assert_int_eq(journal_rollback(&config, 0, &err), 0);
    struct journal *journal = journal_open(&config, 0, &err);
    syncs = 0;
    write_journaled(journal, "f", "the job's");
    ck_assert_int_ge(syncs, 1);
    ck_assert_str_eq(at_sync, "original");
    journal_close(journal);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("journal");
    TCase *cases = tcase_create("cases");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, a_change_by_others_is_kept_and_reported);
    tcase_add_test(cases, a_damaged_log_is_refused);
    tcase_add_test(cases, a_lost_interval_is_refused);
    tcase_add_test(cases, links_of_the_journal_do_not_show);
    tcase_add_test(cases, a_renaming_is_undone_twice);
    tcase_add_test(cases, a_number_that_is_used_again_is_not_the_file);
    tcase_add_test(cases, a_copy_without_a_name_is_not_the_file);
    tcase_add_test(cases, the_record_is_durable_before_the_change);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
