/* test_journal.c - after a roll-back the files are what they were
 *
 * A seed gives a sequence of operations.  A child carries them out and is
 * killed (or ends) somewhere; a roll-back, itself killed a few times, follows;
 * the tree must then look exactly like the snapshot of when its interval
 * began.  CKPT_TEST_SEED and CKPT_TEST_RUNS replay and lengthen.
 */
#include "lib/undo/segment.h"
#include "lib/undo/undo.h"
#include "shadow/change.h"
#include "shadow/jobdir.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char top[64], job[128], tree[128];
static const char *tree_base; /* on another file system, or NULL */
static const char *job_base;  /* the same for the journal */
static struct ckpt_err err;
static int conflicts;

static void on_conflict(void *arg, const char *text)
{
    (void)arg;
    fprintf(stderr, "conflict: %s\n", text);
    conflicts++;
}

static struct journal_config config;

static void setup(void)
{
    strcpy(top, "/tmp/ckpt-journal-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(top));
    snprintf(job, sizeof job, "%s/job", top);
    snprintf(tree, sizeof tree, "%s/tree", top);
    if (job_base) {
        snprintf(job, sizeof job, "%s/ckpt-job-XXXXXX", job_base);
        ck_assert_ptr_nonnull(mkdtemp(job));
    } else {
        ck_assert_int_eq(mkdir(job, 0700), 0);
    }
    if (tree_base) {
        snprintf(tree, sizeof tree, "%s/ckpt-tree-XXXXXX", tree_base);
        ck_assert_ptr_nonnull(mkdtemp(tree));
    } else {
        ck_assert_int_eq(mkdir(tree, 0700), 0);
    }
    config = (struct journal_config){.dir = job, .conflict = on_conflict};
    conflicts = 0;
}

static void teardown(void)
{
    char command[600];

    snprintf(command, sizeof command, "chmod -R u+rwx %s %s; rm -rf %s %s %s",
             top, tree, top, tree, job);
    ck_assert_int_eq(system(command), 0);
}

/* --- snapshots ---------------------------------------------------------------
 */

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void describe_file(FILE *out, int fd, const struct stat *st)
{
    unsigned char buf[4096];
    unsigned long sum = 5381;
    ssize_t n;

    while ((n = read(fd, buf, sizeof buf)) > 0)
        for (ssize_t i = 0; i < n; i++)
            sum = sum * 33 + buf[i];
    fprintf(out, " size %ld sum %lx mtime %ld.%09ld", (long)st->st_size, sum,
            (long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
}

static void describe(FILE *out, int dirfd, const char *name, const char *path)
{
    struct stat st;
    char link[256];
    struct dirent **list;

    ck_assert_int_eq(fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
    fprintf(out, "%s mode %o", path, st.st_mode);
    if (S_ISLNK(st.st_mode)) {
        ssize_t n = readlinkat(dirfd, name, link, sizeof link);
        fprintf(out, " -> %.*s\n", (int)n, link);
        return;
    }
    int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    if (S_ISREG(st.st_mode))
        describe_file(out, fd, &st);
    fputc('\n', out);
    if (S_ISDIR(st.st_mode)) {
        int n = scandirat(fd, ".", &list, NULL, by_name);
        for (int i = 0; i < n; i++) {
            char below[512];
            snprintf(below, sizeof below, "%s/%s", path, list[i]->d_name);
            if (strcmp(list[i]->d_name, ".") && strcmp(list[i]->d_name, ".."))
                describe(out, fd, list[i]->d_name, below);
            free(list[i]);
        }
        free(list);
    }
    close(fd);
}

static char *snapshot(void)
{
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    describe(out, AT_FDCWD, tree, "");
    fclose(out);
    return text;
}

/* --- random operations --- */

static unsigned long state;

static unsigned pick(unsigned below)
{
    state = state * 6364136223846793005UL + 1442695040888963407UL;
    return (unsigned)(state >> 33) % below;
}

static int open_at(const char *path, const char **name)
{
    static char dir[PATH_MAX];

    snprintf(dir, sizeof dir, "%s/%s", tree, path);
    char *slash = strrchr(dir, '/');
    *slash = '\0';
    *name = slash + 1;
    return open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static const char *const paths[] = {"a",   "b",   "c",     "d/a",   "d/b",
                                    "d/e", "e/a", "e/d/a", "f/a/b", "f/a",
                                    "f",   "d",   "e",     "e/d",   "l"};
enum { PATHS = sizeof paths / sizeof paths[0] };

static void one_write(struct change *change, int fd)
{
    static char data[100000];
    struct stat st;

    fstat(fd, &st);
    size_t len = pick(4) ? 1 + pick(3000) : 1 + pick(sizeof data);
    memset(data, (int)('a' + pick(26)), len);
    off_t at = pick(2) ? -1 : (off_t)pick((unsigned)st.st_size + 20000);
    change_write(change, fd, data, len, at);
}

static void on_file(struct change *change, int dirfd, const char *name)
{
    int flags = O_RDWR | (pick(2) ? O_CREAT : 0) | (pick(5) ? 0 : O_TRUNC);
    struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = pick(100000)}};
    int fd = change_open(change, dirfd, name, flags, 0640);

    if (fd < 0)
        return;
    for (unsigned n = pick(4); n > 0; n--) {
        switch (pick(6)) {
        default:
            one_write(change, fd);
            break;
        case 0:
            change_truncate(change, fd, (off_t)pick(120000));
            break;
        case 1:
            change_mode(change, fd, pick(2) ? 0600 : 0644);
            break;
        case 2:
            change_times(change, fd, times);
            break;
        case 3:
            change_fallocate(change, fd, pick(2) ? 0 : 3, pick(50000),
                             1 + pick(50000));
            break;
        }
    }
    close(fd);
}

static void one_operation(struct change *change)
{
    const char *path = paths[pick(PATHS)], *other = paths[pick(PATHS)];
    const char *name, *to;
    int dirfd = open_at(path, &name), other_dirfd = open_at(other, &to);

    if (dirfd >= 0 && other_dirfd >= 0) {
        /* open_at() keeps the last name only */
        name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
        switch (pick(10)) {
        default:
            on_file(change, dirfd, name);
            break;
        case 0:
            change_unlink(change, dirfd, name, false);
            break;
        case 1:
            change_unlink(change, dirfd, name, true);
            break;
        case 2:
            change_mkdir(change, dirfd, name, 0750);
            break;
        case 3:
        case 4:
            change_rename(change, dirfd, name, other_dirfd, to, 0);
            break;
        case 5:
            if (!tree_base && !job_base) /* see journal.h */
                change_link(change, dirfd, name, other_dirfd, to);
            break;
        case 6:
            change_symlink(change, other, dirfd, name);
            break;
        }
    }
    if (dirfd >= 0)
        close(dirfd);
    if (other_dirfd >= 0)
        close(other_dirfd);
}

/* --- a run --- */

/* Ends by a signal after a random time when `kill_it`. */
static void in_child(void (*body)(void *arg), void *arg, bool kill_it)
{
    pid_t pid = fork();

    if (pid == 0) {
        body(arg);
        _exit(0);
    }
    if (kill_it) {
        struct timespec pause = {.tv_nsec = pick(3000) * 1000};
        nanosleep(&pause, NULL);
        kill(pid, SIGKILL);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
}

/* Begins at segment *arg, changes things. */
static void work(void *arg)
{
    struct journal *journal = journal_open(&config, *(uint32_t *)arg, &err);
    if (!journal)
        _exit(1);
    struct change *change = change_create(journal);
    for (unsigned n = 5 + pick(60); n > 0; n--) {
        one_operation(change);
        const char *why = change_error(change);
        if (why) {
            fprintf(stderr, "change: %s\n", why);
            _exit(2);
        }
    }
    journal_close(journal);
    change_destroy(change);
}

static void go_back(void *arg)
{
    if (journal_rollback(&config, *(uint32_t *)arg, &err) < 0) {
        fprintf(stderr, "roll-back: %s\n", err.text);
        _exit(1);
    }
    /* After copies a file may be taken for changed by others: a copy too many
     * in conflicts/, and no harm. */
    if (conflicts && !tree_base && !job_base)
        _exit(3);
}

static unsigned next_segment(void)
{
    uint32_t *numbers;
    size_t count;

    ck_assert_int_eq(segment_list(job, &numbers, &count, &err), 0);
    unsigned next = count ? numbers[count - 1] + 1 : 0;
    free(numbers);
    return next;
}

static void expect_tree(const char *wanted, unsigned long seed)
{
    char *now = snapshot();

    ck_assert_msg(strcmp(now, wanted) == 0, "seed %lu: wanted\n%s\ngot\n%s",
                  seed, wanted, now);
    free(now);
}

/* Two intervals, then back over the second, then over the first. */
static void one_run(unsigned long seed)
{
    uint32_t first = 0, second;

    state = seed * 2654435761UL + 1;
    setup();
    work(&first); /* something to begin with */
    ck_assert_int_eq(system(NULL) != 0, 1);
    struct journal *journal = journal_open(&config, next_segment(), &err);
    ck_assert_ptr_nonnull(journal);
    ck_assert_int_eq(journal_discard(journal, &err), 0);
    journal_close(journal);

    char *before = snapshot();
    first = next_segment();
    in_child(work, &first, pick(2));
    char *between = snapshot();
    second = next_segment();
    pick(7); /* the parent's sequence is not the child's */
    in_child(work, &second, pick(2));
    for (unsigned kills = pick(3); kills > 0; kills--)
        in_child(go_back, &second, true);
    in_child(go_back, &second, false);
    expect_tree(between, seed);
    for (unsigned kills = pick(3); kills > 0; kills--)
        in_child(go_back, &first, true);
    in_child(go_back, &first, false);
    expect_tree(before, seed);
    free(before);
    free(between);
    teardown();
}

static unsigned long number(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);

    return text ? strtoul(text, NULL, 10) : otherwise;
}

START_TEST(random_sequences_are_undone)
{
    unsigned long seed = number("CKPT_TEST_SEED", 1);
    unsigned long runs = number("CKPT_TEST_RUNS", 300);

    for (unsigned long i = 0; i < runs; i++)
        one_run(seed + i);
}
END_TEST

static bool has_two_file_systems(void)
{
    struct stat here, there;

    if (stat("/tmp", &here) == 0 && stat("/dev/shm", &there) == 0 &&
        here.st_dev != there.st_dev && access("/dev/shm", W_OK) == 0)
        return true;
    puts("test_journal: /dev/shm is no other file system: not tried there");
    return false;
}

/* Where inodes cannot be linked they are copied; the number of one that is
 * gone may be used again (not by tmpfs, so both ways round). */
START_TEST(also_on_another_file_system)
{
    unsigned long seed = number("CKPT_TEST_SEED", 1);
    unsigned long runs = number("CKPT_TEST_RUNS", 300) / 3;

    if (!has_two_file_systems())
        return;
    for (unsigned long i = 0; i < runs; i++) {
        tree_base = i % 2 ? "/dev/shm" : NULL;
        job_base = i % 2 ? NULL : "/dev/shm";
        one_run(seed + i);
    }
    tree_base = job_base = NULL;
}
END_TEST

/* --- particular cases --- */

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

int main(void)
{
    Suite *suite = suite_create("journal");
    TCase *cases = tcase_create("cases"), *random = tcase_create("random");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, a_change_by_others_is_kept_and_reported);
    tcase_add_test(cases, a_damaged_log_is_refused);
    tcase_add_test(cases, a_lost_interval_is_refused);
    tcase_add_test(cases, links_of_the_journal_do_not_show);
    tcase_add_test(cases, a_renaming_is_undone_twice);
    tcase_add_test(cases, a_number_that_is_used_again_is_not_the_file);
    tcase_add_test(cases, a_copy_without_a_name_is_not_the_file);
    tcase_set_timeout(random, 600);
    tcase_add_test(random, random_sequences_are_undone);
    tcase_add_test(random, also_on_another_file_system);
    suite_add_tcase(suite, cases);
    suite_add_tcase(suite, random);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
