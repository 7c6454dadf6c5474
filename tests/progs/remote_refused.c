/* remote_refused.c - calls that a remote job cannot make */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/xattr.h>
#include <unistd.h>

static void result(const char *what, long rc)
{
    printf("%s %ld %s\n", what, rc, strerrorname_np(errno));
}

int main(void)
{
    char *argv[] = {"/bin/true", NULL};
    int fd = open("refused.txt", O_RDWR | O_CREAT, 0600);

    setvbuf(stdout, NULL, _IONBF, 0);
    result("fork", fork());
    result("execve", execve(argv[0], argv, argv + 1));
    result("socket", socket(AF_INET, SOCK_STREAM, 0));
    void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    result("mremap", (long)mremap(map, 4096, 8192, MREMAP_MAYMOVE));
    printf("system %d\n", system("true"));
    result("setxattr", setxattr("refused.txt", "user.a", "b", 1, 0));
    result("setsid", setsid());
    result("kill init", kill(1, 0));
    return 0;
}
