/* remote_tty.c - talks to a terminal, line by line
 *
 *     size      its rows and columns
 *     count     how many lines there were so far
 *     raw       the next byte as it is, without echo
 *     quit N    exit code N
 * ^C and a change of the size are told as they come.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static volatile long turns;

static void say_size(const char *word)
{
    struct winsize size = {0};

    ioctl(0, TIOCGWINSZ, &size);
    dprintf(1, "%s %d %d\n", word, size.ws_row, size.ws_col);
}

static void on_interrupt(int sig)
{
    (void)sig;
    dprintf(1, "interrupted\n");
}

static void on_resize(int sig)
{
    (void)sig;
    say_size("resized");
}

/* Another thread goes on with its files while the first one reads. */
static void *work(void *arg)
{
    struct timespec pause = {0, 10000000};
    FILE *f = fopen("turns", "w");

    for (;;) {
        nanosleep(&pause, NULL);
        rewind(f);
        fprintf(f, "%ld\n", ++turns);
        fflush(f);
    }
    return arg;
}

static void raw(void)
{
    struct termios old, new;
    char c = 0;

    tcgetattr(0, &old);
    new = old;
    cfmakeraw(&new);
    tcsetattr(0, TCSAFLUSH, &new);
    dprintf(1, "press\r\n");
    if (read(0, &c, 1) == 1)
        dprintf(1, "got %d\r\n", c);
    tcsetattr(0, TCSADRAIN, &old);
}

int main(void)
{
    struct sigaction action = {.sa_handler = on_interrupt,
                               .sa_flags = SA_RESTART};
    char line[200];
    pthread_t thread;
    int count = 0;
    ssize_t n;

    sigaction(SIGINT, &action, NULL);
    action.sa_handler = on_resize;
    sigaction(SIGWINCH, &action, NULL);
    pthread_create(&thread, NULL, work, NULL);
    printf("terminal %d %d %d\n", isatty(0), isatty(1), isatty(2));
    fflush(stdout);
    say_size("size");
    while (dprintf(1, "? ") > 0 && (n = read(0, line, sizeof line - 1)) > 0) {
        line[n] = '\0';
        count++;
        if (!strncmp(line, "size", 4))
            say_size("size");
        else if (!strncmp(line, "count", 5))
            dprintf(1, "count %d\n", count);
        else if (!strncmp(line, "raw", 3))
            raw();
        else if (!strncmp(line, "turns", 5)) {
            long before = turns;
            while (turns < before + 3)
                usleep(1000);
            dprintf(1, "turning\n");
        } else if (!strncmp(line, "quit ", 5))
            exit(atoi(line + 5));
        else
            dprintf(1, "what is %s", line);
    }
    dprintf(1, "end of input: %d\n", n < 0 ? errno : 0);
    return 1;
}
