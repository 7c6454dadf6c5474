/* look_terminal.c - the modes of a terminal; see kinds.h */
#include "lib/files/kinds.h"

#include "lib/common/sys.h"

#include <asm/termbits.h>
#include <sys/ioctl.h>

int ckpt_look_terminal(struct ckpt_look *l, struct ckpt_open_file *f)
{
    struct termios2 modes;

    if (ckpt_sys(SYS_ioctl, ckpt_look_fd(l, f), TCGETS2, &modes) < 0)
        return 0; /* no terminal */
    struct ckpt_bytes b = ckpt_look_begin(l);
    ckpt_put_u32(&b, modes.c_iflag);
    ckpt_put_u32(&b, modes.c_oflag);
    ckpt_put_u32(&b, modes.c_cflag);
    ckpt_put_u32(&b, modes.c_lflag);
    ckpt_put_raw(&b, &modes.c_line, 1);
    ckpt_put_raw(&b, modes.c_cc, sizeof modes.c_cc);
    ckpt_put_u32(&b, modes.c_ispeed);
    ckpt_put_u32(&b, modes.c_ospeed);
    return ckpt_look_end(l, &b, &f->state);
}
