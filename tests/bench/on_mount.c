/* on_mount.c - runs a program with its first grant mounted by ckpt-mount
 *
 *     on_mount CKPT-MOUNT PLACE PROGRAM ARG...
 *
 * In the place of a remote job (CKPT_REMOTE_FD): its files are mounted on the
 * directory PLACE, in namespaces of its own, and PROGRAM is started in what was
 * granted first.  For measuring: nothing is confined.
 */
#include "scheduler/starter/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int start_server(const char *program, const char *boot)
{
    char mount[16];
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
        return -1;
    if (fork() == 0) {
        close(ends[0]);
        snprintf(mount, sizeof mount, "%d", ends[1]);
        execl(program, program, "--boot-fd", boot, "--mount-fd", mount,
              (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    return ends[0];
}

int main(int argc, char **argv)
{
    const char *boot = getenv("CKPT_REMOTE_FD");
    struct ckpt_err err = {"usage: on_mount CKPT-MOUNT PLACE PROGRAM ARG..."};
    int server = argc < 4 || !boot ? -1 : start_server(argv[1], boot);

    if (server < 0 || view_namespaces(getuid(), getgid(), &err) < 0 ||
        view_mount(argv[2], getuid(), getgid(), server, &err) < 0) {
        fprintf(stderr, "on_mount: %s\n", err.text);
        return 1;
    }
    close(server);
    close(atoi(boot));
    if (chdir(argv[2]) < 0 || chdir("0") < 0) {
        perror(argv[2]);
        return 1;
    }
    unsetenv("CKPT_REMOTE_FD");
    execv(argv[3], argv + 3);
    perror(argv[3]);
    return 127;
}
