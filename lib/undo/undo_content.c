/* undo_content.c - see undo.h: what files hold, and their attributes */
#include "lib/common/io.h"
#include "lib/undo/undo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

struct blocks {
    struct undo *undo;
    uint32_t id; /* of the open file */
    int fd;
};

static int undo_block(void *arg, uint32_t id, uint64_t offset,
                      const uint8_t *data, size_t len)
{
    struct blocks *blocks = arg;
    const struct undo_inode *inode = undo_inode_of(blocks->undo, id);

    if (!inode) {
        errno = EPROTO;
        return -1;
    }
    if (id != blocks->id) {
        if (blocks->fd >= 0)
            close(blocks->fd);
        blocks->fd = undo_open_inode(blocks->undo, inode);
        blocks->id = id;
    }
    if (blocks->fd < 0)
        return 0; /* gone; reported with its attributes */
    return ckpt_pwrite_full(blocks->fd, data, len, (off_t)offset);
}

int undo_blocks(struct undo *undo, struct ckpt_err *err)
{
    static const struct segment_visitor visitor = {.block = undo_block};
    struct blocks blocks = {.undo = undo, .fd = -1};

    int rc = segment_read(undo->dirfd, &visitor, &blocks, err);
    if (blocks.fd >= 0)
        close(blocks.fd);
    return rc;
}

static int set_attributes(int fd, const struct undo_inode *inode)
{
    struct timespec times[2] = {inode->atime, inode->mtime};
    char link[32];
    struct stat st;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (fstat(fd, &st) < 0)
        return -1;
    if (S_ISREG(st.st_mode) && (uint64_t)st.st_size != inode->size &&
        ftruncate(fd, (off_t)inode->size) < 0)
        return -1;
    if ((st.st_uid != inode->uid || st.st_gid != inode->gid) &&
        fchownat(fd, "", inode->uid, inode->gid, AT_EMPTY_PATH) < 0 &&
        errno != EPERM)
        return -1;
    if (!S_ISLNK(st.st_mode) && chmod(link, inode->mode & 07777) < 0)
        return -1;
    return S_ISLNK(st.st_mode) ? utimensat(fd, "", times, AT_EMPTY_PATH)
                               : utimensat(AT_FDCWD, link, times, 0);
}

int undo_attributes(struct undo *undo, struct ckpt_err *err)
{
    for (size_t i = 0; i < undo->inode_count; i++) {
        const struct undo_inode *inode = &undo->inodes[i];
        if (inode->id == 0)
            continue;
        int fd = undo_open_inode(undo, inode);
        if (fd < 0) {
            undo_report(undo, "%s was removed by another process", inode->path);
            continue;
        }
        int rc = set_attributes(fd, inode);
        if (rc < 0)
            ckpt_err_sys(err, "cannot restore %s", inode->path);
        close(fd);
        if (rc < 0)
            return -1;
    }
    return 0;
}
