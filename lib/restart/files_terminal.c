/* files_terminal.c - terminals get the modes that the program's had; see
 * files.h
 */
#include "lib/restart/files.h"

#include "lib/restart/files_kinds.h"

#include <asm/termbits.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <unistd.h>

bool ckpt_files_in_foreground(void)
{
    pid_t group = -1;
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        return true; /* no terminal controls us: none can be in our way */
    ioctl(fd, TIOCGPGRP, &group);
    close(fd);
    return group == getpgrp();
}

static bool decode(const struct ckpt_open_file *f, struct termios2 *modes)
{
    struct ckpt_bytes b = ckpt_files_state(f);

    memset(modes, 0, sizeof *modes);
    modes->c_iflag = ckpt_get_u32(&b);
    modes->c_oflag = ckpt_get_u32(&b);
    modes->c_cflag = ckpt_get_u32(&b);
    modes->c_lflag = ckpt_get_u32(&b);
    ckpt_get_raw(&b, &modes->c_line, 1);
    ckpt_get_raw(&b, modes->c_cc, sizeof modes->c_cc);
    modes->c_ispeed = ckpt_get_u32(&b);
    modes->c_ospeed = ckpt_get_u32(&b);
    return !b.failed;
}

void ckpt_files_set_terminals(const struct ckpt_notes *notes)
{
    struct termios2 modes;

    for (size_t i = 0; i < notes->ndescriptors; i++) {
        const struct ckpt_descriptor *d = &notes->descriptors[i];
        const struct ckpt_open_file *f = &notes->files[d->file];
        if ((f->kind == CKPT_FILE_CALLER || f->kind == CKPT_FILE_DEVICE) &&
            f->state.len > 0 && decode(f, &modes))
            ioctl(d->fd, TCSETS2, &modes); /* it may be no terminal any more */
    }
}
