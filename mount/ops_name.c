/* ops_name.c - see server.h: names and what is known of what they name */
#include "mount/server.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

struct node *server_node(fuse_ino_t ino)
{
    return ino == FUSE_ROOT_ID ? tree_root() : (struct node *)ino;
}

fuse_ino_t server_ino(struct node *node)
{
    return node == tree_root() ? FUSE_ROOT_ID : (fuse_ino_t)node;
}

void server_reply(fuse_req_t req, long rc)
{
    fuse_reply_err(req, rc < 0 ? (int)-rc : 0);
}

static void entry_of(struct node *node, const struct shadow_attr *attr,
                     struct fuse_entry_param *e)
{
    *e = (struct fuse_entry_param){.ino = server_ino(node),
                                   .attr_timeout = SERVER_VALID_SEC,
                                   .entry_timeout = SERVER_VALID_SEC};
    home_attr(attr, &e->attr);
}

long server_enter(struct node *parent, const char *text,
                  const struct shadow_attr *attr, struct fuse_entry_param *e)
{
    struct node *node = tree_enter(parent, text, attr);

    if (!node)
        return -ENOMEM;
    entry_of(node, attr, e);
    return 0;
}

/* The root: only to mount from. */
static void root_attr(struct shadow_attr *attr)
{
    *attr = (struct shadow_attr){
        .ino = FUSE_ROOT_ID, .mode = S_IFDIR | 0555, .nlink = 2};
}

long server_attr(struct node *node, struct shadow_attr *attr)
{
    char path[PATH_MAX];

    if (node == tree_root()) {
        root_attr(attr);
        return 0;
    }
    if (node->kind != TREE_FILE) {
        special_attr(node, attr);
        return 0;
    }
    if (node->file) {
        node->file->attr_fresh = false;
        return ckpt_file_attr(node->file, attr);
    }
    long rc = tree_path(node, NULL, path);
    return rc < 0 ? rc : home_stat(path, attr);
}

/* --- looking up -----------------------------------------------------------
 */

static void reply_entry(fuse_req_t req, struct node *parent, const char *name,
                        const char *path)
{
    struct fuse_entry_param e;
    struct shadow_attr attr;
    long rc = home_stat(path, &attr);

    if (rc == 0)
        rc = server_enter(parent, name, &attr, &e);
    if (rc < 0)
        server_reply(req, rc);
    else
        fuse_reply_entry(req, &e);
}

static void lookup_grant(fuse_req_t req, const char *name)
{
    struct node *node = tree_find(tree_root(), name);
    struct fuse_entry_param e;
    struct shadow_attr attr;
    long rc = node ? server_attr(node, &attr) : -ENOENT;

    if (rc < 0) {
        server_reply(req, rc);
        return;
    }
    entry_of(node, &attr, &e);
    fuse_reply_entry(req, &e);
}

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct node *dir = server_node(parent);
    char path[PATH_MAX];

    if (dir == tree_root()) {
        lookup_grant(req, name);
        return;
    }
    long rc = tree_path(dir, name, path);
    if (rc < 0)
        server_reply(req, rc);
    else
        reply_entry(req, dir, name, path);
}

void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t n)
{
    tree_forget(server_node(ino), n);
    fuse_reply_none(req);
}

void op_forget_multi(fuse_req_t req, size_t count,
                     struct fuse_forget_data *list)
{
    for (size_t i = 0; i < count; i++)
        tree_forget(server_node(list[i].ino), list[i].nlookup);
    fuse_reply_none(req);
}

/* --- attributes -----------------------------------------------------------
 */

void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct shadow_attr attr;
    struct stat st;
    long rc = server_attr(server_node(ino), &attr);

    (void)fi;
    if (rc < 0) {
        server_reply(req, rc);
        return;
    }
    home_attr(&attr, &st);
    fuse_reply_attr(req, &st, SERVER_VALID_SEC);
}

static long set_size(struct node *node, const char *path, uint64_t size)
{
    if (node->file && (node->file->flags & O_ACCMODE) != O_RDONLY) {
        shadow_ftruncate_args args = {node->file->handle, size};
        return home_do(SHADOW_FTRUNCATE, (xdrproc_t)xdr_shadow_ftruncate_args,
                       &args);
    }
    shadow_truncate_args args = {home_at(path), size};
    return home_do(SHADOW_TRUNCATE, (xdrproc_t)xdr_shadow_truncate_args, &args);
}

