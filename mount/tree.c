/* tree.c - see tree.h */
#include "mount/tree.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { CHAINS = 1 << 14 };

struct name {
    struct name *next;    /* in its hash chain */
    struct name *another; /* of the same node */
    struct node *parent, *node;
    char text[];
};

static struct node root = {.lookups = 1, .type = S_IFDIR};
static struct node *nodes[CHAINS];
static struct name *names[CHAINS];

struct node *tree_root(void)
{
    return &root;
}

/* --- names ----------------------------------------------------------------
 */

static struct name **name_chain(const struct node *parent, const char *text)
{
    uint64_t h = (uintptr_t)parent * 0x9e3779b97f4a7c15ull;

    for (; *text; text++)
        h = (h ^ (uint8_t)*text) * 0x100000001b3ull;
    return &names[(h >> 40) % CHAINS];
}

static struct name **name_place(const struct node *parent, const char *text)
{
    struct name **at = name_chain(parent, text);

    while (*at && ((*at)->parent != parent || strcmp((*at)->text, text) != 0))
        at = &(*at)->next;
    return at;
}

static void node_release(struct node *node);

static void name_drop(struct name **at)
{
    struct name *name = *at, **of = &name->node->names;
    struct node *parent = name->parent;

    *at = name->next;
    while (*of != name)
        of = &(*of)->another;
    *of = name->another;
    free(name);
    parent->children--;
    node_release(parent);
}

/* Have the node be known by this name, first of all. */
static int name_give(struct node *parent, const char *text, struct node *node)
{
    struct name **at = name_place(parent, text);

    if (*at && (*at)->node == node)
        return 0;
    if (*at)
        name_drop(at);
    struct name *name = malloc(sizeof *name + strlen(text) + 1);
    if (!name)
        return -1;
    strcpy(name->text, text);
    name->parent = parent;
    name->node = node;
    name->another = node->names;
    node->names = name;
    at = name_chain(parent, text);
    name->next = *at;
    *at = name;
    parent->children++;
    return 0;
}

static void names_drop(struct node *node)
{
    while (node->names)
        name_drop(name_place(node->names->parent, node->names->text));
}

/* --- nodes ----------------------------------------------------------------
 */

static struct node **node_chain(uint64_t dev, uint64_t ino)
{
    return &nodes[((ino ^ dev << 20) * 0x9e3779b97f4a7c15ull >> 40) % CHAINS];
}

/* Free it when nobody knows it any more. */
static void node_release(struct node *node)
{
    if (node->lookups > 0 || node->children > 0)
        return;
    struct node **at = node_chain(node->dev, node->ino);
    while (*at != node)
        at = &(*at)->next;
    *at = node->next;
    node->children = 1; /* not once more on the way */
    names_drop(node);
    free(node);
}

static struct node *node_of(const struct shadow_attr *attr)
{
    struct node **at = node_chain(attr->dev, attr->ino), *node;

    for (node = *at; node; node = node->next)
        if (node->ino == attr->ino && node->dev == attr->dev &&
            node->type == (attr->mode & S_IFMT))
            return node;
    node = calloc(1, sizeof *node);
    if (!node)
        return NULL;
    node->dev = attr->dev;
    node->ino = attr->ino;
    node->type = attr->mode & S_IFMT;
    node->next = *at;
    *at = node;
    return node;
}

struct node *tree_fix(const char *name, const char *path)
{
    struct node *node = calloc(1, sizeof *node);

    if (!node)
        return NULL;
    node->fixed = path;
    node->lookups = 1;
    if (name_give(&root, name, node) == 0)
        return node;
    free(node);
    return NULL;
}

struct node *tree_enter(struct node *parent, const char *text,
                        const struct shadow_attr *attr)
{
    struct node *node = node_of(attr);

    if (!node)
        return NULL;
    node->lookups++;
    if (name_give(parent, text, node) == 0)
        return node;
    tree_forget(node, 1);
    return NULL;
}

struct node *tree_find(struct node *parent, const char *text)
{
    struct name *name = *name_place(parent, text);

    return name ? name->node : NULL;
}

void tree_forget(struct node *node, uint64_t n)
{
    if (node == &root || node->fixed)
        return;
    node->lookups -= n < node->lookups ? n : node->lookups;
    node_release(node);
}

void tree_each(void (*fn)(struct node *node))
{
    for (size_t i = 0; i < CHAINS; i++)
        for (struct node *node = nodes[i]; node; node = node->next)
            fn(node);
}

const char *tree_name(const struct node *node)
{
    return node->names->text;
}

void tree_remove(struct node *parent, const char *text)
{
    struct name **at = name_place(parent, text);

    if (*at)
        name_drop(at);
}

void tree_rename(struct node *from, const char *old, struct node *to,
                 const char *text, bool exchange)
{
    struct node *node = tree_find(from, old), *other = tree_find(to, text);

    if (node == other && node)
        return; /* two names of one file: rename(2) does nothing */
    tree_remove(to, text);
    if (node)
        name_give(to, text, node);
    tree_remove(from, old);
    if (exchange && other)
        name_give(from, old, other);
}

/* --- paths ----------------------------------------------------------------
 */

/* Put "/text" before what ends at *at. */
static long prepend(char *path, size_t *at, const char *text)
{
    size_t len = strlen(text);

    if (len + 1 > *at)
        return -ENAMETOOLONG;
    *at -= len;
    memcpy(path + *at, text, len);
    path[--*at] = '/';
    return 0;
}

long tree_path(const struct node *node, const char *text, char *path)
{
    size_t at = PATH_MAX - 1;
    long rc = 0;

    path[at] = '\0';
    if (text)
        rc = prepend(path, &at, text);
    for (; rc == 0 && !node->fixed; node = node->names->parent) {
        if (!node->names)
            return -ENOENT;
        rc = prepend(path, &at, node->names->text);
    }
    if (rc == 0 && strcmp(node->fixed, "/") != 0)
        rc = prepend(path, &at, node->fixed + 1);
    if (rc == 0 && path[at] == '\0')
        path[--at] = '/';
    if (rc == 0)
        memmove(path, path + at, PATH_MAX - at);
    return rc;
}
