/* helper.c - see helper.h */
#include "scheduler/station/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

static int spawn(const char *program, const char *dir, int out)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    char *argv[] = {(char *)"ckpt-input", (char *)dir, NULL};
    char *envp[] = {NULL};
    sigset_t none;
    pid_t pid;

    sigemptyset(&none);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
    int rc = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null",
                                              O_RDONLY, 0);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    if (rc == 0)
        rc = posix_spawn(&pid, program, &files, &attr, argv, envp);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    errno = rc;
    return rc ? -1 : 0;
}

int helper_start(const char *program, const char *dir)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) < 0)
        return -1;
    int rc = spawn(program, dir, fds[1]);
    int saved = errno;
    close(fds[1]);
    if (rc == 0 && fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0)
        return fds[0];
    close(fds[0]);
    errno = saved;
    return -1;
}
