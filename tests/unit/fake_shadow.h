/* fake_shadow.h - between the parts of the fake shadow
 *
 *   fake_shadow.c   the process, its slots, connections that are cut
 *   fake_file.c     calls on open files
 *   fake_name.c     calls on names
 *   fake_job.c      identity, image, log
 */
#ifndef CKPT_TESTS_FAKE_SHADOW_H
#define CKPT_TESTS_FAKE_SHADOW_H

#include "lib/proto/shadow.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HANDLES = 1024 };
extern int handles[HANDLES]; /* descriptors, or -1 */

static inline int fd_of(unsigned handle)
{
    return handle < HANDLES ? handles[handle] : -1;
}

static inline int dir_of(const shadow_at *at)
{
    return at->dir == SHADOW_CWD ? AT_FDCWD : fd_of(at->dir);
}

static inline int status(long rc)
{
    return rc < 0 ? errno : 0;
}

static inline bool_t tell(shadow_status_res *res, long rc)
{
    res->status = status(rc);
    return TRUE;
}

static inline shadow_attr attr_of(const struct stat *st)
{
    return (shadow_attr){
        .dev = st->st_dev,
        .ino = st->st_ino,
        .mode = st->st_mode,
        .nlink = (u_int)st->st_nlink,
        .uid = st->st_uid,
        .gid = st->st_gid,
        .rdev = st->st_rdev,
        .size = (uint64_t)st->st_size,
        .blksize = (u_int)st->st_blksize,
        .blocks = (uint64_t)st->st_blocks,
        .atime_sec = st->st_atim.tv_sec,
        .atime_nsec = (u_int)st->st_atim.tv_nsec,
        .mtime_sec = st->st_mtim.tv_sec,
        .mtime_nsec = (u_int)st->st_mtim.tv_nsec,
        .ctime_sec = st->st_ctim.tv_sec,
        .ctime_nsec = (u_int)st->st_ctim.tv_nsec,
    };
}

static inline bool_t tell_attr(shadow_attr_res *res, int rc,
                               const struct stat *st)
{
    res->status = status(rc);
    if (rc == 0)
        res->shadow_attr_res_u.attr = attr_of(st);
    return TRUE;
}

#define SERVICE(name, args_type, res_type)                                     \
    bool_t shadow_##name##_1_svc(args_type *args, res_type *res,               \
                                 struct svc_req *req)
#define UNUSED (void)args, (void)res, (void)req
#define ZERO UNUSED, memset(res, 0, sizeof *res)

#endif
