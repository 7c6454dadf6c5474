/* lazy_load.c - the loader: from the image into new memory, part by part
 *
 * Runs in a process of its own that shares the program's memory and thread
 * area, so it touches no errno.  For each range it reserves one stretch of
 * address space, congruent to the range (whole page tables move), from which
 * the parts go to their places one by one: in the end the range is one mapping
 * again.
 */
#include "lib/capture/lazy_state.h"

#include "lib/capture/state.h"
#include "lib/common/futex.h"
#include "lib/common/sys.h"
#include "lib/image/checksum.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE_PAGE (2ull << 20)
#define PART (64ull << 20) /* so much is read between two stops */
enum { REPEAT_MS = 20, FAIL_REPEATS = 50 };

struct load {
    struct ckpt_lazy *lazy;
    uint8_t *chunk;    /* room for one chunk of the file... */
    uint64_t chunk_nr; /* ...and which is in it */
    size_t next;       /* piece */
    uint64_t taken;    /* bytes of it that have been read */
};

/* --- orders ------------------------------------------------------------- */

static void send_signal(const struct ckpt_lazy *lazy)
{
    int sig = ckpt_capture_state.settings.signal;
    siginfo_t info;

    memset(&info, 0, sizeof info);
    info.si_signo = sig;
    info.si_code = SI_QUEUE;
    info.si_pid = (int)ckpt_sys(SYS_getpid);
    info.si_uid = (uid_t)ckpt_sys(SYS_getuid);
    info.si_value.sival_ptr =
        (void *)(uintptr_t)((uint64_t)CKPT_LAZY_MAGIC << 32);
    ckpt_sys(SYS_rt_sigqueueinfo, lazy->pid, sig, &info);
}

/* A thread that waits for a page which will not come obeys no order. */
static void end_program(const struct ckpt_lazy *lazy)
{
    ckpt_lazy_complain(lazy);
    ckpt_sys(SYS_kill, lazy->pid, SIGKILL);
    ckpt_sys(SYS_exit_group, 1);
}

/* A signal is lost when one is pending already: repeat it. */
void ckpt_lazy_give(struct ckpt_lazy *lazy, enum ckpt_lazy_order order)
{
    lazy->order = order;
    if (lazy->here) {
        if (order != CKPT_LAZY_FINISH)
            ckpt_lazy_carry_out(lazy);
        return;
    }
    uint32_t before = atomic_fetch_add(&lazy->given, 1);
    for (unsigned i = 0; atomic_load(&lazy->obeyed) == before; i++) {
        if ((int32_t)ckpt_sys(SYS_getppid) != lazy->pid)
            ckpt_sys(SYS_exit_group, 0); /* the program has ended */
        if (order == CKPT_LAZY_FAIL && i == FAIL_REPEATS)
            end_program(lazy);
        send_signal(lazy);
        ckpt_futex_wait((uint32_t *)&lazy->obeyed, before, REPEAT_MS);
    }
}

static void give_up(struct load *l, int error, uint64_t offset)
{
    l->lazy->error = error;
    l->lazy->error_at = offset;
    ckpt_lazy_give(l->lazy, CKPT_LAZY_FAIL);
}

/* --- reading ------------------------------------------------------------ */

static void read_file(struct load *l, void *to, uint64_t len, uint64_t offset)
{
    uint64_t done = 0;

    while (done < len) {
        long n = ckpt_sys(SYS_pread64, l->lazy->fd, (uint8_t *)to + done,
                          len - done, offset + done);
        if (n == -EINTR)
            continue;
        if (n <= 0)
            give_up(l, n < 0 ? (int)-n : ENODATA, offset + done);
        done += (uint64_t)n;
    }
}

static void check_chunk(struct load *l, uint64_t nr, const void *data,
                        uint64_t len)
{
    const struct ckpt_lazy_table *t = l->lazy->table;

    if (nr >= t->nsums || ckpt_checksum(data, len) != ckpt_lazy_sums(t)[nr])
        give_up(l, EBADMSG, nr * t->chunk);
}

/* Read [offset, offset + len) of the file, which is in one chunk. */
static void read_in_chunk(struct load *l, uint8_t *to, uint64_t len,
                          uint64_t offset)
{
    const struct ckpt_lazy_table *t = l->lazy->table;
    uint64_t nr = offset / t->chunk, start = nr * t->chunk;
    uint64_t size =
        t->covered - start < t->chunk ? t->covered - start : t->chunk;

    if (len == size) {
        read_file(l, to, len, offset);
        check_chunk(l, nr, to, len);
        return;
    }
    if (nr != l->chunk_nr) {
        read_file(l, l->chunk, size, start);
        check_chunk(l, nr, l->chunk, size);
        l->chunk_nr = nr;
    }
    memcpy(to, l->chunk + (offset - start), len);
}

