/* kept.c - see kept.h */
#include "lib/restart/kept.h"

#include <errno.h>
#include <stdio.h>

static void ignore(const char *text)
{
    (void)text;
}

/* Standard streams: ckpt itself, and the caller, may have written there. */
static void list_shared(const struct ckpt_notes *notes, const char *shared[4])
{
    size_t n = 0;

    for (size_t i = 0; i < notes->ndescriptors && n < 3; i++)
        if (notes->descriptors[i].fd <= 2)
            shared[n++] = notes->files[notes->descriptors[i].file].path;
    shared[n] = NULL;
}

/* With `force`, what cannot be put back stays, and keeping begins anew. */
static int put_back(struct ckpt_keep *keep, const struct ckpt_notes *notes,
                    const struct ckpt_restart_options *o, struct ckpt_err *err)
{
    const char *shared[4];
    struct ckpt_keep_back back = {
        .number = notes->kept.number,
        .id = notes->meta.id,
        .force = o->force,
        .shared = shared,
        .tell = o->notice ? o->notice : ignore,
    };

    list_shared(notes, shared);
    if (o->files_limit)
        keep->limit = o->files_limit;
    if (o->log)
        snprintf(keep->log, sizeof keep->log, "%s", o->log);
    int rc = ckpt_keep_rollback(keep, &back, err);
    if (rc < 0 && o->force && (errno == ESTALE || errno == ENOENT)) {
        back.tell(err->text);
        rc = ckpt_keep_fresh(keep, false, err);
    }
    return rc < 0 ? -1 : ckpt_keep_start(keep, err);
}

int ckpt_kept_put_back(struct ckpt_keep *keep, const struct ckpt_notes *notes,
                       const struct ckpt_restart_options *options,
                       struct ckpt_err *err)
{
    if (notes->kept.number == 0 && options->want_kept)
        return ckpt_err_set(err, EINVAL,
                            "it was made without --files save, and goes on "
                            "without it (or begin anew with --fresh)");
    if (notes->kept.number == 0)
        return 0;
    if (ckpt_keep_open(keep, notes->kept.dir, err) < 0)
        return -1;
    if (put_back(keep, notes, options, err) == 0)
        return 0;
    ckpt_keep_close(keep);
    return -1;
}
