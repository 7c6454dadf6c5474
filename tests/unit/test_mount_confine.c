/* test_mount_confine.c - what ckpt-mount cannot do once it serves */
#include "mount/confine.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- each in a child: 0, or the number of what was wrong --- */

static int refused(long rc, int errnum)
{
    return rc == -1 && errno == errnum;
}

static int others_files(void)
{
    struct ckpt_err err;
    char byte;
    int open_fd = open("/etc/passwd", O_RDONLY);

    if (confine_files(&err) < 0)
        return 1;
    if (!refused(open("/etc/passwd", O_RDONLY), EACCES))
        return 2;
    if (!refused(open("/tmp", O_RDONLY | O_DIRECTORY), EACCES))
        return 3;
    if (!refused(mkdir("/tmp/ckpt-test-confine", 0700), EACCES))
        return 4;
    return read(open_fd, &byte, 1) == 1 ? 0 : 5;
}

static int other_calls(void)
{
    struct ckpt_err err;
    char byte, *argv[] = {NULL};

    if (confine_calls(&err) < 0)
        return 1;
    if (!refused(open("/etc/passwd", O_RDONLY), EPERM))
        return 2;
    if (!refused(syscall(SYS_fork), EPERM))
        return 3;
    if (!refused(execve("/bin/true", argv, argv), EPERM))
        return 4;
    if (!refused(socket(AF_UNIX, SOCK_STREAM, 0), EPERM))
        return 5;
    if (!refused(kill(getppid(), 0), EPERM))
        return 6;
    if (!refused(unlink("/tmp/ckpt-test-confine"), EPERM))
        return 7;
    if (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
             0) != MAP_FAILED)
        return 8;
    if (!refused(syscall(SYS_prlimit64, 1, RLIMIT_NOFILE, NULL, NULL), EPERM))
        return 9;
    return read(-1, &byte, 1) == -1 && errno == EBADF ? 0 : 10;
}

static int what_serving_takes(void)
{
    struct ckpt_err err;
    int ends[2];
    char byte;

    if (pipe(ends) < 0 || confine_calls(&err) < 0)
        return 1;
    if (write(ends[1], "x", 1) != 1 || read(ends[0], &byte, 1) != 1)
        return 2;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || close(fd) < 0)
        return 3;
    void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at != MAP_FAILED && munmap(at, 4096) == 0 ? 0 : 4;
}

static int pipe_fd[2];

static void *try_to_open(void *go)
{
    char byte;

    if (read(pipe_fd[0], &byte, 1) != 1)
        return go;
    return open("/etc/passwd", O_RDONLY) == -1 && errno == EPERM ? NULL : go;
}

static int other_threads(void)
{
    struct ckpt_err err;
    pthread_t thread;
    void *bad = NULL;

    if (pipe(pipe_fd) < 0 ||
        pthread_create(&thread, NULL, try_to_open, pipe_fd) != 0 ||
        confine_calls(&err) < 0 || write(pipe_fd[1], "x", 1) != 1)
        return 1;
    pthread_join(thread, &bad);
    return bad ? 2 : 0;
}

/* --- */

static int in_child(int (*body)(void))
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        _exit(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? 99 : body());
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

START_TEST(files)
{
    if (syscall(SYS_landlock_create_ruleset, NULL, 0,
                LANDLOCK_CREATE_RULESET_VERSION) > 0)
        ck_assert_int_eq(in_child(others_files), 0);
}
END_TEST

START_TEST(calls)
{
    ck_assert_int_eq(in_child(other_calls), 0);
}
END_TEST

START_TEST(served)
{
    ck_assert_int_eq(in_child(what_serving_takes), 0);
}
END_TEST

START_TEST(threads)
{
    ck_assert_int_eq(in_child(other_threads), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mount_confine");
    TCase *tcase = tcase_create("gives up");

    tcase_add_test(tcase, files);
    tcase_add_test(tcase, calls);
    tcase_add_test(tcase, served);
    tcase_add_test(tcase, threads);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
