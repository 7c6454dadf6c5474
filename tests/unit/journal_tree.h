/* journal_tree.h - a directory of files, and a journal of what changes there
 *
 * Both are new for each test, and gone after it.
 */
#ifndef CKPT_TESTS_JOURNAL_TREE_H
#define CKPT_TESTS_JOURNAL_TREE_H

#include "lib/common/err.h"
#include "lib/undo/journal.h"

#include <stdbool.h>

extern char job[128], tree[128]; /* the journal's directory, the files' */
extern struct journal_config config;
extern struct ckpt_err err;
extern int conflicts; /* told since setup() */

/* Set before setup(): where else than under /tmp, or NULL. */
extern const char *tree_base, *job_base;

void setup(void);
void teardown(void);

/* All there is to be seen of the tree; malloc'ed. */
char *snapshot(void);

/* /dev/shm is another one than /tmp's; else that is said on stdout. */
bool has_two_file_systems(void);

#endif
