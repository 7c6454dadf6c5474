/* remote_counter.c - counts for a while with files of every kind open; its
 * process id stays, wherever it goes on */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int steps = argc > 1 ? atoi(argv[1]) : 100;
    FILE *log = fopen("counter.log", "a");
    FILE *table = fopen("counter.tab", "w+");
    int fd = open("counter.bin", O_RDWR | O_CREAT, 0600);

    pid_t self = getpid(), parent = getppid();

    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("begin\n");
    for (int i = 0; i < steps; i++) {
        struct timespec pause = {0, 20 * 1000 * 1000};
        fprintf(log, "step %d\n", i);
        fprintf(table, "%d %g\n", i, i * 0.25);
        pwrite(fd, &i, sizeof i, (off_t)(i % 10) * 4096);
        if (i % 10 == 9)
            fflush(log);
        if (i % 25 == 0)
            printf("at %d\n", i);
        nanosleep(&pause, NULL);
    }
    rewind(table);
    double sum = 0, x;
    int n;
    while (fscanf(table, "%d %lf", &n, &x) == 2)
        sum += x;
    printf("sum %g\n", sum);
    if (getpid() != self || getppid() != parent || kill(self, 0) < 0)
        printf("another process\n");
    fclose(log);
    fclose(table);
    close(fd);
    return 0;
}
