/* remote_revive.c - what a checkpoint and a restart do to remote files
 *
 * Stands still, loses what an image does not contain, and begins a new session
 * with the table that it kept, as a revived process does.  The filter is
 * still there: a second one is installed on top, which changes nothing.
 */
#include "lib/proto/boot.h"
#include "lib/remote/remote.h"
#include "lib/remote/state.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char lost[sizeof(struct ckpt_link)];

static int boot_pipe(void)
{
    uint8_t bytes[CKPT_BOOT_MAX];
    int ends[2];

    size_t len = ckpt_boot_encode(&ckpt_link->boot, bytes);
    if (pipe(ends) != 0 || write(ends[1], bytes, len) != (ssize_t)len)
        return -1;
    close(ends[1]);
    return ends[0];
}

int main(void)
{
    struct ckpt_err err;
    char back[64] = "";

    FILE *f = fopen("revive.txt", "w+");
    int other = open("revive.txt", O_RDONLY | O_CLOEXEC);
    fputs("one\ntwo\n", f);
    fflush(f);
    printf("read %zd\n", read(other, back, 4));
    fputs("three\n", f);
    int boot = boot_pipe();
    if (ckpt_remote_quiesce(&err) != 0)
        return 1;
    ckpt_sys(SYS_close, ckpt_link->sock);
    memset(ckpt_link, 0, sizeof lost);
    ckpt_sys(SYS_close, fileno(f));
    if (ckpt_remote_revive(boot, &err) != 0) {
        ckpt_sys(SYS_write, 2, err.text, strlen(err.text));
        return 2;
    }
    fputs("four\n", f);
    fflush(f);
    printf("read %zd %s", read(other, back, sizeof back), back);
    printf("cloexec %d\n", fcntl(other, F_GETFD));
    fclose(f);
    printf("done\n");
    return 0;
}
