/* words.c - see words.h */
#include "scheduler/pool/words.h"

#include <stdlib.h>
#include <string.h>

bool words_copy(char **to, const char *from)
{
    *to = strdup(from ? from : "");
    return *to != NULL;
}

bool words_copy_station(pool_station *to, const pool_station *from)
{
    *to = *from;
    to->name = to->addr = to->why = to->arch = to->features = NULL;
    to->home = to->owner = NULL;
    if (words_copy(&to->name, from->name) &&
        words_copy(&to->addr, from->addr) && words_copy(&to->why, from->why) &&
        words_copy(&to->arch, from->arch) &&
        words_copy(&to->features, from->features) &&
        words_copy(&to->home, from->home) &&
        words_copy(&to->owner, from->owner))
        return true;
    xdr_free((xdrproc_t)xdr_pool_station, (char *)to);
    return false;
}
