/* remote_obeys.c - counts for a while, as remote_counter.c, and does what files
 * in its directory say
 *
 *     stubborn   no checkpoint as long as it is there
 *     refuse     keep a file on the station: checkpoints are refused
 *     deny       open what nobody granted, once for each change of the file
 *     wait       do not end as long as it is there
 */
#include <ckpt.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void obey_stubborn(void)
{
    static bool disabled;
    bool wanted = access("stubborn", F_OK) == 0;

    if (wanted && !disabled)
        ckpt_disable();
    else if (!wanted && disabled)
        ckpt_enable();
    disabled = wanted;
}

static void obey_refuse(void)
{
    static const char name[] = "/var/tmp/remote_obeys";
    static int fd = -1;
    bool wanted = access("refuse", F_OK) == 0;

    if (wanted && fd < 0) {
        fd = open(name, O_RDWR | O_CREAT, 0600);
    } else if (!wanted && fd >= 0) {
        close(fd);
        unlink(name);
        fd = -1;
    }
}

static void obey_deny(void)
{
    static struct timespec last;
    static int times;
    struct stat st;
    char path[64];

    if (stat("deny", &st) < 0 || (st.st_mtim.tv_sec == last.tv_sec &&
                                  st.st_mtim.tv_nsec == last.tv_nsec))
        return;
    last = st.st_mtim;
    snprintf(path, sizeof path, "/nobody-granted/%d.%ld", times++,
             (long)last.tv_nsec);
    int fd = open(path, O_RDONLY);
    if (fd >= 0)
        close(fd);
}

static void step(void)
{
    struct timespec pause = {0, 20 * 1000 * 1000};

    obey_stubborn();
    obey_refuse();
    obey_deny();
    nanosleep(&pause, NULL);
}

int main(int argc, char **argv)
{
    int steps = argc > 1 ? atoi(argv[1]) : 100;
    FILE *log = fopen("counter.log", "a");
    int fd = open("counter.bin", O_RDWR | O_CREAT, 0600);
    long sum = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("begin\n");
    for (int i = 0; i < steps; i++) {
        fprintf(log, "step %d\n", i);
        pwrite(fd, &i, sizeof i, (off_t)(i % 10) * 4096);
        if (i % 10 == 9)
            fflush(log);
        if (i % 25 == 0)
            printf("at %d\n", i);
        sum += i;
        step();
    }
    while (access("wait", F_OK) == 0)
        step();
    printf("sum %ld\n", sum);
    fclose(log);
    close(fd);
    return 0;
}
