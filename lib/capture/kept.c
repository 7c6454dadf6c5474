/* kept.c - see kept.h */
#include "lib/capture/kept.h"

#include "lib/arch/x86_64.h"
#include "lib/capture/settings.h"
#include "lib/capture/state.h"
#include "lib/keep/protocol.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ARGS_MAX = 1 << 16 };

static struct ckpt_capture_state *const s = &ckpt_capture_state;

static long hello(void)
{
    return ckpt_keep_ask(CKPT_KEEP_HELLO, (uintptr_t)ckpt_gate_after, 0);
}

/* `ckpt run` makes the keeper, then executes the program again. */
static int start_again(char **argv, struct ckpt_err *err)
{
    static const char *const words[] = {"ckpt", "run",     "--files",
                                        "save", "--fresh", "--"};
    enum { WORDS = sizeof words / sizeof words[0] };
    char self[CKPT_PATH_MAX];
    size_t n = 0;

    while (argv[n] && n < ARGS_MAX)
        n++;
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len < 0)
        return ckpt_err_sys(err, "/proc/self/exe");
    self[len] = '\0';
    const char *line[WORDS + n + 1];
    memcpy(line, words, sizeof words);
    line[WORDS] = self;
    for (size_t i = 1; i <= n; i++)
        line[WORDS + i] = argv[i];
    if (n == 0)
        line[WORDS + 1] = NULL;
    execvp(line[0], (char *const *)line);
    return ckpt_err_sys(err, "CKPT_FILES=save needs the command ckpt");
}

int ckpt_kept_start(char **argv, struct ckpt_err *err)
{
    const char *dir = getenv("CKPT_KEPT_IN");
    int wanted = ckpt_settings_files(err);

    if (wanted <= 0)
        return wanted;
    if (!dir)
        return start_again(argv, err);
    snprintf(s->kept_dir, sizeof s->kept_dir, "%s", dir);
    if (hello() < 0)
        return ckpt_err_set(err, ENOENT,
                            "the keeper of the files does not answer");
    return 0;
}

void ckpt_kept_revive(void)
{
    if (s->kept_dir[0])
        hello();
}

int ckpt_kept_begin(const uint8_t *id, uint32_t *number, struct ckpt_err *err)
{
    uint64_t half[2];

    *number = 0;
    if (!s->kept_dir[0])
        return 0;
    memcpy(half, id, sizeof half);
    long rc = ckpt_keep_ask(CKPT_KEEP_BEGIN, half[0], half[1]);
    if (rc <= 0)
        return ckpt_err_set(
            err, EIO, "the files cannot be kept in %s: the keeper %s",
            s->kept_dir, rc == -EIO ? "cannot write there" : "is gone");
    *number = (uint32_t)rc;
    return 0;
}

void ckpt_kept_commit(uint32_t images)
{
    if (s->kept_dir[0])
        ckpt_keep_ask(CKPT_KEEP_COMMIT, images, 0);
}
