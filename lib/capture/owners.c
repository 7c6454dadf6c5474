/* owners.c - see owners.h
 *
 * What glibc's locks look like while they are held; all words but the pointers
 * have 32 bits, and the word of the owner lies at a multiple of 8:
 *
 *     pthread_mutex_t   lock count OWNER users kind spins previous next
 *     pthread_rwlock_t  readers writers phase queue 0 0 OWNER shared 0 0 0 0
 *                       kind
 */
#include "lib/capture/owners.h"

#include <sys/mman.h>
#include <ucontext.h>

enum {
    BLOCK = 64,
    ID_BITS = 0x3fffffff, /* of a lock word that the kernel knows, too */
    MANY = 1 << 20,

    /* kinds of mutexes */
    TYPE = 3,
    RECURSIVE = 1,
    ERROR_CHECKING = 2,
    ROBUST = 0x10,
    INHERITS = 0x20,
    PROTECTS = 0x40,
    KIND_BITS = 0x3f3,

    /* of a read-write lock's first word */
    WRITER_HAS_IT = 3,
    RWLOCK_KIND_MAX = 3,
};

/* What is being looked through. */
struct view {
    const uint32_t *begin, *end;
    uint64_t vaddr;
    const struct ckpt_thread *threads;
    uint32_t low, span; /* ids are from low to low + span */
};

/* Word `i` from the owner's; false: it lies outside, so nothing is known. */
static bool word(const struct view *v, const uint32_t *owner, long i,
                 uint32_t *value)
{
    if (i < v->begin - owner || i >= v->end - owner)
        return false;
    *value = owner[i];
    return true;
}

static bool are_zero(const struct view *v, const uint32_t *owner, long from,
                     long upto)
{
    uint32_t value;

    for (long i = from; i < upto; i++)
        if (word(v, owner, i, &value) && value != 0)
            return false;
    return true;
}

/* Whether the words before the owner's can be those of a held one. */
static bool is_taken(const struct view *v, const uint32_t *owner, uint32_t kind)
{
    uint32_t lock, count, type = kind & TYPE;

    if (!word(v, owner, -2, &lock) || !word(v, owner, -1, &count))
        return true;
    if (type == RECURSIVE ? count == 0 || count > MANY : count > 1)
        return false;
    return kind & PROTECTS              ? lock != 0
           : kind & (ROBUST | INHERITS) ? (lock & ID_BITS) == *owner
                                        : lock == 1 || lock == 2;
}

static bool is_mutex(const struct view *v, const uint32_t *owner)
{
    uint32_t users, kind;

    if (!word(v, owner, 1, &users) || users == 0 || users > MANY)
        return false;
    if (!word(v, owner, 2, &kind)) /* any that could be */
        return is_taken(v, owner, RECURSIVE) ||
               is_taken(v, owner, ERROR_CHECKING) || is_taken(v, owner, ROBUST);
    uint32_t type = kind & TYPE, of_kernel = kind & (ROBUST | INHERITS);
    if ((kind & ~(uint32_t)KIND_BITS) ||
        (type != RECURSIVE && type != ERROR_CHECKING && !of_kernel) ||
        (!of_kernel && !are_zero(v, owner, 4, 8)))
        return false;
    return is_taken(v, owner, kind);
}

static bool is_rwlock(const struct view *v, const uint32_t *owner)
{
    uint32_t readers, shared, kind;

    return word(v, owner, 1, &shared) && shared <= 1 &&
           word(v, owner, -6, &readers) &&
           (readers & WRITER_HAS_IT) == WRITER_HAS_IT &&
           are_zero(v, owner, -2, 0) && are_zero(v, owner, 2, 6) &&
           (!word(v, owner, 6, &kind) || kind <= RWLOCK_KIND_MAX);
}

static bool is_thread(const struct view *v, uint32_t id)
{
    for (const struct ckpt_thread *t = v->threads; t; t = t->next)
        if (t->tid == (int32_t)id)
            return true;
    return false;
}

static const uint32_t *find_in_block(const struct view *v,
                                     const uint32_t *block)
{
    for (const uint32_t *w = block; w < block + BLOCK / sizeof *w; w += 2)
        if (*w - v->low <= v->span && (is_mutex(v, w) || is_rwlock(v, w)) &&
            is_thread(v, *w))
            return w;
    return NULL;
}

/* Whether any word of the block is an id: four at a time. */
typedef uint32_t lanes __attribute__((vector_size(16)));
typedef uint64_t halves __attribute__((vector_size(16)));

static bool may_hold(const struct view *v, const uint32_t *block)
{
    const lanes *at = (const lanes *)(const void *)block;
    lanes low = {v->low, v->low, v->low, v->low};
    lanes span = {v->span, v->span, v->span, v->span};
    lanes hit = (lanes)(at[0] - low <= span) | (lanes)(at[1] - low <= span) |
                (lanes)(at[2] - low <= span) | (lanes)(at[3] - low <= span);
    halves any = (halves)hit;

    return any[0] | any[1];
}

static void take_range(struct view *v, const struct ckpt_thread *threads)
{
    uint32_t high = 0;

    v->low = UINT32_MAX;
    for (const struct ckpt_thread *t = threads; t; t = t->next) {
        uint32_t id = (uint32_t)t->tid;
        v->low = id < v->low ? id : v->low;
        high = id > high ? id : high;
    }
    v->span = high - v->low;
    v->threads = threads;
}

bool ckpt_owners_find_in(const void *data, size_t len, uint64_t vaddr,
                         const struct ckpt_thread *threads,
                         struct ckpt_held_lock *found)
{
    struct view v = {.begin = data, .vaddr = vaddr};

    v.end = v.begin + len / sizeof *v.begin;
    take_range(&v, threads);
    for (const uint32_t *b = v.begin; b < v.end; b += BLOCK / sizeof *b) {
        const uint32_t *owner = may_hold(&v, b) ? find_in_block(&v, b) : NULL;
        if (!owner)
            continue;
        found->at =
            vaddr + (uint64_t)((const uint8_t *)owner - (const uint8_t *)data);
        found->tid = (int32_t)*owner;
        return true;
    }
    return false;
}

bool ckpt_owners_find(const struct ckpt_memory *memory,
                      const struct ckpt_thread *threads,
                      struct ckpt_held_lock *found)
{
    for (size_t i = 0; i < memory->nsegments; i++) {
        const struct ckpt_segment *s = &memory->segments[i];
        if ((s->prot & PROT_WRITE) &&
            ckpt_owners_find_in(s->data, s->filesz & ~(uint64_t)(BLOCK - 1),
                                s->vaddr, threads, found))
            return true;
    }
    return false;
}

bool ckpt_owners_taking(const struct ckpt_thread *threads,
                        struct ckpt_held_lock *found)
{
    for (const struct ckpt_thread *t = threads; t; t = t->next) {
        const ucontext_t *uc = t->ucontext;
        for (int i = REG_R8; i < REG_RSP; i++) {
            if ((int32_t)uc->uc_mcontext.gregs[i] != t->tid)
                continue;
            *found = (struct ckpt_held_lock){.tid = t->tid};
            return true;
        }
    }
    return false;
}
