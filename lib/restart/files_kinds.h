/* files_kinds.h - opening each kind of file again; the parts of files.c
 *
 *     open     makes what `opened[i]` stands for, at a number that will change;
 *              everything that can go wrong should go wrong here
 *     commit   what needs the final numbers, or would be lost when temporary
 *              descriptors are closed: epoll sets, POSIX locks, running timers
 *
 * Results: a descriptor (open) or 0 (commit), or -1 with the file named.
 * States come from an image and are not trusted.
 */
#ifndef CKPT_RESTART_FILES_KINDS_H
#define CKPT_RESTART_FILES_KINDS_H

#include "lib/restart/files.h"

#include <stddef.h>

/* A cursor over the state of a file. */
struct ckpt_bytes ckpt_files_state(const struct ckpt_open_file *f);
/* "PATH: the image's entry is malformed"; -1. */
int ckpt_files_malformed(const struct ckpt_open_file *f, struct ckpt_err *err);

/* The index of the first description of the same file and kind: i itself when
 * it is the first. */
size_t ckpt_files_first(const struct ckpt_files *files, size_t i);

/* Open another description of what `fd` refers to, with the flags of `f`. */
int ckpt_files_again(int fd, const struct ckpt_open_file *f,
                     struct ckpt_err *err);

int ckpt_files_pipe(struct ckpt_files *files, size_t i, struct ckpt_err *err);
int ckpt_files_socketpair(struct ckpt_files *files, size_t i,
                          struct ckpt_err *err);
int ckpt_files_pty(struct ckpt_files *files, size_t i, struct ckpt_err *err);
int ckpt_files_eventfd(const struct ckpt_open_file *f, struct ckpt_err *err);
int ckpt_files_timerfd(const struct ckpt_open_file *f, struct ckpt_err *err);
int ckpt_files_signalfd(const struct ckpt_open_file *f, struct ckpt_err *err);
int ckpt_files_epoll(const struct ckpt_open_file *f, struct ckpt_err *err);
int ckpt_files_inotify(const struct ckpt_open_file *f, struct ckpt_err *err);
int ckpt_files_content(struct ckpt_files *files, size_t i,
                       struct ckpt_err *err);
int ckpt_files_seal(const struct ckpt_open_file *f, int fd,
                    struct ckpt_err *err);
/* After all are open: what the sets will watch can be watched. */
int ckpt_files_try_epoll(const struct ckpt_files *files, struct ckpt_err *err);
/* Take flock(2) and OFD locks; see that POSIX locks can be taken. */
int ckpt_files_lock(const struct ckpt_open_file *f, int fd,
                    struct ckpt_err *err);

int ckpt_files_commit_epoll(const struct ckpt_open_file *f, int fd,
                            struct ckpt_err *err);
int ckpt_files_commit_timerfd(const struct ckpt_open_file *f, int fd,
                              struct ckpt_err *err);
/* Signals that a file sends, and marks in sockets. */
int ckpt_files_commit_habits(const struct ckpt_open_file *f, int fd,
                             struct ckpt_err *err);
int ckpt_files_commit_locks(const struct ckpt_open_file *f, int fd,
                            struct ckpt_err *err);

#endif
