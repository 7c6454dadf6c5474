/* remote_busy.c - threads busy with files, for being interrupted at any point
 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 4 };
static int lines;

static void check(int ok, const char *what)
{
    if (!ok)
        printf("wrong: %s\n", what);
}

static void names(long id, int i)
{
    char from[32], to[32];
    struct stat st;

    snprintf(from, sizeof from, "name.%ld.%d", id, i);
    snprintf(to, sizeof to, "renamed.%ld", id);
    int fd = open(from, O_WRONLY | O_CREAT | O_EXCL, 0600);
    check(fd >= 0, "create");
    check(write(fd, from, strlen(from)) == (ssize_t)strlen(from), "write");
    close(fd);
    check(rename(from, to) == 0, "rename");
    check(stat(to, &st) == 0 && st.st_size == (off_t)strlen(from), "stat");
}

static void *work(void *arg)
{
    long id = (long)arg;
    struct timespec pause = {0, 300000};
    char name[32], line[64];

    snprintf(name, sizeof name, "busy.%ld", id);
    FILE *f = fopen(name, "w+");
    for (int i = 0; i < lines; i++) {
        fprintf(f, "%ld %d\n", id, i);
        if (i % 7 == 0)
            fflush(f);
        if (i % 50 == 0)
            names(id, i);
        nanosleep(&pause, NULL);
    }
    rewind(f);
    for (int i = 0; i < lines; i++) {
        char expected[64];
        snprintf(expected, sizeof expected, "%ld %d\n", id, i);
        check(fgets(line, sizeof line, f) && strcmp(line, expected) == 0,
              "line");
    }
    fclose(f);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];

    lines = argc > 1 ? atoi(argv[1]) : 1000;
    for (long i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, work, (void *)i);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    printf("finished\n");
    return 0;
}
