/* harm.c - an image with every kind of damage: who reads it refuses it
 *
 *     harm IMAGE COUNT SEED STATUS OUTPUT LINES
 *
 * IMAGE, in a file system that is quick, is cut at every end of a section (a
 * byte before, there, a byte after), then COUNT times changed in one to eight
 * bytes.  Each time a child opens and verifies it.  What is called good must
 * have the same contents, and `ckpt restart` must end with STATUS and have
 * written OUTPUT; what is refused must be refused by a restart, too, in one
 * line.  Every tenth damage a restart that checks lazily may also end the
 * program, or give the right result, because the damage was nowhere it came.
 * Nothing crashes, and nothing takes longer than LIMIT_S.
 *
 * Prints "TRIED REFUSED HARMLESS LAZY".
 */
#include "lib/image/image_impl.h"
#include "lib/restart/restart.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIMIT_S = 60, BYTES_MAX = 8, EDGE = 8192, OUTPUT_MAX = 4096 };
enum { SAYS_GOOD = 40, SAYS_BAD, SAYS_WRONG };

static const char *path, *wanted_output;
static int wanted_status;
static uint8_t *bytes; /* of the whole image... */
static size_t len;
static uint8_t *core; /* ...and of what is in it */
static size_t core_len;
static unsigned long tried, refused, harmless, lazily;
static char what[128];

static void fail(const char *why, const char *detail)
{
    printf("%s: %s: %s\n", what, why, detail);
    exit(1);
}

/* --- in children ---------------------------------------------------------- */

static bool is_same(struct ckpt_image *image)
{
    uint8_t *now = malloc(core_len);
    struct ckpt_err err;

    return now && ckpt_image_core_size(image) == core_len &&
           ckpt_image_read(image, 0, now, core_len, &err) == 0 &&
           memcmp(now, core, core_len) == 0;
}

static void say_bad(const struct ckpt_err *err)
{
    printf("%s\n", err->text);
    fflush(stdout);
    _exit(SAYS_BAD);
}

static void verify(void)
{
    struct ckpt_err err = {""};
    struct ckpt_image *image = ckpt_image_open(path, &err);

    if (!image || ckpt_image_verify(image, &err))
        say_bad(&err);
    _exit(is_same(image) ? SAYS_GOOD : SAYS_WRONG);
}

static void restart_with(enum ckpt_verify verify)
{
    struct ckpt_restart_options o = {.verify = verify, .remote_fd = -1};
    struct ckpt_err err = {""};

    ckpt_restart(path, &o, &err);
    say_bad(&err);
}

static void restart(void)
{
    restart_with(CKPT_VERIFY_AUTO);
}

static void restart_lazily(void)
{
    restart_with(CKPT_VERIFY_LAZY);
}

/* --- the parent ----------------------------------------------------------- */

/* The exit status of a child that does this; what it writes. */
static int in_child(void (*fn)(void), char *output)
{
    int fds[2], status;
    size_t n = 0;
    ssize_t got;

    if (pipe2(fds, O_CLOEXEC) < 0)
        fail("pipe", strerror(errno));
    pid_t pid = fork();
    if (pid == 0) {
        alarm(LIMIT_S);
        dup2(fds[1], 1);
        dup2(fds[1], 2);
        close(fds[0]);
        close(fds[1]);
        fn();
    }
    close(fds[1]);
    while (n < OUTPUT_MAX - 1 &&
           (got = read(fds[0], output + n, OUTPUT_MAX - 1 - n)) > 0)
        n += (size_t)got;
    output[n] = '\0';
    close(fds[0]);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        fail("fork", strerror(errno));
    if (!WIFEXITED(status))
        fail("ended by a signal", output);
    return WEXITSTATUS(status);
}

static bool is_result(int status, const char *output)
{
    return status == wanted_status && strcmp(output, wanted_output) == 0;
}

static void try_lazily(void)
{
    char output[OUTPUT_MAX];
    int status = in_child(restart_lazily, output);

    lazily++;
    if (status != SAYS_BAD && !is_result(status, output) &&
        !(status == 1 && strstr(output, "was ended")))
        fail("a lazy restart", output);
}

static void try(void)
{
    char output[OUTPUT_MAX];
    int status = in_child(verify, output);

    tried++;
    if (status == SAYS_GOOD) {
        harmless++;
        if (!is_result(in_child(restart, output), output))
            fail("called good, but does not restart", output);
        return;
    }
    if (status != SAYS_BAD)
        fail(status == SAYS_WRONG ? "damaged, and called good" : "verify",
             output);
    if (strchr(output, '\n') != output + strlen(output) - 1 || output[1] == 0)
        fail("not one line", output);
    if (in_child(restart, output) != SAYS_BAD)
        fail("restarted, although it is damaged", output);
    refused++;
    if (tried % 10 == 0)
        try_lazily();
}

