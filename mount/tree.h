/* tree.h - what the kernel knows by number: files, directories and their names
 *
 *     inode number = address of the node     names: (parent, text) --> node
 *
 * The shadow works with paths, the kernel with inode numbers that stay while a
 * file is renamed and that two hard links share.  So a node has any number of
 * names; its path is made from the first.  A node without a name was removed:
 * it can only be reached while it is open.
 *
 * Fixed nodes are not found at home by looking up: the root, and in it the
 * grants ("0", "1", ...), each with its path at home, and what is no file
 * there: the image and the log.
 */
#ifndef CKPT_MOUNT_TREE_H
#define CKPT_MOUNT_TREE_H

#include "lib/proto/shadow.h"
#include "lib/remote/state.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct name;
struct lock;

struct node {
    struct node *next; /* in its hash chain */
    struct name *names;
    uint64_t dev, ino;
    uint32_t type; /* S_IFMT */
    uint64_t lookups;
    uint32_t children; /* names below it */
    uint32_t opens;    /* while it is open, one of its files: */
    struct ckpt_file *file;
    const char *fixed; /* its path at home, or NULL */
    enum { TREE_FILE, TREE_IMAGE, TREE_LOG } kind;
    bool seen; /* what the kernel's page cache was filled from: */
    uint64_t seen_size;
    int64_t seen_sec;
    uint32_t seen_nsec;
    struct lock *locks; /* of the job's processes; while there are any: */
    bool lock_open;
    uint32_t lock_handle; /* what holds them at home */
};

/* The root.  Never NULL. */
struct node *tree_root(void);

/* A fixed node of this name in the root.  `path` must live on.  NULL: no
 * memory. */
struct node *tree_fix(const char *name, const char *path);

/* The node of the file with these attributes, one lookup more, now known as
 * `text` in `parent`.  NULL: no memory. */
struct node *tree_enter(struct node *parent, const char *text,
                        const struct shadow_attr *attr);

/* The node known by that name, or NULL. */
struct node *tree_find(struct node *parent, const char *text);

/* The kernel forgets `n` lookups. */
void tree_forget(struct node *node, uint64_t n);

/* Do it for every node that was found by looking up. */
void tree_each(void (*fn)(struct node *node));

/* Its last part, of a node with a name. */
const char *tree_name(const struct node *node);

/* The name is gone. */
void tree_remove(struct node *parent, const char *text);
/* It is another one now; what had that name has it no more, or gets the old
 * one when they are exchanged. */
void tree_rename(struct node *from, const char *old, struct node *to,
                 const char *text, bool exchange);

/* The absolute path at home, of PATH_MAX bytes: of the node, or of `text` in it
 * unless NULL.  0, -ENOENT (removed), or -ENAMETOOLONG. */
long tree_path(const struct node *node, const char *text, char *path);

#endif
