/* remote_owner.c KIND - one thread and a recursive lock
 *
 * `often`: it holds it half of the time, a few milliseconds each; `ever`: from
 * its start to its end.  It ends when there is a file "go".
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static int failures;

static void work(void)
{
    struct timespec end, now;

    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_nsec += 4000000;
    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while ((now.tv_sec - end.tv_sec) * 1000000000 + now.tv_nsec < end.tv_nsec);
}

int main(int argc, char **argv)
{
    int ever = argc > 1 && strcmp(argv[1], "ever") == 0;
    long beats = 0;

    if (ever)
        pthread_mutex_lock(&lock);
    puts("ready");
    fflush(stdout);
    for (; access("go", F_OK) < 0; beats++) {
        failures += pthread_mutex_lock(&lock) != 0;
        work();
        failures += pthread_mutex_unlock(&lock) != 0;
        work();
    }
    if (ever)
        failures += pthread_mutex_unlock(&lock) != 0;
    puts(failures == 0 ? "all well" : "a lock was lost");
    return failures != 0;
}
