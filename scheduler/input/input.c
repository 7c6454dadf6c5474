/* input.c - ckpt-input: somebody uses the keyboard, or another input device
 *
 * Input devices can be read by their group alone, so a station that runs as an
 * ordinary user has this small program tell it; installed setgid `input`, it
 * has the right.  It writes to its standard output
 *
 *     r    when it begins to read devices
 *     a    when somebody does something: at most once a second, so that the
 *          rhythm of what is typed stays private
 *
 * and ends when nobody reads that any more, or no device can be read.  What
 * the devices say is not looked at further than to tell people from the
 * machine's own events.  With special rights it takes no argument; without,
 * a directory to be read in place of /dev/input.  The rights are taken up only
 * while devices are opened.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/input.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { DEVICES_MAX = 64, QUIET_MS = 1000, LOOK_MS = 60000 };

struct input {
    const char *dir;
    gid_t gid; /* with the right */
    int inotify;
    uint64_t told_ms;
    uint64_t looked_ms;
    unsigned count;
    int fd[DEVICES_MAX];
    char name[DEVICES_MAX][32];
};

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool is_open(const struct input *input, const char *name)
{
    for (unsigned i = 0; i < input->count; i++)
        if (strcmp(input->name[i], name) == 0)
            return true;
    return false;
}

/* A tablet that is carried about is not used. */
static bool is_sensor(int fd)
{
    unsigned char bits[INPUT_PROP_CNT / 8] = {0};

    return ioctl(fd, EVIOCGPROP(sizeof bits), bits) >= 0 &&
           bits[INPUT_PROP_ACCELEROMETER / 8] >> INPUT_PROP_ACCELEROMETER % 8 &
               1;
}

static void open_device(struct input *input, int dirfd, const char *name)
{
    if (strncmp(name, "event", 5) != 0 ||
        strlen(name) >= sizeof input->name[0] || input->count == DEVICES_MAX ||
        is_open(input, name))
        return;
    int fd = openat(dirfd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (is_sensor(fd)) {
        close(fd);
        return;
    }
    strcpy(input->name[input->count], name);
    input->fd[input->count++] = fd;
}

static void look(struct input *input)
{
    const struct dirent *entry;

    input->looked_ms = now_ms();
    if (setegid(input->gid) < 0)
        return;
    DIR *dir = opendir(input->dir);
    while (dir && (entry = readdir(dir)))
        open_device(input, dirfd(dir), entry->d_name);
    if (dir)
        closedir(dir);
    if (setegid(getgid()) < 0)
        _exit(1);
}

static void forget(struct input *input, unsigned at)
{
    close(input->fd[at]);
    input->count--;
    input->fd[at] = input->fd[input->count];
    memcpy(input->name[at], input->name[input->count], sizeof input->name[at]);
}

/* 1: somebody was there; 0; -1: the device is gone. */
static int read_device(int fd)
{
    struct input_event events[64];
    int seen = 0;
    ssize_t n;

    while ((n = read(fd, events, sizeof events)) > 0)
        for (size_t i = 0; i < (size_t)n / sizeof events[0]; i++)
            if (events[i].type == EV_KEY || events[i].type == EV_REL ||
                events[i].type == EV_ABS)
                seen = 1;
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? seen : -1;
}

static bool read_all(struct input *input)
{
    bool seen = false;

    for (unsigned i = input->count; i-- > 0;) {
        int rc = read_device(input->fd[i]);
        if (rc < 0)
            forget(input, i);
        else if (rc > 0)
            seen = true;
    }
    return seen;
}

/* Devices that came: udev gives them to their group a moment later. */
static bool came(struct input *input)
{
    char buf[4096];
    bool any = false;

    while (read(input->inotify, buf, sizeof buf) > 0)
        any = true;
    return any || now_ms() - input->looked_ms > LOOK_MS;
}

static int wait_all(struct input *input, bool quiet)
{
    struct pollfd fds[2 + DEVICES_MAX];
    nfds_t n = 2;

    fds[0] = (struct pollfd){.fd = STDOUT_FILENO};
    fds[1] = (struct pollfd){.fd = input->inotify, .events = POLLIN};
    for (unsigned i = 0; !quiet && i < input->count; i++)
        fds[n++] = (struct pollfd){.fd = input->fd[i], .events = POLLIN};
    if (poll(fds, n, quiet ? QUIET_MS : LOOK_MS) < 0 && errno != EINTR)
        return -1;
    return fds[0].revents ? -1 : 0;
}

static int serve(struct input *input)
{
    while (input->count > 0) {
        bool quiet = now_ms() - input->told_ms < QUIET_MS;
        if (wait_all(input, quiet) < 0)
            return 0;
        if (came(input))
            look(input);
        if (now_ms() - input->told_ms < QUIET_MS || !read_all(input))
            continue;
        input->told_ms = now_ms();
        if (write(STDOUT_FILENO, "a", 1) != 1)
            return 0;
    }
    return 1;
}

int main(int argc, char **argv)
{
    static struct input input = {.dir = "/dev/input"};

    input.gid = getegid();
    if (argc == 2 && !getauxval(AT_SECURE)) {
        input.dir = argv[1];
    } else if (argc != 1) {
        fprintf(stderr, "usage: ckpt-input\n");
        return 2;
    }
    input.inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (input.inotify < 0 || setegid(getgid()) < 0) {
        perror("ckpt-input");
        return 1;
    }
    (void)inotify_add_watch(input.inotify, input.dir, IN_CREATE | IN_ATTRIB);
    look(&input);
    if (input.count == 0) {
        fprintf(stderr, "ckpt-input: no device in %s can be read\n", input.dir);
        return 1;
    }
    if (write(STDOUT_FILENO, "r", 1) != 1)
        return 1;
    return serve(&input);
}
