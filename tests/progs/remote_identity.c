/* remote_identity.c - the process is the one at home in what it can ask */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

int main(void)
{
    struct utsname name;
    char host[256], link[256];
    cpu_set_t set;
    gid_t groups[256];

    uname(&name);
    gethostname(host, sizeof host);
    printf("host %d\n", strcmp(host, name.nodename));
    printf("self kill %d, thread kill %d\n", kill(getpid(), 0), raise(0));
    printf("group %d, session %d\n", getpgid(0) == getpgid(getpid()),
           getsid(0) == getsid(getpid()));
    printf("affinity %d\n", sched_getaffinity(getpid(), sizeof set, &set));
    printf("priority %d\n", getpriority(PRIO_PROCESS, (id_t)getpid()));
    printf("ids %d %d\n", getuid() == geteuid(), getgid() == getegid());
    printf("groups %d\n", getgroups(256, groups) >= 0);
    printf("set own %d\n", setuid(geteuid()));
    printf("asked %d\n", getpid() == syscall(SYS_getpid));
    FILE *f = fopen("identity.txt", "w");
    snprintf(host, sizeof host, "/proc/self/fd/%d", fileno(f));
    ssize_t n = readlink(host, link, sizeof link - 1);
    link[n > 0 ? n : 0] = '\0';
    printf("fd link %s\n", strrchr(link, '/') ? strrchr(link, '/') : "none");
    snprintf(host, sizeof host, "/proc/%d/status", getpid());
    printf("own proc %d\n", access(host, R_OK));
    return 0;
}
