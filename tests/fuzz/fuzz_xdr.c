/* fuzz_xdr.c - every type of the .x files, decoded from any bytes
 *
 * The first byte chooses the type.  What was decoded is encoded again, decoded
 * again and must be the same bytes.
 */
#include "lib/proto/coordinator.h"
#include "lib/proto/home.h"
#include "lib/proto/shadow.h"
#include "lib/proto/station.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#define TYPE(name)                                                             \
    {                                                                          \
        (xdrproc_t)(void *) xdr_##name, sizeof(name)                           \
    }

static const struct {
    xdrproc_t proc;
    size_t size;
} types[] = {
    TYPE(shadow_bind_args),      TYPE(shadow_bind_res),
    TYPE(shadow_identity),       TYPE(shadow_open_args),
    TYPE(shadow_open_res),       TYPE(shadow_handle_args),
    TYPE(shadow_read_args),      TYPE(shadow_read_res),
    TYPE(shadow_write_args),     TYPE(shadow_write_res),
    TYPE(shadow_stat_args),      TYPE(shadow_attr_res),
    TYPE(shadow_statfs_res),     TYPE(shadow_truncate_args),
    TYPE(shadow_fallocate_args), TYPE(shadow_mode_args),
    TYPE(shadow_owner_args),     TYPE(shadow_utimes_args),
    TYPE(shadow_access_args),    TYPE(shadow_unlink_args),
    TYPE(shadow_two_paths_args), TYPE(shadow_symlink_args),
    TYPE(shadow_path_args),      TYPE(shadow_path_res),
    TYPE(shadow_readdir_args),   TYPE(shadow_readdir_res),
    TYPE(shadow_lock_args),      TYPE(shadow_tty_args),
    TYPE(shadow_tty_res),        TYPE(shadow_image_put_args),
    TYPE(shadow_image_stat_res), TYPE(shadow_start_res),
    TYPE(shadow_event_args),     TYPE(shadow_log_args),
    TYPE(home_submit_args),      TYPE(home_submit_res),
    TYPE(home_submit_all_args),  TYPE(home_submit_all_res),
    TYPE(home_query_args),       TYPE(home_query_res),
    TYPE(home_act_args),         TYPE(home_act_res),
    TYPE(home_log_res),          TYPE(home_why_res),
    TYPE(home_status_res),       TYPE(station_claim_args),
    TYPE(station_claim_res),     TYPE(station_start_args),
    TYPE(station_check_res),     TYPE(station_leave_args),
    TYPE(station_status_res),    TYPE(coord_jobs_args),
    TYPE(coord_jobs_res),        TYPE(coord_stations_res),
    TYPE(coord_status_res),
};

enum { TYPES = sizeof types / sizeof *types, SIZE = 1 << 16 };

static _Alignas(8) char value[1 << 16];
static _Alignas(8) char wire[2][SIZE];

static u_int encode(xdrproc_t proc, char *to)
{
    XDR xdr;

    xdrmem_create(&xdr, to, SIZE, XDR_ENCODE);
    if (!(*proc)(&xdr, value))
        abort(); /* decoded, but cannot be encoded */
    return XDR_GETPOS(&xdr);
}

static bool_t decode(unsigned type, char *from, u_int len)
{
    XDR xdr;

    memset(value, 0, types[type].size);
    xdrmem_create(&xdr, from, len, XDR_DECODE);
    return (*types[type].proc)(&xdr, value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    unsigned type = len > 0 ? data[0] % TYPES : 0;

    if (len < 1 || len > 32768 || types[type].size > sizeof value)
        return -1;
    memcpy(wire[0], data + 1, len - 1);
    if (decode(type, wire[0], (u_int)(len - 1))) {
        u_int n = encode(types[type].proc, wire[0]);
        xdr_free(types[type].proc, value);
        if (!decode(type, wire[0], n) ||
            encode(types[type].proc, wire[1]) != n ||
            memcmp(wire[0], wire[1], n) != 0)
            abort();
    }
    xdr_free(types[type].proc, value);
    return 0;
}
