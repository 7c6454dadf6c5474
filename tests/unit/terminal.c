/* terminal.c - a command at a terminal of its own, driven by a script
 *
 *     terminal COMMAND ARG... <SCRIPT
 *
 * Lines of the script:
 *     expect TEXT     wait until TEXT is on the terminal, after what was
 *                     expected before
 *     type TEXT       type it; ^X is a control character, $ at the end the
 *                     enter key
 *     resize ROWS COLUMNS
 *     sh COMMAND      run it elsewhere
 *     stopped         wait until the command is stopped; the terminal must then
 *                     echo, as at the start
 *     continue        let it go on
 *     end STATUS      wait until it ends so
 * Every wait is limited to 60 s.  Exits with 0, or 1 and what was seen.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { LIMIT_S = 60, SEEN_MAX = 1 << 16 };

static int master;
static pid_t command;
static char seen[SEEN_MAX];
static size_t seen_len, expected_len;

static void fail(const char *line, const char *why)
{
    fprintf(stderr, "failed: %s: %s; seen:\n%.*s\n", line, why, (int)seen_len,
            seen);
    kill(command, SIGKILL);
    exit(1);
}

static void look(int ms)
{
    struct pollfd p = {master, POLLIN, 0};

    if (poll(&p, 1, ms) <= 0)
        return;
    ssize_t n = read(master, seen + seen_len, SEEN_MAX - 1 - seen_len);
    if (n > 0)
        seen_len += (size_t)n;
    else
        usleep(10000);
    seen[seen_len] = '\0';
}

static void expect(const char *line, const char *text)
{
    time_t until = time(NULL) + LIMIT_S;
    const char *at;

    while (!(at = strstr(seen + expected_len, text))) {
        if (time(NULL) > until)
            fail(line, "not seen in time");
        look(100);
    }
    expected_len = (size_t)(at - seen) + strlen(text);
}

static void type(const char *text)
{
    for (; *text; text++) {
        char c = *text;
        if (c == '^' && text[1])
            c = (char)(*++text & 0x1f);
        else if (c == '$' && !text[1])
            c = '\r';
        (void)!write(master, &c, 1);
    }
}

static void resize(const char *text)
{
    unsigned rows = 0, columns = 0;

    sscanf(text, "%u %u", &rows, &columns);
    struct winsize size = {.ws_row = (unsigned short)rows,
                           .ws_col = (unsigned short)columns};
    ioctl(master, TIOCSWINSZ, &size);
}

static int wait_for(const char *line, int options)
{
    time_t until = time(NULL) + LIMIT_S;
    int status;

    while (waitpid(command, &status, options | WNOHANG) == 0) {
        if (time(NULL) > until)
            fail(line, "not in time");
        look(50);
    }
    return status;
}

static void stopped(const char *line)
{
    struct termios attr;

    if (!WIFSTOPPED(wait_for(line, WUNTRACED)))
        fail(line, "it has ended");
    tcgetattr(master, &attr);
    if (!(attr.c_lflag & ECHO) || !(attr.c_lflag & ICANON))
        fail(line, "the terminal was not given back");
}

static void end(const char *line, const char *text)
{
    int status = wait_for(line, 0);

    for (int i = 0; i < 5; i++)
        look(20);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != atoi(text))
        fail(line, "ended otherwise");
}

static void carry_out(char *line)
{
    char *text = strchr(line, ' ');

    line[strcspn(line, "\n")] = '\0';
    text = text ? text + 1 : line + strlen(line);
    if (!strncmp(line, "expect ", 7))
        expect(line, text);
    else if (!strncmp(line, "type ", 5))
        type(text);
    else if (!strncmp(line, "resize ", 7))
        resize(text);
    else if (!strncmp(line, "sh ", 3)) {
        if (system(text) != 0)
            fail(line, "failed");
    } else if (!strcmp(line, "stopped"))
        stopped(line);
    else if (!strcmp(line, "continue"))
        kill(command, SIGCONT);
    else if (!strncmp(line, "end ", 4))
        end(line, text);
    else if (*line && *line != '#')
        fail(line, "no such line");
}

static void start(char **argv)
{
    struct winsize size = {.ws_row = 24, .ws_col = 80};

    master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0 || grantpt(master) || unlockpt(master) ||
        ioctl(master, TIOCSWINSZ, &size))
        fail("start", strerror(errno));
    const char *name = ptsname(master);
    command = fork();
    if (command != 0)
        return;
    setsid();
    int slave = open(name, O_RDWR);
    for (int fd = 0; fd < 3; fd++)
        dup2(slave, fd);
    close(slave);
    execvp(argv[0], argv);
    _exit(127);
}

int main(int argc, char **argv)
{
    char line[4096];

    if (argc < 2)
        return 2;
    FILE *script = fdopen(dup(0), "r");
    start(argv + 1);
    while (script && fgets(line, sizeof line, script))
        carry_out(line);
    return 0;
}
