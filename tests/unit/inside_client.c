/* inside_client.c - a program with the client side in it
 *
 *     inside_client FD
 *
 * Linked with the static archives, as a static and as a dynamic program, and
 * run by test_rpc: makes calls on the connected socket FD.  Its malloc ends the
 * program while calls are made.  Exit 0, or the number of the step that failed.
 */
#include "lib/proto/rpc.h"
#include "lib/proto/shadow.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint8_t psk[CKPT_CHANNEL_KEY_LEN] = "the key of these tests";
static bool inside;

/* A malloc for the rest of the C library's start. */
void *malloc(size_t size)
{
    static _Alignas(16) char heap[1 << 20];
    static size_t used;

    if (inside)
        _exit(99);
    size = (size + 15) & ~(size_t)15;
    if (size > sizeof heap - used)
        return NULL;
    used += size;
    return heap + used - size;
}

void *calloc(size_t count, size_t size)
{
    return malloc(count * size); /* never used twice, so zero */
}

void *realloc(void *memory, size_t size)
{
    (void)memory;
    return malloc(size);
}

void free(void *memory)
{
    if (inside && memory)
        _exit(98);
}

static _Alignas(16) char channel_memory[1 << 20];
static _Alignas(16) char client_memory[64 << 10];
static char data[SHADOW_DATA_MAX];

static int read_in_place(CLIENT *client, unsigned count, size_t limit)
{
    shadow_read_args args = {.count = count};
    shadow_read_res res;

    memset(&res, 0, sizeof res);
    res.shadow_read_res_u.ok.data.shadow_data_val = data;
    ckpt_rpc_client_into(client, data, limit);
    if (shadow_read_1(&args, &res, client) != RPC_SUCCESS)
        return -1;
    return (int)res.shadow_read_res_u.ok.data.shadow_data_len;
}

static int read_link(CLIENT *client)
{
    static char text[SHADOW_PATH_MAX + 1];
    shadow_path_args args = {.at = {.dir = SHADOW_CWD, .path = data}};
    shadow_path_res res;

    memset(&res, 0, sizeof res);
    res.shadow_path_res_u.path = text;
    strcpy(data, "a/link");
    if (shadow_readlink_1(&args, &res, client) != RPC_SUCCESS)
        return -1;
    return strcmp(text, "a/link");
}

int main(int argc, char **argv)
{
    struct ckpt_channel *channel = (void *)channel_memory;
    int fd = argc == 2 ? atoi(argv[1]) : -1;

    inside = true;
    if (ckpt_channel_size() > sizeof channel_memory ||
        ckpt_rpc_client_size() > sizeof client_memory)
        return 1;
    if (ckpt_channel_connect(channel, fd, psk, "x", 1, 5000, NULL))
        return 2;
    CLIENT *client =
        ckpt_rpc_client_init(client_memory, channel, SHADOW_PROGRAM, SHADOW_V1);
    if (shadow_null_1(NULL, NULL, client) != RPC_SUCCESS)
        return 3;
    if (read_in_place(client, sizeof data, sizeof data) != (int)sizeof data)
        return 4;
    if (data[0] != 'r' || data[sizeof data - 1] != 'r')
        return 5;
    if (read_in_place(client, 5000, 4999) != -1)
        return 6;
    for (int i = 0; i < 100; i++)
        if (read_link(client) != 0)
            return 7;
    ckpt_channel_close(channel);
    return 0;
}
