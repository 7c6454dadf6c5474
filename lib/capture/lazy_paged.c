/* lazy_paged.c - memory that a pager brings: wait for its word
 *
 * As lazy_load.c, in a process of its own that shares the program's memory and
 * thread area: no errno.
 */
#include "lib/capture/lazy_state.h"

#include "lib/capture/state.h"
#include "lib/common/fdpass.h"
#include "lib/common/sys.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

enum { LOOK_MS = 500 };

bool ckpt_lazy_is_paged(const struct ckpt_lazy_table *table)
{
    return table->npieces == 0;
}

int ckpt_lazy_take_pages(struct ckpt_lazy *lazy)
{
    int low = ckpt_fd_receive(lazy->fd);

    if (low < 0)
        return -1;
    lazy->uffd = (int)ckpt_sys(SYS_fcntl, low, F_DUPFD_CLOEXEC, lazy->fd + 1);
    ckpt_sys(SYS_close, low);
    return lazy->uffd < 0 ? -1 : 0;
}

/* Wait for the word, no longer than the program lives. */
static void await_word(const struct ckpt_lazy *lazy)
{
    struct pollfd p[] = {
        {.fd = lazy->fd, .events = POLLIN},
        {.fd = (int)ckpt_sys(SYS_pidfd_open, lazy->pid, 0), .events = POLLIN},
    };
    struct timespec limit = {0, LOOK_MS * 1000000};

    do
        if (!lazy->here && (int32_t)ckpt_sys(SYS_getppid) != lazy->pid)
            ckpt_sys(SYS_exit_group, 0); /* the program has ended */
    while (ckpt_sys(SYS_ppoll, p, 2, &limit, NULL, 8) <= 0 || !p[0].revents);
    ckpt_sys(SYS_close, p[1].fd);
}

void ckpt_lazy_await_pager(struct ckpt_lazy *lazy)
{
    static const char died[] = "the pager of its memory has died";
    struct ckpt_lazy_word word;
    long n;

    await_word(lazy);
    do
        n = ckpt_sys(SYS_read, lazy->fd, &word, sizeof word);
    while (n == -EINTR);
    if (n == (long)sizeof word && word.error == 0) {
        ckpt_lazy_give(lazy, CKPT_LAZY_FINISH);
        return;
    }
    bool told = n == (long)sizeof word;
    lazy->error = told ? word.error : EPIPE;
    memcpy(lazy->words, told ? word.cause : died,
           told ? sizeof word.cause : sizeof died);
    lazy->words[sizeof lazy->words - 1] = '\0';
    lazy->cause = lazy->words;
    ckpt_lazy_give(lazy, CKPT_LAZY_FAIL);
}
