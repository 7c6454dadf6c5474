/* kinds.c - KIND - makes something that cannot be saved, and waits
 *
 * Not one of the programs that go through every way: core_kinds.sh drives it.
 */
#include "tests/progs/prog.h"

#include <linux/aio_abi.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>

static int with_pty(const char *kind)
{
    int master, slave;

    if (strcmp(kind, "pty-master") == 0)
        return posix_openpt(O_RDWR | O_NOCTTY);
    if (openpty(&master, &slave, NULL, NULL, NULL) < 0)
        return -1;
    if (strcmp(kind, "pty-stopped") == 0)
        return tcflow(slave, TCOOFF);
    pid_t pid = fork(); /* the master stays with a process that is no child */
    if (pid == 0) {
        if (fork() == 0)
            while (access(getenv("PROG_GO"), F_OK) < 0 && getppid() > 0)
                usleep(10000);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    return close(master);
}

static int with_socket(const char *kind)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    socklen_t len = sizeof in;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (strcmp(kind, "udp") == 0) {
        close(fd);
        fd = socket(AF_INET, SOCK_DGRAM, 0);
        return bind(fd, (void *)&in, len);
    }
    if (bind(fd, (void *)&in, len) < 0 || listen(fd, 1) < 0)
        return -1;
    if (strcmp(kind, "listens") == 0)
        return 0;
    getsockname(fd, (void *)&in, &len);
    int to = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(to, (void *)&in, len) < 0 || accept(fd, NULL, NULL) < 0)
        return -1;
    return close(fd);
}

static int with_descriptors_in_flight(void)
{
    char byte = 1, room[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec iov = {&byte, 1};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = room,
                       .msg_controllen = sizeof room};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    int ends[2], fd = 2;

    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    return socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0 ||
                   sendmsg(ends[0], &m, 0) != 1
               ? -1
               : 0;
}

static int with_filter(void)
{
    struct sock_filter all[] = {
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
    };
    struct sock_fprog filter = {1, all};

    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter);
}

static int with_queue(void)
{
    char name[32];

    snprintf(name, sizeof name, "/ckpt-test-%d", (int)getpid());
    mqd_t q = mq_open(name, O_RDWR | O_CREAT, 0600, NULL);
    mq_unlink(name);
    return q;
}

static int with_shared_memory(void)
{
    int id = shmget(IPC_PRIVATE, 4096, 0600);
    void *at = shmat(id, NULL, 0);

    shmctl(id, IPC_RMID, NULL);
    return at == (void *)-1 ? -1 : 0;
}

static int with_lease(void)
{
    int fd = open("leased", O_CREAT | O_RDONLY, 0600);

    return fcntl(fd, F_SETLEASE, F_RDLCK);
}

static int with_owner(void)
{
    int ends[2];

    /* a signal that does it no harm */
    if (pipe(ends) < 0 || fcntl(ends[0], F_SETOWN, getppid()) < 0 ||
        fcntl(ends[0], F_SETSIG, SIGWINCH) < 0)
        return -1;
    return fcntl(ends[0], F_SETFL, O_ASYNC);
}

/* Memory that is nobody's but the machine's. */
static int with_memory(const char *kind)
{
    enum { SECRET = 447, LEN = 2 << 20 };
    int flags = MAP_SHARED, fd = -1;

    if (strcmp(kind, "memory-huge") == 0)
        flags |= MAP_ANONYMOUS | MAP_HUGETLB | MAP_NORESERVE;
    else if (strncmp(kind, "memory-secret", 13) == 0)
        fd = (int)syscall(SECRET, O_CLOEXEC);
    else
        return memfd_create("huge", MFD_HUGETLB);
    if (fd >= 0 && ftruncate(fd, LEN) < 0)
        return -1;
    if (mmap(NULL, LEN, PROT_READ, flags, fd, 0) == MAP_FAILED)
        return -1;
    return strcmp(kind, "memory-secret-closed") == 0 ? close(fd) : 0;
}

static int make(const char *kind)
{
    static char params[128];
    static aio_context_t context;

    if (strncmp(kind, "pty", 3) == 0)
        return with_pty(kind);
    if (strncmp(kind, "memory", 6) == 0)
        return with_memory(kind);
    if (strcmp(kind, "key") == 0)
        return pkey_alloc(0, 0);
    if (strcmp(kind, "io_uring") == 0)
        return (int)syscall(SYS_io_uring_setup, 4, params);
    if (strcmp(kind, "pidfd") == 0)
        return (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (strcmp(kind, "aio") == 0)
        return (int)syscall(SYS_io_setup, 4, &context);
    if (strcmp(kind, "seccomp") == 0)
        return with_filter();
    if (strcmp(kind, "mqueue") == 0)
        return with_queue();
    if (strcmp(kind, "shm") == 0)
        return with_shared_memory();
    if (strcmp(kind, "lease") == 0)
        return with_lease();
    if (strcmp(kind, "flight") == 0)
        return with_descriptors_in_flight();
    if (strcmp(kind, "owner") == 0)
        return with_owner();
    return with_socket(kind);
}

int main(int argc, char **argv)
{
    if (argc != 2 || make(argv[1]) < 0) {
        perror(argc == 2 ? argv[1] : "a kind is wanted");
        return 77;
    }
    prog_ready();
    prog_wait();
    return prog_end();
}
