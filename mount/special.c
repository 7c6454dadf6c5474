/* special.c - see server.h: the image and the log
 *
 * libckpt in the job's program writes its image from the beginning to the end
 * (lib/capture/mounted.c) while the program stands still.  fsync first sends
 * what was written behind: what the shadow commits with the image is the
 * program's files as they were.
 */
#include "lib/common/mounted.h"
#include "lib/remote/wire.h"
#include "mount/server.h"

#include <string.h>
#include <sys/stat.h>

/* fi->fh of the two; far from any index of a file. */
enum { SPECIAL_FH = 1 << 30 };

static struct {
    uint32_t uid, gid;
} owner;

void special_own(uint32_t uid, uint32_t gid)
{
    owner.uid = uid;
    owner.gid = gid;
}

static const char *name_of(const char *path)
{
    return strrchr(path, '/') + 1;
}

int special_fix(struct ckpt_err *err)
{
    struct node *image = tree_fix(name_of(CKPT_MOUNTED_IMAGE), "");
    struct node *log = tree_fix(name_of(CKPT_MOUNTED_LOG), "");

    if (!image || !log)
        return ckpt_err_sys(err, "no memory");
    image->kind = TREE_IMAGE;
    log->kind = TREE_LOG;
    return 0;
}

void special_attr(const struct node *node, struct shadow_attr *attr)
{
    *attr = (struct shadow_attr){.uid = owner.uid,
                                 .gid = owner.gid,
                                 .ino = FUSE_ROOT_ID + (uint64_t)node->kind,
                                 .mode = S_IFREG | 0222,
                                 .nlink = 1};
}

void special_open(fuse_req_t req, struct node *node, struct fuse_file_info *fi)
{
    if (node->kind == TREE_IMAGE && locks_any()) {
        server_reply(req, -ENOLCK);
        return;
    }
    if (node->kind == TREE_IMAGE) {
        ckpt_link->image_offset = 0;
        ckpt_link->image_error = 0;
    }
    fi->fh = SPECIAL_FH + (uint64_t)node->kind;
    fi->direct_io = 1;
    fuse_reply_open(req, fi);
}

bool special_is(const struct fuse_file_info *fi)
{
    return fi->fh >= SPECIAL_FH;
}

static bool is_image(const struct fuse_file_info *fi)
{
    return fi->fh == SPECIAL_FH + TREE_IMAGE;
}

/* Not waited for; an error is told by the next part, or the commit. */
static long put_image(const char *buf, size_t size, off_t off)
{
    shadow_image_put_args args = {(uint64_t)off,
                                  {(u_int)size, (char *)(uintptr_t)buf}};

    if ((uint64_t)off != ckpt_link->image_offset)
        return -EINVAL;
    ckpt_wire_issue(ckpt_wire_begin(
        SHADOW_IMAGE_PUT, (xdrproc_t)xdr_shadow_image_put_args, &args));
    ckpt_link->image_offset += size;
    return -ckpt_link->image_error;
}

static void put_log(const char *buf, size_t size)
{
    char line[SHADOW_TEXT_MAX + 1];
    size_t len = size < sizeof line ? size : sizeof line - 1;

    memcpy(line, buf, len);
    while (len > 0 && line[len - 1] == '\n')
        len--;
    line[len] = '\0';
    ckpt_session_log(line);
}

void special_write(fuse_req_t req, const struct fuse_file_info *fi,
                   const char *buf, size_t size, off_t off)
{
    long rc = 0;

    if (is_image(fi))
        rc = put_image(buf, size, off);
    else
        put_log(buf, size);
    if (rc < 0)
        server_reply(req, rc);
    else
        fuse_reply_write(req, size);
}

long server_settle(void)
{
    long rc = 0;

    ckpt_cache_send_all();
    for (uint32_t i = 0; i < ckpt_state->nodes_top; i++) {
        long one = ckpt_cache_settle(&ckpt_state->nodes[i]);
        rc = rc ? rc : one;
    }
    ckpt_wire_settle(-1);
    return rc;
}

void special_fsync(fuse_req_t req, const struct fuse_file_info *fi)
{
    shadow_image_commit_args args = {ckpt_link->image_offset};
    long rc = server_settle();

    if (rc == 0 && is_image(fi))
        rc = -ckpt_link->image_error;
    if (rc == 0 && is_image(fi))
        rc = home_do(SHADOW_IMAGE_COMMIT,
                     (xdrproc_t)xdr_shadow_image_commit_args, &args);
    server_reply(req, rc);
}
