/* states.c - see states.h */
#include "lib/keep/states.h"

#include "lib/common/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int parse_id(const char *text, uint8_t id[CKPT_ID_LEN])
{
    for (int i = 0; i < CKPT_ID_LEN; i++) {
        unsigned byte;
        if (sscanf(text + 2 * i, "%2x", &byte) != 1)
            return -1;
        id[i] = (uint8_t)byte;
    }
    return 0;
}

int keep_states_add(struct keep_states *states, uint32_t number,
                    const uint8_t id[CKPT_ID_LEN])
{
    struct keep_state *more =
        realloc(states->all, (states->count + 1) * sizeof *more);

    if (!more)
        return -1;
    states->all = more;
    more[states->count].number = number;
    memcpy(more[states->count++].id, id, CKPT_ID_LEN);
    return 0;
}

static int read_lines(FILE *in, struct keep_states *states)
{
    char line[128], hex[64];
    uint8_t id[CKPT_ID_LEN];
    unsigned number;

    while (fgets(line, sizeof line, in)) {
        if (sscanf(line, "%u %63s", &number, hex) != 2 ||
            strlen(hex) != 2 * CKPT_ID_LEN || parse_id(hex, id) < 0) {
            errno = EPROTO;
            return -1;
        }
        if (keep_states_add(states, number, id) < 0)
            return -1;
    }
    return ferror(in) ? -1 : 0;
}

int keep_states_read(const char *dir, struct keep_states *states,
                     struct ckpt_err *err)
{
    char path[PATH_MAX];

    *states = (struct keep_states){0};
    snprintf(path, sizeof path, "%s/images", dir);
    FILE *in = fopen(path, "re");
    if (!in && errno == ENOENT)
        return 0;
    int rc = in ? read_lines(in, states) : -1;
    if (rc < 0) {
        ckpt_err_sys(err, "%s", path);
        keep_states_clear(states);
    }
    if (in)
        fclose(in);
    return rc;
}

static int write_lines(FILE *out, const struct keep_states *states)
{
    for (size_t i = 0; i < states->count; i++) {
        fprintf(out, "%u ", states->all[i].number);
        for (int k = 0; k < CKPT_ID_LEN; k++)
            fprintf(out, "%02x", states->all[i].id[k]);
        fputc('\n', out);
    }
    return fflush(out) == 0 && fsync(fileno(out)) == 0 ? 0 : -1;
}

int keep_states_write(const char *dir, const struct keep_states *states,
                      struct ckpt_err *err)
{
    char path[PATH_MAX], tmp[PATH_MAX];

    snprintf(path, sizeof path, "%s/images", dir);
    snprintf(tmp, sizeof tmp, "%s/images.tmp", dir);
    FILE *out = fopen(tmp, "we");
    int rc = out ? write_lines(out, states) : -1;
    if (out && fclose(out) != 0)
        rc = -1;
    if (rc < 0 || rename(tmp, path) < 0 || ckpt_fsync_parent(path) < 0)
        return ckpt_err_sys(err, "%s", path);
    return 0;
}

void keep_states_clear(struct keep_states *states)
{
    free(states->all);
    *states = (struct keep_states){0};
}

bool keep_states_has(const struct keep_states *states, uint32_t number,
                     const uint8_t id[CKPT_ID_LEN])
{
    for (size_t i = 0; i < states->count; i++)
        if (states->all[i].number == number &&
            memcmp(states->all[i].id, id, CKPT_ID_LEN) == 0)
            return true;
    return false;
}

void keep_states_trim(struct keep_states *states, uint32_t from, uint32_t to)
{
    size_t n = 0;

    for (size_t i = 0; i < states->count; i++)
        if (states->all[i].number >= from && states->all[i].number <= to)
            states->all[n++] = states->all[i];
    states->count = n;
}