static long set_times(const char *path, const struct stat *st, int to_set)
{
    shadow_utimes_args args = {
        home_at(path),
        {st->st_atim.tv_sec, UTIME_OMIT, st->st_mtim.tv_sec, UTIME_OMIT},
        false};

    if (to_set & FUSE_SET_ATTR_ATIME_NOW)
        args.times.atime_nsec = UTIME_NOW;
    else if (to_set & FUSE_SET_ATTR_ATIME)
        args.times.atime_nsec = (unsigned)st->st_atim.tv_nsec;
    if (to_set & FUSE_SET_ATTR_MTIME_NOW)
        args.times.mtime_nsec = UTIME_NOW;
    else if (to_set & FUSE_SET_ATTR_MTIME)
        args.times.mtime_nsec = (unsigned)st->st_mtim.tv_nsec;
    return home_do(SHADOW_UTIMES, (xdrproc_t)xdr_shadow_utimes_args, &args);
}

static long set_owner(const char *path, const struct stat *st, int to_set)
{
    shadow_owner_args args = {
        home_at(path), to_set & FUSE_SET_ATTR_UID ? st->st_uid : (uid_t)-1,
        to_set & FUSE_SET_ATTR_GID ? st->st_gid : (gid_t)-1, false};

    return home_do(SHADOW_CHOWN, (xdrproc_t)xdr_shadow_owner_args, &args);
}

static long set_mode(const char *path, mode_t mode)
{
    shadow_mode_args args = {home_at(path), mode & 07777};

    return home_do(SHADOW_CHMOD, (xdrproc_t)xdr_shadow_mode_args, &args);
}

static long set_attr(struct node *node, const struct stat *st, int to_set)
{
    static const int times = FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME |
                             FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME_NOW;
    char path[PATH_MAX] = "";
    long rc = tree_path(node, NULL, path);

    if (rc < 0 && !(to_set == FUSE_SET_ATTR_SIZE && node->file))
        return rc;
    rc = 0;
    if (to_set & FUSE_SET_ATTR_MODE)
        rc = set_mode(path, st->st_mode);
    if (rc == 0 && (to_set & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)))
        rc = set_owner(path, st, to_set);
    if (rc == 0 && (to_set & FUSE_SET_ATTR_SIZE))
        rc = set_size(node, path, (uint64_t)st->st_size);
    if (rc == 0 && (to_set & times))
        rc = set_times(path, st, to_set);
    if (node->file)
        ckpt_cache_drop(&ckpt_state->nodes[node->file->node]);
    return rc;
}

void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *st, int to_set,
                struct fuse_file_info *fi)
{
    struct node *node = server_node(ino);
    bool no_file = node == tree_root() || node->kind != TREE_FILE;
    long rc = no_file ? -EPERM : set_attr(node, st, to_set);

    if (rc < 0)
        server_reply(req, rc);
    else
        op_getattr(req, ino, fi);
}

void op_access(fuse_req_t req, fuse_ino_t ino, int mask)
{
    struct node *node = server_node(ino);
    char path[PATH_MAX];
    long rc = 0;

    if (node != tree_root() && node->kind == TREE_FILE &&
        (rc = tree_path(node, NULL, path)) == 0) {
        shadow_access_args args = {home_at(path), mask, true, false};
        rc = home_do(SHADOW_ACCESS, (xdrproc_t)xdr_shadow_access_args, &args);
    }
    server_reply(req, rc);
}

void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
    struct node *node = server_node(ino);
    char path[PATH_MAX];
    shadow_path_args args = {home_at(path)};
    shadow_statfs_res res = {.status = EIO};
    const shadow_statfs_ok *ok = &res.shadow_statfs_res_u.ok;
    long rc = tree_path(node, NULL, path);

    if (rc == 0)
        rc = home_call(SHADOW_STATFS, (xdrproc_t)xdr_shadow_path_args, &args,
                       (xdrproc_t)xdr_shadow_statfs_res, &res);
    if (rc < 0) {
        server_reply(req, rc);
        return;
    }
    struct statvfs fs = {
        .f_bsize = ok->bsize,
        .f_frsize = ok->frsize ? ok->frsize : ok->bsize,
        .f_blocks = ok->blocks,
        .f_bfree = ok->bfree,
        .f_bavail = ok->bavail,
        .f_files = ok->files,
        .f_ffree = ok->ffree,
        .f_favail = ok->ffree,
        .f_namemax = ok->namelen,
    };
    fuse_reply_statfs(req, &fs);
}

/* --- making ---------------------------------------------------------------
 */

