/* fileserver.c - see fileserver.h */
#include "scheduler/starter/fileserver.h"

#include "scheduler/pool/program.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOK_USEC = 5000 };

static void become_server(const struct confine *user, const char *program,
                          int boot_fd, int sock)
{
    char boot[16], mount[16];
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (setsid() < 0 || chdir("/") < 0 ||
        (user->change_user && (setgroups(0, NULL) < 0 ||
                               setresgid(user->gid, user->gid, user->gid) < 0 ||
                               setresuid(user->uid, user->uid, user->uid) < 0)))
        _exit(126);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (getppid() != user->parent)
        _exit(126);
    fcntl(boot_fd, F_SETFD, 0);
    fcntl(sock, F_SETFD, 0);
    snprintf(boot, sizeof boot, "%d", boot_fd);
    snprintf(mount, sizeof mount, "%d", sock);
    execl(program, "ckpt-mount", "--boot-fd", boot, "--mount-fd", mount,
          (char *)NULL);
    _exit(127);
}

int fileserver_start(struct fileserver *server, const struct confine *user,
                     int boot_fd, struct ckpt_err *err)
{
    char program[PATH_MAX];
    int ends[2];

    if (program_find("ckpt-mount", program, err) < 0)
        return -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return ckpt_err_sys(err, "socketpair");
    pid_t pid = fork();
    if (pid == 0)
        become_server(user, program, boot_fd, ends[1]);
    close(ends[1]);
    if (pid < 0) {
        ckpt_err_sys(err, "fork");
        close(ends[0]);
        return -1;
    }
    server->pid = pid;
    return ends[0];
}

bool fileserver_ended(struct fileserver *server)
{
    if (server->pid > 0 &&
        waitpid(server->pid, &server->status, WNOHANG) == server->pid)
        server->pid = 0;
    return server->pid == 0;
}

int fileserver_finish(struct fileserver *server, bool (*give_up)(void *arg),
                      void *arg, struct ckpt_err *err)
{
    while (!fileserver_ended(server)) {
        if (give_up(arg)) {
            fileserver_kill(server);
            return ckpt_err_set(err, ETIMEDOUT,
                                "what it wrote last has not come home");
        }
        usleep(LOOK_USEC);
    }
    if (server->status == 0)
        return 0;
    return ckpt_err_set(err, EIO,
                        "the server of its files ended with status "
                        "%d: what it wrote last is not at home",
                        server->status);
}

void fileserver_kill(struct fileserver *server)
{
    if (server->pid <= 0)
        return;
    kill(server->pid, SIGKILL);
    waitpid(server->pid, &server->status, 0);
    server->pid = 0;
}
