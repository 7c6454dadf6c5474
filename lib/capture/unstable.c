/* unstable.c - see unstable.h */
#include "lib/capture/unstable.h"

#include "lib/capture/pages.h"

#include <elf.h>
#include <errno.h>

enum {
    OF_PROCESS = 3,
    EACH_THREAD = 2,
    /* Below a thread's record: the frames of what puts it to sleep. */
    STACK_BELOW = CKPT_PAGE,
};

/* Of the program or library that libckpt is linked into; the linker defines
 * them, the second only where there is dynamic linking. */
extern const char _GLOBAL_OFFSET_TABLE_[] __attribute__((visibility("hidden")));
extern const Elf64_Dyn _DYNAMIC[] __attribute__((weak, visibility("hidden")));

struct list {
    struct ckpt_span *spans;
    size_t n;
};

/* The pages of [at - below, at + len), kept in order and apart. */
static void add(struct list *list, const void *at, size_t below, size_t len)
{
    uintptr_t start = ((uintptr_t)at - below) & ~(uintptr_t)(CKPT_PAGE - 1);
    uintptr_t end =
        ((uintptr_t)at + len + CKPT_PAGE - 1) & ~(uintptr_t)(CKPT_PAGE - 1);
    size_t i = list->n;

    for (; i > 0 && list->spans[i - 1].start > start; i--)
        list->spans[i] = list->spans[i - 1];
    list->spans[i] = (struct ckpt_span){start, end};
    list->n++;
}

static void merge(struct list *list)
{
    size_t n = 0;

    for (size_t i = 0; i < list->n; i++) {
        struct ckpt_span s = list->spans[i];
        if (n > 0 && list->spans[n - 1].end >= s.start) {
            if (list->spans[n - 1].end < s.end)
                list->spans[n - 1].end = s.end;
        } else {
            list->spans[n++] = s;
        }
    }
    list->n = n;
}

/* Three words, and one for each function. */
static size_t table_len(void)
{
    size_t len = 3 * sizeof(uint64_t);

    for (const Elf64_Dyn *d = _DYNAMIC; d && d->d_tag != DT_NULL; d++)
        if (d->d_tag == DT_PLTRELSZ)
            len += d->d_un.d_val / sizeof(Elf64_Rela) * sizeof(uint64_t);
    return len;
}

int ckpt_unstable_list(struct ckpt_arena *arena,
                       const struct ckpt_thread *captor,
                       const struct ckpt_thread *threads,
                       struct ckpt_image_options *options, struct ckpt_err *err)
{
    struct list list = {NULL, 0};
    size_t n = OF_PROCESS;

    for (const struct ckpt_thread *t = threads; t; t = t->next)
        n += EACH_THREAD;
    list.spans = ckpt_arena_alloc(arena, n * sizeof *list.spans);
    if (!list.spans)
        return ckpt_err_sys(err, "list of %zu pages that change", n);
    add(&list, &errno, 0, sizeof errno);
    add(&list, _GLOBAL_OFFSET_TABLE_, 0, table_len());
    if (captor->rseq)
        add(&list, captor->rseq, 0, captor->rseq_len);
    for (const struct ckpt_thread *t = threads; t; t = t->next) {
        if (t == captor)
            continue;
        add(&list, t, STACK_BELOW, sizeof *t);
        if (t->rseq)
            add(&list, t->rseq, 0, t->rseq_len);
    }
    merge(&list);
    options->unstable = list.spans;
    options->nunstable = list.n;
    return 0;
}
