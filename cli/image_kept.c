/* image_kept.c - see image_kept.h */
#include "cli/image_kept.h"

#include "lib/keep/keep.h"
#include "lib/undo/journal.h"

#include <stdlib.h>
#include <string.h>

struct kept {
    struct journal_usage usage;
    char **paths; /* what was changed, made or removed since; sorted */
    size_t count;
    bool good;
    struct ckpt_err err;
};

static void add_path(void *arg, const char *path)
{
    struct kept *k = arg;
    char **more = realloc(k->paths, (k->count + 1) * sizeof *more);

    if (!more)
        return;
    k->paths = more;
    more[k->count] = strdup(path);
    k->count += more[k->count] != NULL;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_paths(struct kept *k)
{
    size_t n = 0;

    if (k->count > 0)
        qsort(k->paths, k->count, sizeof *k->paths, by_text);
    for (size_t i = 0; i < k->count; i++)
        if (n > 0 && strcmp(k->paths[n - 1], k->paths[i]) == 0)
            free(k->paths[i]);
        else
            k->paths[n++] = k->paths[i];
    k->count = n;
}

static void look(struct kept *k, const struct ckpt_notes *n)
{
    const struct journal_config config = {.dir = n->kept.dir};

    memset(k, 0, sizeof *k);
    k->good =
        ckpt_keep_find(n->kept.dir, n->kept.number, n->meta.id, &k->err) == 0 &&
        journal_measure(&config, n->kept.number, &k->usage, add_path, k,
                        &k->err) == 0;
    sort_paths(k);
}

static void clear(struct kept *k)
{
    for (size_t i = 0; i < k->count; i++)
        free(k->paths[i]);
    free(k->paths);
}

void image_kept_print(const struct ckpt_notes *notes)
{
    struct kept k;

    if (notes->kept.number == 0)
        return;
    look(&k, notes);
    if (k.good)
        printf("files     kept: %zu changed since, %llu bytes in %s\n", k.count,
               (unsigned long long)k.usage.bytes, notes->kept.dir);
    else
        printf("files     cannot be put back: %s\n", k.err.text);
    for (size_t i = 0; k.good && i < k.count; i++)
        printf("          %s\n", k.paths[i]);
    clear(&k);
}

void image_kept_json(struct json *json, const struct ckpt_notes *notes)
{
    struct kept k;

    if (notes->kept.number == 0)
        return;
    look(&k, notes);
    json_object(json, "kept");
    json_text(json, "dir", notes->kept.dir);
    json_uint(json, "state", notes->kept.number);
    json_bool(json, "good", k.good);
    if (!k.good)
        json_text(json, "error", k.err.text);
    json_uint(json, "bytes", k.usage.bytes);
    json_array(json, "changed");
    for (size_t i = 0; i < k.count; i++)
        json_text(json, NULL, k.paths[i]);
    json_close(json);
    json_close(json);
    clear(&k);
}

int image_kept_verify(const struct ckpt_image *image, struct ckpt_err *err)
{
    struct ckpt_notes notes;
    struct kept k;

    if (ckpt_notes_read(image, &notes, err) < 0)
        return -1;
    int rc = 0;
    if (notes.kept.number > 0) {
        look(&k, &notes);
        if (!k.good) {
            *err = k.err;
            rc = -1;
        }
        clear(&k);
    }
    ckpt_notes_clear(&notes);
    return rc;
}
