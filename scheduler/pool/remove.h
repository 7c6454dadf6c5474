/* remove.h - removing a directory and all in it
 */
#ifndef CKPT_SCHEDULER_REMOVE_H
#define CKPT_SCHEDULER_REMOVE_H

/* What cannot be removed stays; symbolic links are not followed.  "" is no
 * directory. */
void remove_tree(const char *path);

#endif
