/* stamp.c - see stamp.h */
#include "lib/image/stamp.h"

#include "lib/common/sys.h"

#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

static const char name[] = "user.ckpt.whole";

struct stamp {
    uint64_t version, ino, size, mtime_ns;
};

static bool make(int fd, struct stamp *stamp)
{
    struct stat st;

    if (ckpt_sys(SYS_fstat, fd, &st) < 0)
        return false;
    *stamp = (struct stamp){
        .version = 1,
        .ino = st.st_ino,
        .size = (uint64_t)st.st_size,
        .mtime_ns = (uint64_t)st.st_mtim.tv_sec * 1000000000u +
                    (uint64_t)st.st_mtim.tv_nsec,
    };
    return true;
}

void ckpt_stamp_set(int fd)
{
    struct stamp stamp;

    if (make(fd, &stamp))
        ckpt_sys(SYS_fsetxattr, fd, name, &stamp, sizeof stamp, 0);
}

bool ckpt_stamp_holds(int fd)
{
    struct stamp now, then;

    return make(fd, &now) &&
           ckpt_sys(SYS_fgetxattr, fd, name, &then, sizeof then) ==
               (long)sizeof then &&
           memcmp(&now, &then, sizeof now) == 0;
}
