#!/bin/bash
# core_terminal.sh - a program that put its terminal into raw mode is restarted
# on another terminal: that is in raw mode then, and ^Z, fg and ^C work
# shellcheck source=tests/system/common.sh
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc cc python3
cd "$work"

cat >raw.c <<'END'
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct termios modes;
    int tty = open("/dev/tty", O_RDWR), own = argc > 1 ? getpid() : 0;

    (void)argv;
    tcgetattr(0, &modes);
    modes.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
    modes.c_cc[VMIN] = 1;
    tcsetattr(0, TCSANOW, &modes);
    fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_NONBLOCK);
    printf("ready %d\n", own);
    fflush(stdout);
    for (;;) {
        char key;
        struct pollfd p = {.fd = 0, .events = POLLIN};
        poll(&p, 1, -1);
        if (read(0, &key, 1) != 1)
            continue;
        tcgetattr(tty, &modes);
        printf("key %c raw %d nonblock %d\n", key, !(modes.c_lflag & ICANON),
               (fcntl(0, F_GETFL) & O_NONBLOCK) != 0);
        fflush(stdout);
        if (key == 'q')
            return 3;
    }
}
END
ckpt-cc -O1 -D_GNU_SOURCE -o raw raw.c

# a terminal for each of the two, driven from outside, with a shell's job
# control; in one case the program has a parent (it knows its ids)
cat >drive.py <<'END'
import os, pty, select, signal, subprocess, sys, time

def read_until(fd, word, seconds=15):
    seen = b""
    end = time.time() + seconds
    while word not in seen:
        if not select.select([fd], [], [], max(0, end - time.time()))[0]:
            sys.exit("waited for %r, saw %r" % (word, seen))
        try:
            seen += os.read(fd, 4096)
        except OSError:
            sys.exit("ended before %r, saw %r" % (word, seen))
    return seen

def on_terminal(command):
    pid, fd = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    return pid, fd

argument = sys.argv[1:]
pid, fd = on_terminal(["./raw"] + argument)
read_until(fd, b"ready")
os.write(fd, b"a")
read_until(fd, b"key a raw 1 nonblock 1")
subprocess.check_call(["ckpt", "checkpoint", str(pid), "--exit", "--image", "image"],
                      stdout=subprocess.DEVNULL)
os.waitpid(pid, 0)
os.close(fd)

shell, fd = on_terminal(["bash", "--norc", "--noprofile", "-i"])
os.write(fd, b"PS1=''; echo shell; stty -a | grep -o -- '-*icanon'\n")
read_until(fd, b"\r\nicanon")
os.write(fd, b"ckpt restart image; echo status $?\n")
time.sleep(1)
os.write(fd, b"b")
read_until(fd, b"key b raw 1 nonblock 1")
os.write(fd, b"\x1a")
read_until(fd, b"status 148")
os.write(fd, b"fg; echo status $?\n")
time.sleep(0.5)
os.write(fd, b"c\n") # the shell has set its own modes
read_until(fd, b"key c")
os.write(fd, b"q\n")
read_until(fd, b"status 3")
os.write(fd, b"ckpt restart image; echo status $?\n")
time.sleep(1)
os.write(fd, b"d")
read_until(fd, b"key d")
os.write(fd, b"\x03")
time.sleep(0.5)
os.write(fd, b"echo status $?\n")
read_until(fd, b"status 130")
os.write(fd, b"exit\n")
os.close(fd)
os.kill(shell, signal.SIGHUP)
os.waitpid(shell, 0)
END
timeout 60 python3 drive.py || fail "in place"
echo "in place: raw mode, stopped, continued, interrupted"
timeout 60 python3 drive.py knows || fail "with a parent"
echo "with a parent: raw mode, stopped, continued, interrupted"
