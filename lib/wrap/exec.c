/* exec.c - a program that becomes another one stays under checkpointing
 *
 * A shell script that ends in `exec`, or env(1): the settings that were taken
 * out of the environment are given to what the process becomes.  A child is
 * another process, and gets what its parent gave it.
 *
 * The checkpoint signal would end the new program before its libckpt can handle
 * it: it is blocked until then.  A program without libckpt finds it blocked.
 */
#include "lib/wrap/wrap.h"

#include "lib/arch/x86_64.h"
#include "lib/capture/environment.h"
#include "lib/capture/state.h"
#include "lib/common/sys.h"
#include "lib/remote/remote.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PUBLIC __attribute__((visibility("default")))

PUBLIC int execve(const char *path, char *const *argv, char *const *envp);
PUBLIC int execv(const char *path, char *const *argv);
PUBLIC int execvp(const char *file, char *const *argv);
PUBLIC int execvpe(const char *file, char *const *argv, char *const *envp);
PUBLIC int fexecve(int fd, char *const *argv, char *const *envp);
PUBLIC int execl(const char *path, const char *arg, ...);
PUBLIC int execlp(const char *file, const char *arg, ...);
PUBLIC int execle(const char *path, const char *arg, ...);

enum { ARGS_MAX = 1 << 16 };

static struct ckpt_capture_state *const s = &ckpt_capture_state;

static size_t count(char *const *list)
{
    size_t n = 0;

    while (list && list[n])
        n++;
    return n;
}

/* A job in remote mode is refused what does not go past its filter. */
static long call(int dirfd, const char *path, char *const *argv,
                 char *const *envp, int flags)
{
    if (ckpt_remote_active()) {
        if (flags == 0)
            syscall(SYS_execve, path, argv, envp);
        else
            syscall(SYS_execveat, dirfd, path, argv, envp, flags);
        return -errno;
    }
    if (flags == 0)
        return ckpt_program_call(SYS_execve, (long)path, (long)argv, (long)envp,
                                 0, 0, 0);
    return ckpt_program_call(SYS_execveat, dirfd, (long)path, (long)argv,
                             (long)envp, flags, 0);
}

/* Returns -errno, or not at all. */
static long become(int dirfd, const char *path, char *const *argv,
                   char *const *envp, int flags)
{
    size_t n = count(envp) + CKPT_ENVIRONMENT_MAX + 1;

    if ((int32_t)ckpt_sys(SYS_getpid) != s->pid || ckpt_remote_active() ||
        s->environment[0][0] == '\0' || n > ARGS_MAX)
        return call(dirfd, path, argv, envp, flags);
    char *room[n];
    uint64_t own = 1ull << (s->settings.signal - 1), was;
    ckpt_sys(SYS_rt_sigprocmask, SIG_BLOCK, &own, &was, sizeof own);
    long rc =
        call(dirfd, path, argv, ckpt_environment_give(envp, room, n), flags);
    ckpt_sys(SYS_rt_sigprocmask, SIG_SETMASK, &was, NULL, sizeof was);
    return rc;
}

PUBLIC int execve(const char *path, char *const *argv, char *const *envp)
{
    return (int)ckpt_sys_errno(become(AT_FDCWD, path, argv, envp, 0));
}

PUBLIC int execv(const char *path, char *const *argv)
{
    return execve(path, argv, environ);
}

PUBLIC int fexecve(int fd, char *const *argv, char *const *envp)
{
    return (int)ckpt_sys_errno(become(fd, "", argv, envp, AT_EMPTY_PATH));
}

/* --- by the search path --------------------------------------------------- */

/* A file that is no program is a script of the shell. */
static long become_or_shell(const char *path, char *const *argv,
                            char *const *envp)
{
    long rc = become(AT_FDCWD, path, argv, envp, 0);
    size_t n = count(argv);

    if (rc != -ENOEXEC || n > ARGS_MAX)
        return rc;
    const char *shell[n + 3];
    shell[0] = "/bin/sh";
    shell[1] = path;
    shell[2] = NULL;
    for (size_t i = 1; i <= n; i++)
        shell[i + 1] = argv[i];
    return become(AT_FDCWD, shell[0], (char *const *)shell, envp, 0);
}

static bool look_on(long rc)
{
    return rc == -ENOENT || rc == -ENOTDIR || rc == -EACCES || rc == -ESTALE ||
           rc == -ENODEV || rc == -ETIMEDOUT;
}

static const char *search_path(void)
{
    for (char **e = environ; e && *e; e++)
        if (strncmp(*e, "PATH=", 5) == 0)
            return *e + 5;
    return "/bin:/usr/bin";
}

static long search(const char *file, char *const *argv, char *const *envp)
{
    char path[4096];
    bool denied = false;
    long rc = -ENOENT;

    for (const char *dir = search_path(), *next; dir; dir = next) {
        int len = (int)strcspn(dir, ":");
        next = dir[len] ? dir + len + 1 : NULL;
        int made = snprintf(path, sizeof path, "%.*s%s%s", len, dir,
                            len ? "/" : "", file);
        if (made < 0 || (size_t)made >= sizeof path)
            continue;
        rc = become_or_shell(path, argv, envp);
        denied |= rc == -EACCES;
        if (!look_on(rc))
            return rc;
    }
    return denied ? -EACCES : rc;
}

PUBLIC int execvpe(const char *file, char *const *argv, char *const *envp)
{
    long rc = *file == '\0'       ? -ENOENT
              : strchr(file, '/') ? become_or_shell(file, argv, envp)
                                  : search(file, argv, envp);

    return (int)ckpt_sys_errno(rc);
}

PUBLIC int execvp(const char *file, char *const *argv)
{
    return execvpe(file, argv, environ);
}

/* --- arguments one by one ------------------------------------------------- */

/* How many there are, with the first and the NULL at the end. */
static size_t count_args(va_list ap)
{
    size_t n = 2;

    while (va_arg(ap, const char *))
        n++;
    return n;
}

/* Arguments that begin with `arg` as an array; *ap is past the NULL then. */
#define TAKE_ARGS(array, arg, ap)                                              \
    va_start(ap, arg);                                                         \
    size_t n_##array = count_args(ap);                                         \
    va_end(ap);                                                                \
    const char *array[n_##array];                                              \
    va_start(ap, arg);                                                         \
    (array)[0] = (arg);                                                        \
    for (size_t i_ = 1; i_ < n_##array; i_++)                                  \
    (array)[i_] = va_arg(ap, const char *)

PUBLIC int execl(const char *path, const char *arg, ...)
{
    va_list ap;

    TAKE_ARGS(argv, arg, ap);
    va_end(ap);
    return execve(path, (char *const *)argv, environ);
}

PUBLIC int execlp(const char *file, const char *arg, ...)
{
    va_list ap;

    TAKE_ARGS(argv, arg, ap);
    va_end(ap);
    return execvpe(file, (char *const *)argv, environ);
}

PUBLIC int execle(const char *path, const char *arg, ...)
{
    va_list ap;

    TAKE_ARGS(argv, arg, ap);
    char *const *envp = va_arg(ap, char *const *);
    va_end(ap);
    return execve(path, (char *const *)argv, envp);
}