/* --- damage --------------------------------------------------------------- */

static void store(const uint8_t *from, size_t n)
{
    int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0 || write(fd, from, n) != (ssize_t)n)
        fail("cannot write", strerror(errno));
    close(fd);
}

static void cut_at(uint64_t at)
{
    for (int k = -1; k <= 1; k++) {
        uint64_t n = at + (uint64_t)k;
        if (n >= len) /* -1 as well */
            continue;
        snprintf(what, sizeof what, "cut to %zu of %zu bytes", (size_t)n, len);
        store(bytes, (size_t)n);
        try();
    }
}

/* Headers, notes, segments, table; of a compressed image lead, frames,
 * trailer. */
static void cut_everywhere(const struct ckpt_image *image)
{
    const struct ckpt_source *s = &image->source;
    const uint8_t *note = image->notes;

    cut_at(0);
    cut_at(64);
    cut_at(len);
    for (size_t i = 0; s->codec != CKPT_CODEC_NONE && i < s->nchunks; i++) {
        cut_at(s->offsets[i]);
        cut_at(s->offsets[i] + s->frames[i].len);
    }
    if (s->codec != CKPT_CODEC_NONE)
        return;
    cut_at(64 + image->phnum * sizeof *image->phdrs);
    for (size_t i = 0; i < image->phnum; i++) {
        cut_at(image->phdrs[i].p_offset);
        cut_at(image->phdrs[i].p_offset + image->phdrs[i].p_filesz);
    }
    while (note < image->notes + image->notes_len) {
        uint32_t size[2];
        memcpy(size, note, sizeof size);
        note += 12 + (size[0] + 3) / 4 * 4 + (size[1] + 3) / 4 * 4;
        cut_at(image->phdrs[0].p_offset + (size_t)(note - image->notes));
    }
}

static uint64_t next(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

/* Every other one among the first and last 8 KiB. */
static void mutate(uint8_t *copy, unsigned long seed)
{
    uint64_t x = seed * 0x9e3779b97f4a7c15u + 1, at[BYTES_MAX];
    size_t n = next(&x) % BYTES_MAX + 1;

    for (size_t i = 0; i < n; i++) {
        at[i] = next(&x) % len;
        if (seed % 2 && len > (size_t)2 * EDGE)
            at[i] = at[i] % 2 ? at[i] % EDGE : len - 1 - at[i] % EDGE;
        copy[at[i]] ^= (uint8_t)(next(&x) % 255 + 1);
    }
    snprintf(what, sizeof what, "mutation %lu", seed);
    store(copy, len);
    try();
    for (size_t i = 0; i < n; i++)
        copy[at[i]] = bytes[at[i]];
}

/* --- from the beginning to the end ---------------------------------------- */

static void load(struct ckpt_image *image)
{
    struct ckpt_err err;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    len = ckpt_image_file_size(image);
    core_len = ckpt_image_core_size(image);
    bytes = malloc(len);
    core = malloc(core_len);
    if (!bytes || !core || read(fd, bytes, len) != (ssize_t)len ||
        ckpt_image_read(image, 0, core, core_len, &err))
        fail("cannot read", path);
    close(fd);
}

int main(int argc, char **argv)
{
    struct ckpt_err err = {""};

    if (argc != 6)
        return 2;
    path = argv[1];
    wanted_status = atoi(argv[4]);
    wanted_output = argv[5];
    unsigned long count = strtoul(argv[2], NULL, 10);
    unsigned long seed = strtoul(argv[3], NULL, 10) * 1000000;
    struct ckpt_image *image = ckpt_image_open(path, &err);
    snprintf(what, sizeof what, "%s", path);
    if (!image)
        fail("not good before anything is done to it", err.text);
    load(image);
    cut_everywhere(image);
    uint8_t *copy = malloc(len);
    if (!copy)
        fail("no memory", path);
    memcpy(copy, bytes, len);
    for (unsigned long i = 0; i < count; i++)
        mutate(copy, seed + i);
    snprintf(what, sizeof what, "the whole one again");
    store(bytes, len);
    try();
    printf("%lu %lu %lu %lu\n", tried, refused, harmless, lazily);
    return harmless > 0 ? 0 : 1;
}
