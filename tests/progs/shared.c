/* shared.c - shared anonymous memory stays shared between its mappings; file
 * mappings, private and shared */
#include "tests/progs/prog.h"

#include <string.h>
#include <sys/mman.h>

int main(void)
{
    char name[] = "shared.XXXXXX";
    int fd = mkstemp(name);
    char *anon = mmap(NULL, 16384, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    /* a second mapping of the same memory */
    char *twin = mremap(anon, 0, 16384, MREMAP_MAYMOVE);

    prog_check(ftruncate(fd, 3 * 4096) == 0);
    prog_check(pwrite(fd, "file", 4, 4096) == 4);
    char *shared =
        mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *private =
        mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    strcpy(anon + 5000, "both");
    strcpy(private + 4096, "mine");
    prog_check(twin != MAP_FAILED && strcmp(twin + 5000, "both") == 0);
    prog_ready();
    prog_wait();
    prog_check(strcmp(twin + 5000, "both") == 0);
    strcpy(twin + 9000, "new");
    prog_check(strcmp(anon + 9000, "new") == 0);
    prog_check(memcmp(shared + 4096, "file", 4) == 0);
    prog_check(strcmp(private + 4096, "mine") == 0);
    char back[4] = "";
    memcpy(shared, "SHR", 3);
    prog_check(pread(fd, back, 3, 0) == 3 && memcmp(back, "SHR", 3) == 0);
    unlink(name);
    return prog_end();
}
