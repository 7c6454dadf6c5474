/* kinds.h - what the parts of look.c share: one function for each kind
 *
 * look.c makes the table of descriptors and descriptions with what all have
 * in common, then asks one of these functions about each description.  They
 * fill in `kind`, `state`, `offset` and `digest`, or refuse with the descriptor
 * and the cause named.  Everything must work in the stopped program and leave
 * no trace in it.
 */
#ifndef CKPT_FILES_KINDS_H
#define CKPT_FILES_KINDS_H

#include "lib/files/look.h"

#include <sys/stat.h>

/* The device numbers of terminals of a devpts: major ones. */
enum { CKPT_PTS_MAJOR = 136, CKPT_PTS_MAJORS = 8 };

struct ckpt_look {
    struct ckpt_file_table *table;
    struct ckpt_arena *arena;
    const struct ckpt_inherited *inherited;
    struct stat *stats; /* of each description */
    size_t room;
    int pid;
    struct ckpt_err *err;
};

/* "descriptor N is WHAT: NAME"; -1. */
int ckpt_look_refuse(const struct ckpt_look *l, const struct ckpt_open_file *f,
                     const char *what);

/* The lowest descriptor of the description. */
int ckpt_look_fd(const struct ckpt_look *l, const struct ckpt_open_file *f);

/* Given by the program's caller: then it is of kind CALLER. */
bool ckpt_look_given(struct ckpt_look *l, struct ckpt_open_file *f);
bool ckpt_look_inherited(const struct ckpt_look *l,
                         const struct ckpt_open_file *f);

/* Encode a state: what is put into the cursor that _begin returns becomes
 * `blob`.  _end: 0, or -1 when it did not fit. */
struct ckpt_bytes ckpt_look_begin(const struct ckpt_look *l);
int ckpt_look_end(const struct ckpt_look *l, const struct ckpt_bytes *b,
                  struct ckpt_blob *blob);

/* The text of /proc/self/fdinfo/FD, in arena memory; NULL with err. */
char *ckpt_look_fdinfo(const struct ckpt_look *l, int fd);
/* Where the value of "NAME:" begins, or NULL. */
const char *ckpt_look_field(const char *text, const char *name);

/* The modes of a terminal; of other devices nothing. */
int ckpt_look_terminal(struct ckpt_look *l, struct ckpt_open_file *f);
/* 1: an end of a pseudo-terminal that is in the process as a whole; 0: it is
 * not; -1. */
int ckpt_look_pty(struct ckpt_look *l, struct ckpt_open_file *f);
int ckpt_look_pipe(struct ckpt_look *l, struct ckpt_open_file *f);
int ckpt_look_socket(struct ckpt_look *l, struct ckpt_open_file *f);
int ckpt_look_anon(struct ckpt_look *l, struct ckpt_open_file *f);
int ckpt_look_epoll(struct ckpt_look *l, struct ckpt_open_file *f);
int ckpt_look_inotify(struct ckpt_look *l, struct ckpt_open_file *f);
/* A file whose content travels in the image. */
int ckpt_look_content(struct ckpt_look *l, struct ckpt_open_file *f,
                      enum ckpt_file_kind kind);
/* What was set for it since it was opened; for every kind. */
int ckpt_look_habits(struct ckpt_look *l, struct ckpt_open_file *f);
int ckpt_look_locks(struct ckpt_look *l, struct ckpt_open_file *f);

#endif
