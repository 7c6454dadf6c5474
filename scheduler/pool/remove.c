/* remove.c - see remove.h */
#include "scheduler/pool/remove.h"

#include <fts.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

void remove_tree(const char *path)
{
    char *paths[] = {(char *)(uintptr_t)path, NULL};

    if (!path[0])
        return;
    FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    for (FTSENT *e = tree ? fts_read(tree) : NULL; e; e = fts_read(tree)) {
        if (e->fts_info == FTS_D)
            chmod(e->fts_accpath, 0700);
        else if (e->fts_info == FTS_DP)
            rmdir(e->fts_accpath);
        else
            unlink(e->fts_accpath);
    }
    if (tree)
        fts_close(tree);
}
