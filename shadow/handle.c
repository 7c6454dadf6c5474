/* handle.c - see server.h: open files of the job */
#include "shadow/server.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

void handles_init(struct handles *handles)
{
    for (unsigned i = 0; i < HANDLES_MAX; i++)
        handles->table[i] = (struct handle){.fd = -1};
    handles->next = HANDLE_STANDARD;
}

static void release(struct handle *handle)
{
    if (handle->fd >= 0)
        close(handle->fd);
    free(handle->path);
    handle->path = NULL;
    handle->fd = -1;
}

void handles_clear(struct handles *handles)
{
    for (unsigned i = HANDLE_STANDARD; i < HANDLES_MAX; i++)
        release(&handles->table[i]);
    handles->next = HANDLE_STANDARD;
}

struct handle *handle_get(struct handles *handles, uint32_t number)
{
    uint32_t index = number & 0xffff;

    if (index >= HANDLES_MAX || handles->table[index].fd < 0 ||
        handles->table[index].generation != number >> 16) {
        errno = EBADF;
        return NULL;
    }
    return &handles->table[index];
}

int64_t handle_add(struct handles *handles, const struct handle *handle)
{
    for (unsigned n = HANDLE_STANDARD; n < HANDLES_MAX; n++) {
        unsigned index = handles->next;
        if (++handles->next == HANDLES_MAX)
            handles->next = HANDLE_STANDARD;
        struct handle *place = &handles->table[index];
        if (place->fd >= 0)
            continue;
        /* Never 0, which is the standard streams', nor SHADOW_CWD's. */
        uint16_t generation = (uint16_t)(place->generation + 1);
        if (generation == 0 || generation == 0xffff)
            generation = 1;
        *place = *handle;
        place->generation = generation;
        return (int64_t)generation << 16 | index;
    }
    errno = EMFILE;
    return -1;
}

int handle_close(struct handles *handles, uint32_t number)
{
    struct handle *handle = handle_get(handles, number);

    if (!handle)
        return -1;
    if (handle >= &handles->table[HANDLE_STANDARD])
        release(handle);
    return 0; /* the standard streams stay for a restart */
}
