/* test_journal_random.c - after a roll-back the files are what they were
 *
 * A seed gives a sequence of operations.  A child carries them out and is
 * killed (or ends) somewhere; a roll-back, itself killed a few times, follows;
 * the tree must then look exactly like the snapshot of when its interval
 * began.  CKPT_TEST_SEED and CKPT_TEST_RUNS replay and lengthen.
 */
#include "lib/undo/segment.h"
#include "lib/undo/undo.h"
#include "shadow/change.h"
#include "tests/unit/journal_tree.h"
#include "tests/unit/run_tests.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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

int main(void)
{
    const TTest *const tests[] = {random_sequences_are_undone,
                                  also_on_another_file_system, NULL};

    return run_tests_within("journal, random", tests, 600);
}