static void read_image(struct load *l, uint8_t *to, uint64_t len,
                       uint64_t offset)
{
    const struct ckpt_lazy_table *t = l->lazy->table;

    if (t->nsums == 0) {
        read_file(l, to, len, offset);
        return;
    }
    for (uint64_t done = 0; done < len;) {
        uint64_t rest = t->chunk - (offset + done) % t->chunk;
        uint64_t n = rest < len - done ? rest : len - done;
        read_in_chunk(l, to + done, n, offset + done);
        done += n;
    }
}

/* --- ranges ------------------------------------------------------------- */

/* New memory for the range; inaccessible yet. */
static uint64_t reserve(struct load *l, const struct ckpt_lazy_range *r,
                        uint64_t *mapped)
{
    uint64_t len = r->end - r->start;
    long at = ckpt_sys(SYS_mmap, NULL, len + HUGE_PAGE, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (at < 0 && at > -4096)
        give_up(l, (int)-at, 0);
    *mapped = (uint64_t)at;
    return *mapped + (r->start - *mapped) % HUGE_PAGE;
}

/* Where a part that begins at `at` ends: at a boundary of huge pages, when it
 * has enough of the image in it. */
static uint64_t part_end(const struct load *l, const struct ckpt_lazy_range *r,
                         uint64_t at)
{
    const struct ckpt_lazy_table *t = l->lazy->table;
    const struct ckpt_lazy_piece *pieces = ckpt_lazy_pieces(t);
    uint64_t bytes = 0;

    for (size_t i = l->next; i < t->npieces; i++) {
        uint64_t start = pieces[i].start + (i == l->next ? l->taken : 0);
        uint64_t end = pieces[i].start + pieces[i].len;
        if (start >= r->end)
            break;
        if (bytes + (end - start) >= PART) {
            uint64_t cut = (start + (PART - bytes) + HUGE_PAGE - 1) /
                           HUGE_PAGE * HUGE_PAGE;
            return cut > at && cut < r->end ? cut : r->end;
        }
        bytes += end - start;
    }
    return r->end;
}

/* The pieces in [at, end), to where `shift` puts them. */
static void read_part(struct load *l, uint64_t end, uint64_t shift)
{
    const struct ckpt_lazy_table *t = l->lazy->table;
    const struct ckpt_lazy_piece *pieces = ckpt_lazy_pieces(t);

    while (l->next < t->npieces) {
        const struct ckpt_lazy_piece *p = &pieces[l->next];
        uint64_t at = p->start + l->taken;
        if (at >= end)
            return;
        uint64_t n = p->start + p->len - at;
        if (n > end - at)
            n = end - at;
        read_image(l, (uint8_t *)(at + shift), n, p->offset + l->taken);
        l->taken += n;
        if (l->taken == p->len) {
            l->next++;
            l->taken = 0;
        }
    }
}

static void load_range(struct load *l, const struct ckpt_lazy_range *r)
{
    struct ckpt_lazy *lazy = l->lazy;
    uint64_t mapped, staged = reserve(l, r, &mapped);
    uint64_t shift = staged - r->start, len = r->end - r->start;

    for (uint64_t at = r->start, end; at < r->end; at = end) {
        end = part_end(l, r, at);
        long rc = ckpt_sys(SYS_mprotect, at + shift, end - at,
                           PROT_READ | PROT_WRITE);
        if (rc < 0)
            give_up(l, (int)-rc, 0);
        read_part(l, end, shift);
        lazy->from = at + shift;
        lazy->to = at;
        lazy->len = end - at;
        lazy->prot = r->prot;
        ckpt_lazy_give(l->lazy, CKPT_LAZY_SWAP);
    }
    /* what was reserved on both sides to have the choice */
    ckpt_sys(SYS_munmap, mapped, staged - mapped);
    ckpt_sys(SYS_munmap, staged + len, mapped + HUGE_PAGE - staged);
}

void ckpt_lazy_load(struct ckpt_lazy *lazy)
{
    const struct ckpt_lazy_table *t = lazy->table;
    struct load l = {.lazy = lazy, .chunk_nr = UINT64_MAX};
    long room = ckpt_sys(SYS_mmap, NULL, t->chunk, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (room < 0 && room > -4096)
        give_up(&l, (int)-room, 0);
    l.chunk = (uint8_t *)room;
    for (size_t i = 0; i < t->nranges; i++)
        load_range(&l, &ckpt_lazy_ranges(t)[i]);
    ckpt_sys(SYS_munmap, room, t->chunk);
    ckpt_lazy_give(lazy, CKPT_LAZY_FINISH);
}
