/* typist.c - the owner of a workstation, as far as its terminal can tell
 *
 * Opens a real pseudo-terminal, prints the path of its slave, and leaves a
 * reader on it, as a shell would be: a terminal's access time, from which a
 * station knows its owner, moves when what was typed is read.  Then obeys
 * standard input, a line at a time:
 *
 *     type SECONDS     press a key four times a second; answers "typed"
 *
 * and goes when that ends.  Everything it starts goes with it.
 *
 * The kernel notes a terminal's access in steps of eight seconds, so typing
 * that lasts for less may be seen as one moment.
 */
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

_Noreturn static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* The program at the terminal: reads line after line, as a shell. */
static void sit_at(const char *slave)
{
    char line[256];
    int fd;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setsid();
    fd = open(slave, O_RDONLY);
    if (fd < 0)
        die(slave);
    while (read(fd, line, sizeof line) > 0)
        ;
    _exit(0);
}

static void press_keys(int master, double seconds)
{
    struct timespec pause = {0, 250000000L};
    char echo[256];
    ssize_t n;

    for (int key = 0; key < (int)(seconds * 4) || key == 0; key++) {
        if (write(master, key % 4 ? "k" : "\n", 1) != 1)
            die("typing");
        nanosleep(&pause, NULL);
        do { /* the echo is what the owner would see */
            n = read(master, echo, sizeof echo);
        } while (n > 0);
    }
}

int main(void)
{
    char slave[128], line[128];
    double seconds;
    int master, keep;

    if (openpty(&master, &keep, slave, NULL, NULL))
        die("openpty");
    fcntl(master, F_SETFL, O_NONBLOCK);
    switch (fork()) {
    case -1:
        die("fork");
    case 0:
        close(master);
        sit_at(slave);
    }
    printf("%s\n", slave);
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "type %lf", &seconds) != 1)
            continue;
        press_keys(master, seconds);
        printf("typed\n");
        fflush(stdout);
    }
    return 0;
}
