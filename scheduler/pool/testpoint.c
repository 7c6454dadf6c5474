/* testpoint.c - see testpoint.h */
#include "scheduler/pool/testpoint.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORDS_MAX = 128, HOLD_US = 10000 };

static const char *file(void)
{
    const char *path = getenv("CKPT_TESTPOINT");

    return path && path[0] ? path : NULL;
}

bool testpoint_wanted(void)
{
    return file() != NULL;
}

static void no_blanks(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from);
    for (; *to; to++)
        if (*to == ' ')
            *to = '-';
}

/* To the file beside it. */
static void note(const char *path, const char *ending, const char *words)
{
    char beside[PATH_MAX];

    snprintf(beside, sizeof beside, "%s%s", path, ending);
    int fd = open(beside, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    (void)!write(fd, words, strlen(words));
    close(fd);
}

static bool is_named(const char *path, const char *words)
{
    char named[WORDS_MAX];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, named, sizeof named - 1);

    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return false;
    named[n] = '\0';
    return strcmp(named, words) == 0;
}

void testpoint(const char *who, const char *from, const char *event,
               const char *when)
{
    char words[WORDS_MAX], from_word[32], event_word[32];
    const char *path = file();

    if (!path)
        return;
    no_blanks(from_word, sizeof from_word, from);
    no_blanks(event_word, sizeof event_word, event);
    snprintf(words, sizeof words, "%s %s %s %s\n", who, from_word, event_word,
             when);
    note(path, ".log", words);
    if (!is_named(path, words))
        return;
    snprintf(words, sizeof words, "%d\n", (int)getpid());
    note(path, ".at", words);
    if (unlink(path) == 0)
        raise(SIGSTOP);
}

void testpoint_hold(const char *words)
{
    char path[PATH_MAX], line[WORDS_MAX];

    if (!file())
        return;
    snprintf(path, sizeof path, "%s.hold", file());
    snprintf(line, sizeof line, "%s\n", words);
    while (is_named(path, line))
        usleep(HOLD_US);
}
