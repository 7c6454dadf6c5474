/* note.h - what is known of a call that was being done when its shadow was
 * killed
 *
 * Made before a change, in memory that survives the process (survive.h).  When
 * the call is sent again the note tells whether the change had been made.
 */
#ifndef CKPT_SHADOW_NOTE_H
#define CKPT_SHADOW_NOTE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

/* What a change found before it was made. */
struct note {
    bool again; /* the call was begun by a shadow that was killed */
    enum note_kind {
        NOTE_NOTHING = 0,
        NOTE_APPEND, /* to be written at `offset` */
        NOTE_ABSENT, /* there was no such name */
        NOTE_INODE,  /* the name that goes stands for dev, ino */
        NOTE_CWD,    /* it was `path` */
    } kind;
    uint64_t dev, ino;
    int64_t offset;
    uint32_t made;   /* this handle, when not 0 */
    uint32_t closed; /* this one's number, when not 0 */
    char path[PATH_MAX];
};

/* Make a note.  What it holds must be set before. */
static inline void note_make(struct note *note, enum note_kind kind)
{
    if (note)
        __atomic_store_n(&note->kind, kind, __ATOMIC_RELEASE);
}

/* The note of that kind, made before the shadow was killed. */
static inline bool note_has(const struct note *note, enum note_kind kind)
{
    return note && note->again && note->kind == kind;
}

#endif
