/* core_spawn.c - how long programs take from start to end
 *
 *     core_spawn ROUNDS COMMAND...
 *
 * Each COMMAND is "NAME PROGRAM [ARG...]"; PROGRAM may be preceded by
 * VARIABLE=VALUE.  The commands are run by turns; prints one line "NAME
 * microseconds" for each run.
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

enum { WORDS = 32 };

struct command {
    char *name, *argv[WORDS], *env[WORDS];
};

static void parse(struct command *c, char *text)
{
    size_t args = 0, vars = 0;
    char *word = strtok(text, " ");

    c->name = word;
    while ((word = strtok(NULL, " ")) && args < WORDS - 1 && vars < WORDS - 1)
        if (args == 0 && strchr(word, '='))
            c->env[vars++] = word;
        else
            c->argv[args++] = word;
}

static double run(const struct command *c)
{
    struct timespec began, ended;
    pid_t pid;
    int status;

    clock_gettime(CLOCK_MONOTONIC, &began);
    if (posix_spawn(&pid, c->argv[0], NULL, NULL, c->argv, c->env) != 0 ||
        waitpid(pid, &status, 0) < 0 || status != 0)
        return -1;
    clock_gettime(CLOCK_MONOTONIC, &ended);
    return (double)(ended.tv_sec - began.tv_sec) * 1e6 +
           (double)(ended.tv_nsec - began.tv_nsec) / 1e3;
}

int main(int argc, char **argv)
{
    int rounds = argc > 2 ? atoi(argv[1]) : 0;
    size_t n = argc > 2 ? (size_t)argc - 2 : 0;
    struct command *commands = calloc(n + 1, sizeof *commands);

    for (size_t i = 0; commands && i < n; i++)
        parse(&commands[i], argv[i + 2]);
    for (int round = 0; commands && round < rounds; round++)
        for (size_t i = 0; i < n; i++) {
            double us = run(&commands[i]);
            if (us < 0) {
                fprintf(stderr, "core_spawn: %s fails\n", commands[i].name);
                return 1;
            }
            printf("%s %.1f\n", commands[i].name, us);
        }
    free(commands);
    return 0;
}
