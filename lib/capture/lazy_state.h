/* lazy_state.h - between lazy.c, lazy_load.c, lazy_paged.c and lazy_trap.c */
#ifndef CKPT_CAPTURE_LAZY_STATE_H
#define CKPT_CAPTURE_LAZY_STATE_H

#include "lib/arch/x86_64.h"
#include "lib/capture/lazy.h"

#include <signal.h>
#include <stdatomic.h>

enum ckpt_lazy_phase {
    CKPT_LAZY_OVER,
    CKPT_LAZY_LOADING,
    CKPT_LAZY_LEAVING, /* all is loaded; threads end to trap */
};

/* Outlives the rest, which the last thread to leave gives back. */
extern _Atomic uint32_t ckpt_lazy_phase;

enum ckpt_lazy_order {
    CKPT_LAZY_SWAP,   /* put the new memory in its place */
    CKPT_LAZY_FINISH, /* all is in its place */
    CKPT_LAZY_FAIL,   /* the image cannot be read, or is damaged */
};

enum { CKPT_LAZY_MAGIC = 0x434b5054 }; /* upper half of an order's value */

/* In a mapping of its own, from the start of loading to its end. */
struct ckpt_lazy {
    struct ckpt_lazy_table *table;
    struct ckpt_context context; /* in which the loader starts */
    int fd;                      /* the image, or the pager's socket */
    int uffd;                    /* from the pager, higher than fd; -1: none */
    int32_t pid, loader;
    bool here; /* orders are carried out by who gives them */

    /* the order that the loader has given, and the last that was obeyed */
    _Atomic uint32_t given, obeyed;
    enum ckpt_lazy_order order;
    uint64_t from, to, len;
    uint32_t prot;
    int32_t error;     /* CKPT_LAZY_FAIL: errno... */
    uint64_t error_at; /* ...and where in the image... */
    const char *cause; /* ...or, in the pager's words, what it is */
    char words[sizeof((struct ckpt_lazy_word *)0)->cause];

    /* threads that end to trap: so many have, of so many */
    _Atomic uint32_t left;
    uint32_t leaving;

    struct ckpt_lazy_action {
        uint64_t handler, flags, restorer, mask;
    } sigsys;             /* the program's */
    uint64_t with_sigsys; /* signals whose handlers run with SIGSYS blocked */
};

extern struct ckpt_lazy *ckpt_lazy_now; /* NULL: nothing to load */

/* Load everything, giving orders. */
void ckpt_lazy_load(struct ckpt_lazy *lazy);
/* Give an order and wait until it is obeyed. */
void ckpt_lazy_give(struct ckpt_lazy *lazy, enum ckpt_lazy_order order);

/* Does a pager bring the memory? */
bool ckpt_lazy_is_paged(const struct ckpt_lazy_table *table);
/* Take the userfaultfd from its socket, to hold it: without it pages that are
 * missing would be zeros when the pager dies.  0, or -1. */
int ckpt_lazy_take_pages(struct ckpt_lazy *lazy);
/* Until the pager has finished; then give the orders. */
void ckpt_lazy_await_pager(struct ckpt_lazy *lazy);
/* Print what has happened, for a program that is to be ended. */
void ckpt_lazy_complain(const struct ckpt_lazy *lazy);
/* Carry out the order, all threads being stopped. */
void ckpt_lazy_carry_out(struct ckpt_lazy *lazy);

/* End the program with a message when the loader is no more. */
void ckpt_lazy_look_after_loader(struct ckpt_lazy *lazy);

/* The SIGSYS handler, and the signal masks that must let it through. */
void ckpt_lazy_trap(struct ckpt_lazy *lazy);
void ckpt_lazy_untrap(struct ckpt_lazy *lazy);
/* This thread's calls are trapped, or are not. */
void ckpt_lazy_trap_thread(bool on);

#endif
