/* readdir.c - a directory's entries, with what is known of each */
#include "lib/remote/state.h"

static long take_entries(XDR *xdr,
                         bool (*take)(void *arg, const shadow_dirent *entry),
                         void *arg)
{
    char name[SHADOW_NAME_MAX + 1];
    u_int count;
    int status;

    if (!xdr_int(xdr, &status))
        return -EIO;
    if (status != 0)
        return -status;
    if (!xdr_u_int(xdr, &count) || count > SHADOW_DIR_MAX)
        return -EIO;
    for (u_int i = 0; i < count; i++) {
        shadow_dirent entry = {.name = name};
        if (!xdr_shadow_dirent(xdr, &entry))
            return -EIO;
        if (!take(arg, &entry))
            break;
    }
    return 0;
}

long ckpt_readdir(uint32_t handle, int64_t cookie, size_t room,
                  bool (*take)(void *arg, const shadow_dirent *entry),
                  void *arg)
{
    shadow_readdir_args args = {
        handle, cookie, room < SHADOW_DIR_MAX ? (u_int)room : SHADOW_DIR_MAX};
    XDR xdr;

    struct ckpt_slot *slot = ckpt_wire_begin(
        SHADOW_READDIR, (xdrproc_t)xdr_shadow_readdir_args, &args);
    ckpt_wire_issue(slot);
    ckpt_wire_wait(slot, &xdr);
    return take_entries(&xdr, take, arg);
}
