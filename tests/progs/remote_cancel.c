/* remote_cancel.c - threads that are cancelled in calls, local and remote, and
 * a fault after a write */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int ends[2], file;

static void cleanup(void *what)
{
    write(file, what, strlen(what));
}

static void *in_pipe(void *unused)
{
    char byte;

    pthread_cleanup_push(cleanup, "left the pipe\n");
    read(ends[0], &byte, 1);
    pthread_cleanup_pop(0);
    return unused;
}

static void *in_writes(void *unused)
{
    static char block[5000];

    pthread_cleanup_push(cleanup, "left the file\n");
    for (;;)
        pwrite(file, block, sizeof block, 100000);
    pthread_cleanup_pop(0);
    return unused;
}

static void cancel(void *(*work)(void *))
{
    pthread_t thread;
    void *end;

    pthread_create(&thread, NULL, work, NULL);
    usleep(50000);
    printf("cancel %d", pthread_cancel(thread));
    pthread_join(thread, &end);
    printf(" cancelled %d\n", end == PTHREAD_CANCELED);
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    pipe(ends);
    file = open("cancel.txt", O_RDWR | O_CREAT | O_TRUNC, 0600);
    ftruncate(file, 105000); /* it may be cancelled before its first write */
    cancel(in_pipe);
    cancel(in_writes);
    FILE *f = fopen("segv.txt", "w");
    fprintf(f, "before the fault\n");
    fflush(f);
    for (int i = 0; i < 5; i++)
        dprintf(fileno(f), "%d\n", i);
    raise(SIGCONT);
    *(volatile int *)getenv("no such variable") = 1;
    return 0;
}
