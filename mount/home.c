/* home.c - see server.h: calls to the shadow */
#include "mount/server.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

long home_call(uint32_t proc, xdrproc_t encode, void *args, xdrproc_t decode,
               void *results)
{
    ckpt_cache_send_all();
    return ckpt_session_call(proc, encode, args, decode, results);
}

long home_do(uint32_t proc, xdrproc_t encode, void *args)
{
    return home_call(proc, encode, args, NULL, NULL);
}

struct shadow_at home_at(const char *path)
{
    return (struct shadow_at){SHADOW_CWD, (char *)(uintptr_t)path};
}

long home_stat(const char *path, struct shadow_attr *attr)
{
    shadow_stat_args args = {home_at(path), false};
    shadow_attr_res res = {.status = EIO};
    long rc = home_call(SHADOW_STAT, (xdrproc_t)xdr_shadow_stat_args, &args,
                        (xdrproc_t)xdr_shadow_attr_res, &res);

    if (rc == 0)
        *attr = res.shadow_attr_res_u.attr;
    return rc;
}

static bool is_for_reading(int flags)
{
    return (flags & (O_ACCMODE | O_CREAT | O_TRUNC | O_DIRECTORY)) == O_RDONLY;
}

/* A short file comes with its content. */
static long open_there(shadow_open_args *args, shadow_open_read_ok *ok)
{
    shadow_open_read_args read = {*args, SHADOW_OPEN_DATA_MAX};
    shadow_open_read_res read_res = {.status = EIO};
    shadow_open_res res = {.status = EIO};
    long rc;

    if (is_for_reading((int)args->flags)) {
        read_res.shadow_open_read_res_u.ok.data = ok->data;
        rc = home_call(SHADOW_OPEN_READ, (xdrproc_t)xdr_shadow_open_read_args,
                       &read, (xdrproc_t)xdr_shadow_open_read_res, &read_res);
        if (rc == 0)
            *ok = read_res.shadow_open_read_res_u.ok;
        return rc;
    }
    rc = home_call(SHADOW_OPEN, (xdrproc_t)xdr_shadow_open_args, args,
                   (xdrproc_t)xdr_shadow_open_res, &res);
    if (rc == 0)
        ok->open = res.shadow_open_res_u.ok;
    return rc;
}

long home_open(const char *path, int flags, mode_t mode,
               struct ckpt_file **file)
{
    char data[SHADOW_OPEN_DATA_MAX];
    shadow_open_args args = {home_at(path), (unsigned)flags | O_NOFOLLOW, mode};
    shadow_open_read_ok ok = {.data = {.data_val = data}};
    long rc = open_there(&args, &ok);

    if (rc != 0)
        return rc;
    *file = ckpt_file_new(ok.open.handle, flags, path, &ok.open.attr);
    if (!*file) {
        shadow_handle_args close = {ok.open.handle};
        home_do(SHADOW_CLOSE, (xdrproc_t)xdr_shadow_handle_args, &close);
        return -ENFILE;
    }
    if (ok.whole)
        ckpt_cache_fill(*file, data, ok.data.data_len);
    return 0;
}

void home_attr(const struct shadow_attr *attr, struct stat *st)
{
    *st = (struct stat){
        .st_ino = attr->ino,
        .st_mode = attr->mode,
        .st_nlink = attr->nlink,
        .st_uid = attr->uid,
        .st_gid = attr->gid,
        .st_rdev = attr->rdev,
        .st_size = (off_t)attr->size,
        .st_blksize = (blksize_t)attr->blksize,
        .st_blocks = (blkcnt_t)attr->blocks,
        .st_atim = {attr->atime_sec, attr->atime_nsec},
        .st_mtim = {attr->mtime_sec, attr->mtime_nsec},
        .st_ctim = {attr->ctime_sec, attr->ctime_nsec},
    };
}