/* The path of a name in a directory; the root has none to give. */
static long name_path(struct node *dir, const char *name, char *path)
{
    *path = '\0';
    return dir == tree_root() ? -EPERM : tree_path(dir, name, path);
}

/* It was made, or was not: tell of it. */
static void reply_made(fuse_req_t req, long rc, struct node *dir,
                       const char *name, const char *path)
{
    if (rc == 0)
        reply_entry(req, dir, name, path);
    else
        server_reply(req, rc);
}

/* A name for a file that is not open; nothing but regular files. */
void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
              dev_t dev)
{
    struct node *dir = server_node(parent);
    char path[PATH_MAX];
    struct ckpt_file *file;
    long rc = S_ISREG(mode) ? name_path(dir, name, path) : -EPERM;

    (void)dev;
    if (rc == 0)
        rc = home_open(path, O_WRONLY | O_CREAT | O_EXCL, mode & 07777, &file);
    if (rc == 0)
        rc = ckpt_file_put(file);
    reply_made(req, rc, dir, name, path);
}

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
    struct node *dir = server_node(parent);
    char path[PATH_MAX];
    long rc = name_path(dir, name, path);

    if (rc == 0) {
        shadow_mode_args args = {home_at(path), mode & 07777};
        rc = home_do(SHADOW_MKDIR, (xdrproc_t)xdr_shadow_mode_args, &args);
    }
    reply_made(req, rc, dir, name, path);
}

void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent,
                const char *name)
{
    struct node *dir = server_node(parent);
    char path[PATH_MAX];
    long rc = name_path(dir, name, path);

    if (rc == 0) {
        shadow_symlink_args args = {(char *)(uintptr_t)target, home_at(path)};
        rc = home_do(SHADOW_SYMLINK, (xdrproc_t)xdr_shadow_symlink_args, &args);
    }
    reply_made(req, rc, dir, name, path);
}

void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent,
             const char *name)
{
    struct node *dir = server_node(parent);
    char from[PATH_MAX], path[PATH_MAX] = "";
    long rc = tree_path(server_node(ino), NULL, from);

    if (rc == 0)
        rc = name_path(dir, name, path);
    if (rc == 0) {
        shadow_two_paths_args args = {home_at(from), home_at(path), 0};
        rc = home_do(SHADOW_LINK, (xdrproc_t)xdr_shadow_two_paths_args, &args);
    }
    reply_made(req, rc, dir, name, path);
}

void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
    char path[PATH_MAX] = "", target[PATH_MAX];
    shadow_path_args args = {home_at(path)};
    shadow_path_res res = {.status = EIO, .shadow_path_res_u.path = target};
    long rc = tree_path(server_node(ino), NULL, path);

    if (rc == 0)
        rc = home_call(SHADOW_READLINK, (xdrproc_t)xdr_shadow_path_args, &args,
                       (xdrproc_t)xdr_shadow_path_res, &res);
    if (rc < 0)
        server_reply(req, rc);
    else
        fuse_reply_readlink(req, target);
}

/* --- removing -------------------------------------------------------------
 */

static void do_remove(fuse_req_t req, fuse_ino_t parent, const char *name,
                      bool is_dir)
{
    struct node *dir = server_node(parent);
    char path[PATH_MAX];
    long rc = name_path(dir, name, path);

    if (rc == 0) {
        shadow_unlink_args args = {home_at(path), is_dir};
        rc = home_do(SHADOW_UNLINK, (xdrproc_t)xdr_shadow_unlink_args, &args);
    }
    if (rc == 0)
        tree_remove(dir, name);
    server_reply(req, rc);
}

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    do_remove(req, parent, name, false);
}

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    do_remove(req, parent, name, true);
}

enum { EXCHANGE = 2 }; /* RENAME_EXCHANGE */

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
               fuse_ino_t to, const char *text, unsigned flags)
{
    struct node *from_dir = server_node(parent), *to_dir = server_node(to);
    char from[PATH_MAX], path[PATH_MAX];
    long rc = name_path(from_dir, name, from);

    if (rc == 0)
        rc = name_path(to_dir, text, path);
    if (rc == 0) {
        shadow_two_paths_args args = {home_at(from), home_at(path), flags};
        rc =
            home_do(SHADOW_RENAME, (xdrproc_t)xdr_shadow_two_paths_args, &args);
    }
    if (rc == 0)
        tree_rename(from_dir, name, to_dir, text, flags & EXCHANGE);
    server_reply(req, rc);
}
