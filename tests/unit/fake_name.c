/* fake_name.c - see fake_shadow.h: names */
#include "tests/unit/fake_shadow.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/syscall.h>

SERVICE(access, shadow_access_args, shadow_status_res)
{
    UNUSED;
    return tell(res, faccessat(dir_of(&args->at), args->at.path, args->mode,
                               args->effective ? AT_EACCESS : 0));
}

SERVICE(unlink, shadow_unlink_args, shadow_status_res)
{
    UNUSED;
    return tell(res, unlinkat(dir_of(&args->at), args->at.path,
                              args->is_dir ? AT_REMOVEDIR : 0));
}

SERVICE(rename, shadow_two_paths_args, shadow_status_res)
{
    UNUSED;
    return tell(res, renameat2(dir_of(&args->from), args->from.path,
                               dir_of(&args->to), args->to.path, args->flags));
}

SERVICE(link, shadow_two_paths_args, shadow_status_res)
{
    UNUSED;
    return tell(res,
                linkat(dir_of(&args->from), args->from.path, dir_of(&args->to),
                       args->to.path, (int)args->flags));
}

SERVICE(symlink, shadow_symlink_args, shadow_status_res)
{
    UNUSED;
    return tell(res, symlinkat(args->target, dir_of(&args->at), args->at.path));
}

SERVICE(readlink, shadow_path_args, shadow_path_res)
{
    char text[4096] = "";
    ZERO;
    res->status = status(
        readlinkat(dir_of(&args->at), args->at.path, text, sizeof text - 1));
    if (res->status == 0)
        res->shadow_path_res_u.path = strdup(text);
    return TRUE;
}

SERVICE(mkdir, shadow_mode_args, shadow_status_res)
{
    UNUSED;
    return tell(res, mkdirat(dir_of(&args->at), args->at.path, args->mode));
}

SERVICE(readdir, shadow_readdir_args, shadow_readdir_res)
{
    int fd = fd_of(args->handle);
    char buf[8192];
    ZERO;
    lseek(fd, args->cookie, SEEK_SET);
    long n = syscall(SYS_getdents64, fd, buf, sizeof buf);
    res->status = status(n);
    if (n < 0)
        return TRUE;
    shadow_readdir_ok *ok = &res->shadow_readdir_res_u.ok;
    ok->entries.entries_val = calloc(SHADOW_DIR_MAX, sizeof(shadow_dirent));
    for (long at = 0; at < n;) {
        struct dirent64 *d = (struct dirent64 *)(buf + at);
        at += d->d_reclen;
        struct stat st = {.st_ino = 0};
        if (ok->entries.entries_len >= args->count)
            break;
        fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW);
        ok->entries.entries_val[ok->entries.entries_len++] =
            (shadow_dirent){.name = strdup(d->d_name),
                            .ino = d->d_ino,
                            .type = d->d_type,
                            .cookie = d->d_off,
                            .attr = attr_of(&st)};
    }
    return TRUE;
}

static bool_t tell_cwd(shadow_path_res *res, int rc)
{
    res->status = status(rc);
    if (rc == 0)
        res->shadow_path_res_u.path = getcwd(NULL, 0);
    return TRUE;
}

SERVICE(chdir, shadow_path_args, shadow_path_res)
{
    ZERO;
    int fd = openat(dir_of(&args->at), args->at.path, O_PATH | O_CLOEXEC);
    int rc = fd < 0 ? -1 : fchdir(fd);
    tell_cwd(res, rc);
    close(fd);
    return TRUE;
}

SERVICE(fchdir, shadow_handle_args, shadow_path_res)
{
    ZERO;
    return tell_cwd(res, fchdir(fd_of(args->handle)));
}
