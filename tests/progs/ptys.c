/* ptys.c - pseudo-terminals with both ends in the program: what was typed and
 * not read (lines, ends of file, the beginning of a line), what was written and
 * not read, modes, size, name, packets, a slave that is closed */
#include "tests/progs/prog.h"

#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

enum { MUCH = 9000 };

static int master[5], slave[5], again, locked;

static int reads(int fd, const char *what, size_t len)
{
    static char buf[MUCH + 1];
    ssize_t n = read(fd, buf, sizeof buf);

    return n == (ssize_t)len && memcmp(buf, what, len) == 0;
}

static int reads_text(int fd, const char *text)
{
    return reads(fd, text, strlen(text));
}

static void put(int fd, const char *bytes, size_t len)
{
    prog_check(write(fd, bytes, len) == (ssize_t)len);
}

static void put_text(int fd, const char *text)
{
    put(fd, text, strlen(text));
}

/* What one end writes comes to the other a moment later. */
static int empty(int fd)
{
    struct pollfd p = {fd, POLLIN, 0};

    return poll(&p, 1, 50) == 0;
}

static void open_all(void)
{
    struct winsize size = {.ws_row = 33, .ws_col = 101};

    for (int i = 0; i < 5; i++)
        prog_check(openpty(&master[i], &slave[i], NULL, NULL, &size) == 0);
    again = open(ttyname(slave[0]), O_RDONLY | O_NONBLOCK | O_NOCTTY);
    locked = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    prog_check(again >= 0 && locked >= 0);
    close(locked);
}

static const char binary[] = "\0\1\3\4\n\r\21\23\26\32\34\177\377 raw \377\n";

static void make_raw(int fd)
{
    struct termios modes;

    prog_check(tcgetattr(fd, &modes) == 0);
    cfmakeraw(&modes);
    modes.c_cc[VMIN] = 3;
    prog_check(tcsetattr(fd, TCSANOW, &modes) == 0);
}

static void fill(void)
{
    struct termios modes;
    static char much[MUCH];
    int yes = 1;

    put_text(master[0], "one\ntwo\npart");
    usleep(20000); /* until it is echoed */
    put_text(slave[0], "out\n");
    prog_check(tcgetattr(slave[0], &modes) == 0);
    modes.c_cc[VERASE] = '#';
    modes.c_lflag &= ~(tcflag_t)ECHOE;
    prog_check(tcsetattr(slave[0], TCSANOW, &modes) == 0);
    make_raw(slave[1]);
    put(master[1], binary, sizeof binary);
    memset(much, 'x', sizeof much);
    much[MUCH - 1] = '\n';
    put(slave[1], much, sizeof much);
    put_text(master[2], "abc\4\4line\n\4");
    put_text(slave[3], "last words\n");
    close(slave[3]);
    prog_check(ioctl(master[4], TIOCPKT, &yes) == 0);
    put_text(slave[4], "packet");
    put_text(master[4], "begun");
}

static void check_lines(void)
{
    struct termios modes;
    struct winsize size;
    struct stat st, named;

    prog_check(reads_text(slave[0], "one\n") && reads_text(again, "two\n"));
    prog_check(read(again, &st, 1) == -1 && errno == EAGAIN);
    put_text(master[0], "y#ial\n");
    prog_check(reads_text(slave[0], "partial\n"));
    usleep(20000); /* until it is echoed */
    prog_check(reads_text(master[0], "one\r\ntwo\r\npartout\r\ny#ial\r\n"));
    prog_check(tcgetattr(slave[0], &modes) == 0 && modes.c_cc[VERASE] == '#');
    prog_check((modes.c_lflag & (ICANON | ECHO | ISIG | ECHOE)) ==
               (ICANON | ECHO | ISIG));
    prog_check(ioctl(slave[0], TIOCGWINSZ, &size) == 0 && size.ws_row == 33 &&
               size.ws_col == 101);
    prog_check(fstat(slave[0], &st) == 0 &&
               stat(ttyname(slave[0]), &named) == 0 &&
               st.st_ino == named.st_ino && st.st_rdev == named.st_rdev);
    prog_check(strcmp(ptsname(master[0]), ttyname(slave[0])) == 0);
    prog_check(empty(master[0]) && empty(slave[0]));
}

static void check_raw(void)
{
    char buf[256];
    size_t total = 0;
    ssize_t n;

    prog_check(reads(slave[1], binary, sizeof binary));
    while (total < MUCH && (n = read(master[1], buf, sizeof buf)) > 0) {
        for (ssize_t i = 0; i < n; i++, total++)
            prog_check(buf[i] == (total == MUCH - 1 ? '\n' : 'x'));
    }
    prog_check(total == MUCH && empty(master[1]) && empty(slave[1]));
    put(master[1], "ab", 2); /* fewer than VMIN */
    prog_check(empty(slave[1]));
    put(master[1], "c", 1);
    prog_check(reads(slave[1], "abc", 3));
}

static void check_others(void)
{
    char buf[64];

    prog_check(reads_text(slave[2], "abc") && reads_text(slave[2], ""));
    prog_check(reads_text(slave[2], "line\n") && reads_text(slave[2], ""));
    prog_check(empty(slave[2]));
    prog_check(reads_text(master[3], "last words\r\n"));
    prog_check(read(master[3], buf, sizeof buf) == -1 && errno == EIO);
    prog_check(reads(master[4], "\0packetbegun", 12));
    put_text(master[4], "\n");
    prog_check(reads_text(slave[4], "begun\n")); /* it waits */
}

int main(void)
{
    open_all();
    fill();
    usleep(20000);
    prog_ready();
    prog_wait();
    check_lines();
    check_raw();
    check_others();
    return prog_end();
}
