/* ops_dir.c - see server.h: directories, listed with their attributes */
#include "mount/server.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

struct listing {
    fuse_req_t req;
    struct node *dir;
    bool plus;
    char *buf;
    size_t size, done;
};

void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    char path[PATH_MAX];
    struct ckpt_file *file;
    long rc = tree_path(server_node(ino), NULL, path);

    if (rc == 0)
        rc = home_open(path, O_RDONLY | O_DIRECTORY, 0, &file);
    if (rc < 0) {
        server_reply(req, rc);
        return;
    }
    fi->fh = (uint64_t)(file - ckpt_state->files);
    fuse_reply_open(req, fi);
}

void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)ino;
    server_reply(req, ckpt_file_put(&ckpt_state->files[fi->fh]));
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Add one entry with what is known of it; false: no room. */
static bool add_plus(struct listing *l, const shadow_dirent *entry)
{
    struct fuse_entry_param e = {
        .attr = {.st_ino = entry->ino, .st_mode = entry->type << 12}};
    bool enter = entry->attr.ino != 0 && !is_dots(entry->name);
    size_t need = fuse_add_direntry_plus(l->req, NULL, 0, entry->name, &e, 0);

    if (need > l->size - l->done)
        return false;
    if (enter)
        server_enter(l->dir, entry->name, &entry->attr, &e);
    l->done +=
        fuse_add_direntry_plus(l->req, l->buf + l->done, l->size - l->done,
                               entry->name, &e, entry->cookie);
    return true;
}

static bool add_plain(struct listing *l, const shadow_dirent *entry)
{
    struct stat st = {.st_ino = entry->ino, .st_mode = entry->type << 12};
    size_t n = fuse_add_direntry(l->req, l->buf + l->done, l->size - l->done,
                                 entry->name, &st, entry->cookie);

    if (n > l->size - l->done)
        return false;
    l->done += n;
    return true;
}

static bool take(void *arg, const shadow_dirent *entry)
{
    struct listing *l = arg;

    return l->plus ? add_plus(l, entry) : add_plain(l, entry);
}

enum { DIRENT_PLUS_LEN = 176, DIRENT_LEN = 40, LISTING_MAX = 1 << 17 };

static void list(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
                 struct fuse_file_info *fi, bool plus)
{
    static char buf[LISTING_MAX];
    struct listing l = {.req = req,
                        .dir = server_node(ino),
                        .plus = plus,
                        .buf = buf,
                        .size = size < sizeof buf ? size : sizeof buf};
    size_t room = l.size / (plus ? DIRENT_PLUS_LEN : DIRENT_LEN) + 1;

    ckpt_cache_send_all();
    long rc =
        ckpt_readdir(ckpt_state->files[fi->fh].handle, off, room, take, &l);
    if (rc < 0)
        server_reply(req, rc);
    else
        fuse_reply_buf(req, buf, l.done);
}

void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
                struct fuse_file_info *fi)
{
    list(req, ino, size, off, fi, false);
}

void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
                    struct fuse_file_info *fi)
{
    list(req, ino, size, off, fi, true);
}
