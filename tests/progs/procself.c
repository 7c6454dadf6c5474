/* procself.c - files below /proc/self that are open, and /proc/self/exe where
 * privilege allows it
 */
#include "tests/progs/prog.h"

#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>

static char *slurp(int fd)
{
    static char text[1 << 16];
    ssize_t n, len = 0;

    while ((n = read(fd, text + len, sizeof text - 1 - (size_t)len)) > 0)
        len += n;
    text[len] = '\0';
    return text;
}

int main(void)
{
    static const char words[] = "hello";
    char exe[4096] = "", now[4096] = "", buf[8], pid[32];
    int maps = open("/proc/self/maps", O_RDONLY), mem, dir, status;

    mem = open("/proc/self/mem", O_RDONLY);
    status = open("/proc/self/status", O_RDONLY);
    dir = open("/proc/self", O_RDONLY | O_DIRECTORY);
    prog_check(readlink("/proc/self/exe", exe, sizeof exe - 1) > 0);
    prog_check(read(maps, buf, 8) == 8);
    prog_ready();
    prog_wait();
    prog_check(pread(mem, buf, sizeof words, (off_t)(uintptr_t)words) ==
                   sizeof words &&
               strcmp(buf, words) == 0);
    prog_check(strstr(slurp(maps), "[vdso]") != NULL);
    snprintf(pid, sizeof pid, "\nPid:\t%ld\n", syscall(SYS_getpid));
    prog_check(strstr(slurp(status), pid) != NULL);
    prog_check(faccessat(dir, "cmdline", F_OK, 0) == 0);
    prog_check(readlink("/proc/self/exe", now, sizeof now - 1) > 0);
    if (geteuid() == 0)
        prog_check(strcmp(exe, now) == 0);
    prog_check(strcmp(strrchr(now, '/'), "/prog") == 0 || geteuid() != 0);
    return prog_end();
}
