/* call.h - the frame of a service procedure */
#ifndef CKPT_SHADOW_CALL_H
#define CKPT_SHADOW_CALL_H

#include "shadow/server.h"

#include <string.h>

#define SERVICE(name, args_type, res_type)                                     \
    bool_t shadow_##name##_1_svc(args_type *args, res_type *res,               \
                                 struct svc_req *req)

/* The result is all zero first; `shadow` is at hand. */
#define BEGIN                                                                  \
    struct shadow *shadow = shadow_of(req);                                    \
    memset(res, 0, sizeof *res)

#endif
