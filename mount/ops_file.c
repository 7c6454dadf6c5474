/* ops_file.c - see server.h: open files
 *
 * A file handle of the kernel is an entry of lib/remote's table of open
 * descriptions.  Reads and writes go through its cache; appending is the
 * shadow's, whatever the kernel thinks where the end is.
 */
#include "mount/server.h"

#include <fcntl.h>
#include <string.h>

static struct ckpt_file *file_of(const struct fuse_file_info *fi)
{
    return &ckpt_state->files[fi->fh];
}

/* What the kernel has of the file's content is still right. */
static bool same_content(struct node *node, const struct shadow_attr *attr)
{
    bool same = node->seen && node->seen_size == attr->size &&
                node->seen_sec == attr->mtime_sec &&
                node->seen_nsec == attr->mtime_nsec;

    node->seen = true;
    node->seen_size = attr->size;
    node->seen_sec = attr->mtime_sec;
    node->seen_nsec = attr->mtime_nsec;
    return same;
}

/* The node has one more open file. */
static void opened(struct node *node, struct ckpt_file *file,
                   struct fuse_file_info *fi)
{
    bool writes = (file->flags & O_ACCMODE) != O_RDONLY;

    fi->fh = (uint64_t)(file - ckpt_state->files);
    fi->keep_cache = same_content(node, &file->attr);
    if (node->opens++ == 0 || writes)
        node->file = file;
}

/* Another one of its files, when this was the one to ask. */
static struct ckpt_file *other_file(const struct ckpt_file *closed)
{
    for (uint32_t i = 0; i < ckpt_state->files_top; i++) {
        struct ckpt_file *file = &ckpt_state->files[i];
        if (file != closed && file->refs > 0 && file->node == closed->node &&
            file->kind == CKPT_KIND_FILE)
            return file;
    }
    return NULL;
}

static int wire_flags(const struct fuse_file_info *fi)
{
    return fi->flags & (O_ACCMODE | O_TRUNC | O_APPEND | O_SYNC | O_DSYNC);
}

void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
               struct fuse_file_info *fi)
{
    struct node *dir = server_node(parent), *node;
    char path[PATH_MAX];
    struct ckpt_file *file;
    struct fuse_entry_param e;
    int flags = wire_flags(fi) | O_CREAT | (fi->flags & O_EXCL);
    long rc = dir == tree_root() ? -EPERM : tree_path(dir, name, path);

    if (rc == 0)
        rc = home_open(path, flags, mode & 07777, &file);
    if (rc < 0) {
        server_reply(req, rc);
        return;
    }
    rc = server_enter(dir, name, &file->attr, &e);
    if (rc < 0) {
        ckpt_file_put(file);
        server_reply(req, rc);
        return;
    }
    node = server_node(e.ino);
    opened(node, file, fi);
    if (fuse_reply_create(req, &e, fi) < 0)
        op_release(NULL, e.ino, fi);
}

void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct node *node = server_node(ino);
    char path[PATH_MAX];
    struct ckpt_file *file;

    if (node->kind != TREE_FILE) {
        special_open(req, node, fi);
        return;
    }
    long rc = tree_path(node, NULL, path);
    if (rc == 0)
        rc = home_open(path, wire_flags(fi), 0, &file);
    if (rc < 0) {
        server_reply(req, rc);
        return;
    }
    opened(node, file, fi);
    if (fuse_reply_open(req, fi) < 0)
        op_release(NULL, ino, fi);
}

void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
             struct fuse_file_info *fi)
{
    static char buf[SHADOW_DATA_MAX];
    long n = ckpt_cache_read(
        file_of(fi), buf, size < sizeof buf ? size : sizeof buf, (uint64_t)off);

    (void)ino;
    if (n < 0)
        server_reply(req, n);
    else
        fuse_reply_buf(req, buf, (size_t)n);
}

/* A page that was changed in a mapping belongs where it is. */
void op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size,
              off_t off, struct fuse_file_info *fi)
{
    if (special_is(fi)) {
        special_write(req, fi, buf, size, off);
        return;
    }
    struct ckpt_file *file = file_of(fi);
    bool append = (file->flags & O_APPEND) && !fi->writepage;
    long n = ckpt_cache_write(file, buf, size, (uint64_t)off, append);

    (void)ino;
    if (n < 0)
        server_reply(req, n);
    else
        fuse_reply_write(req, (size_t)n);
}

/* A descriptor is closed: the last moment to tell of a late error. */
void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct ckpt_file *file = file_of(fi);
    long rc = 0;

    if (!special_is(fi) && (file->flags & O_ACCMODE) != O_RDONLY)
        rc = ckpt_cache_settle(&ckpt_state->nodes[file->node]);
    locks_closed(server_node(ino), fi->lock_owner);
    server_reply(req, rc);
}

void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync,
              struct fuse_file_info *fi)
{
    if (special_is(fi)) {
        special_fsync(req, fi);
        return;
    }
    struct ckpt_file *file = file_of(fi);
    shadow_handle_args args = {file->handle};
    long rc = ckpt_cache_settle(&ckpt_state->nodes[file->node]);

    (void)ino, (void)datasync;
    if (rc == 0)
        rc = home_do(SHADOW_FSYNC, (xdrproc_t)xdr_shadow_handle_args, &args);
    server_reply(req, rc);
}

void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct node *node = server_node(ino);
    struct ckpt_file *file = file_of(fi);

    if (special_is(fi)) {
        server_reply(req, 0);
        return;
    }
    locks_released(node, fi->fh);
    node->opens--;
    if (node->file == file)
        node->file = node->opens > 0 ? other_file(file) : NULL;
    long rc = ckpt_file_put(file);
    if (req)
        server_reply(req, rc);
}

void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset,
                  off_t length, struct fuse_file_info *fi)
{
    struct ckpt_file *file = file_of(fi);
    if (special_is(fi)) {
        server_reply(req, -EOPNOTSUPP);
        return;
    }
    shadow_fallocate_args args = {file->handle, mode, (uint64_t)offset,
                                  (uint64_t)length};
    long rc =
        home_do(SHADOW_FALLOCATE, (xdrproc_t)xdr_shadow_fallocate_args, &args);

    (void)ino;
    ckpt_cache_drop(&ckpt_state->nodes[file->node]);
    server_reply(req, rc);
}
