/* nameless.c - files without a name: unlinked ones, and memfds with seals */
#include "tests/progs/prog.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

int main(void)
{
    char name[] = "nameless.XXXXXX", buf[64], path[64];
    struct stat st;

    int a = mkstemp(name);
    prog_check(write(a, "0123456789", 10) == 10);
    prog_check(pwrite(a, "far", 3, 3000000) == 3);
    int reader = open(name, O_RDONLY);
    int log = open(name, O_WRONLY | O_APPEND);
    prog_check(fchmod(a, 0640) == 0);
    prog_check(unlink(name) == 0);
    lseek(a, 4, SEEK_SET);
    int again = dup(a);
    int nothing = open(".", O_TMPFILE | O_RDWR | O_NOFOLLOW, 0600); /* empty */
    prog_check(nothing >= 0);
    int m = memfd_create("words", MFD_ALLOW_SEALING | MFD_CLOEXEC);
    prog_check(write(m, "sealed", 6) == 6);
    snprintf(path, sizeof path, "/proc/self/fd/%d", m);
    int m2 = open(path, O_RDONLY);
    prog_check(fcntl(m, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW) == 0);
    int plain = memfd_create("plain", 0);
    prog_check(fcntl(plain, F_GET_SEALS) & F_SEAL_SEAL);
    int shm = memfd_create("shared", MFD_ALLOW_SEALING);
    prog_check(ftruncate(shm, 3 * 4096) == 0);
    char *w = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, shm, 4096);
    char *r = mmap(NULL, 8192, PROT_READ, MAP_SHARED, shm, 4096);
    prog_check(w != MAP_FAILED && r != MAP_FAILED);
    w[0] = 'a';
    w[5000] = 'b';
    char *ro = mmap(NULL, 4096, PROT_READ, MAP_SHARED, m2, 0);
    char *of_file = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, a, 0);
    prog_check(ro != MAP_FAILED && of_file != MAP_FAILED);
    prog_ready();
    prog_wait();
    prog_check(r[0] == 'a' && r[5000] == 'b');
    w[1] = 'c';
    prog_check(r[1] == 'c' && pread(shm, buf, 2, 4096) == 2 && buf[1] == 'c');
    prog_check(pwrite(shm, "d", 1, 4099) == 1 && w[3] == 'd');
    prog_check(memcmp(ro, "sealed", 6) == 0);
    prog_check(memcmp(of_file, "0123456789", 10) == 0);
    of_file[9] = '9';
    prog_check(pwrite(a, "0", 1, 0) == 1 && of_file[0] == '0');
    prog_check(read(again, buf, 3) == 3 && memcmp(buf, "456", 3) == 0);
    prog_check(lseek(a, 0, SEEK_CUR) == 7 && lseek(reader, 0, SEEK_CUR) == 0);
    prog_check(read(reader, buf, 4) == 4 && memcmp(buf, "0123", 4) == 0);
    prog_check(pread(reader, buf, 9, 3000000) == 3);
    prog_check(pread(reader, buf, 1, 2000000) == 1 && buf[0] == 0);
    prog_check(write(log, "end", 3) == 3);
    prog_check(fstat(a, &st) == 0 && st.st_size == 3000006);
    prog_check(st.st_nlink == 0 && (st.st_mode & 0777) == 0640);
    prog_check(write(reader, "x", 1) == -1 && errno == EBADF);
    prog_check(write(nothing, "x", 1) == 1);
    prog_check(pread(m2, buf, 9, 0) == 6 && memcmp(buf, "sealed", 6) == 0);
    prog_check(lseek(m, 0, SEEK_CUR) == 6 && lseek(m2, 0, SEEK_CUR) == 0);
    prog_check(fcntl(m, F_GET_SEALS) == (F_SEAL_WRITE | F_SEAL_GROW));
    prog_check(write(m, "x", 1) == -1 && errno == EPERM);
    prog_check(write(plain, "x", 1) == 1);
    prog_check(fcntl(plain, F_GET_SEALS) & F_SEAL_SEAL);
    snprintf(path, sizeof path, "/proc/self/fd/%d", m);
    ssize_t n = readlink(path, buf, sizeof buf - 1);
    buf[n > 0 ? n : 0] = '\0';
    prog_check(strcmp(buf, "/memfd:words (deleted)") == 0);
    return prog_end();
}
