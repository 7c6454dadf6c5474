/* remote_threads.c - threads that write their own files and one common one */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { THREADS = 6, LINES = 400 };
static int common;

static void *work(void *arg)
{
    long id = (long)arg;
    char name[32], line[32];

    snprintf(name, sizeof name, "thread.%ld", id);
    FILE *f = fopen(name, "w");
    for (int i = 0; i < LINES; i++) {
        fprintf(f, "%ld %d\n", id, i);
        int n = snprintf(line, sizeof line, "%ld %06d\n", id, i);
        if (write(common, line, (size_t)n) != n)
            printf("short\n");
    }
    fclose(f);
    return NULL;
}

static long lines_of(const char *name, int id)
{
    long n = 0, who, i;
    FILE *f = fopen(name, "r");

    while (f && fscanf(f, "%ld %ld", &who, &i) == 2)
        n += id < 0 || who == id;
    if (f)
        fclose(f);
    return n;
}

int main(void)
{
    pthread_t threads[THREADS];
    pthread_attr_t small;
    char name[32];

    common = open("common", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 32768);
    for (long i = 0; i < THREADS; i++)
        pthread_create(&threads[i], &small, work, (void *)i);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++) {
        snprintf(name, sizeof name, "thread.%d", i);
        printf("%s %ld, in common %ld\n", name, lines_of(name, -1),
               lines_of("common", i));
    }
    unlink("common"); /* its order is anybody's */
    return 0;
}
