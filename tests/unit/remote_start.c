/* remote_start.c - starts remote mode in test programs that are linked with
 * the client alone, as libckpt's constructor does */
#include "lib/remote/remote.h"
#include "lib/remote/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static __attribute__((constructor)) void start(void)
{
    const char *fd = getenv("CKPT_REMOTE_FD");
    struct ckpt_err err;

    if (fd && ckpt_remote_start(atoi(fd), &err) != 0) {
        dprintf(2, "remote_start: %s\n", err.text);
        _exit(99);
    }
}

/* In libckpt this memory is left out of images. */
void *ckpt_unsaved_memory(size_t len)
{
    void *at = mmap(NULL, len, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}
