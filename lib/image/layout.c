/* layout.c - see layout.h */
#include "lib/image/layout.h"

#include "lib/image/format.h"

#include <errno.h>
#include <string.h>

/* No file is larger; keeps every sum below from overflowing. */
static const uint64_t max_len = (uint64_t)1 << 56;

uint64_t ckpt_layout_table_len(uint64_t covered)
{
    return CKPT_NOTE_HEAD_LEN + CKPT_CHECKSUMS_FIXED_LEN +
           8 * ckpt_chunks(covered);
}

static int plan_segments(const struct ckpt_segment *segments, size_t n,
                         uint64_t *total, struct ckpt_err *err)
{
    uint64_t end = 0;
    uint64_t sum = 0;

    for (size_t i = 0; i < n; i++) {
        const struct ckpt_segment *s = &segments[i];
        if (s->vaddr % CKPT_IMAGE_PAGE || s->filesz % CKPT_IMAGE_PAGE ||
            s->memsz % CKPT_IMAGE_PAGE || s->filesz > s->memsz ||
            s->memsz > UINT64_MAX - s->vaddr || s->vaddr < end ||
            s->filesz > max_len - sum)
            return ckpt_err_set(err, EINVAL, "segment %zu at %#llx is wrong", i,
                                (unsigned long long)s->vaddr);
        end = s->vaddr + s->memsz;
        sum += s->filesz;
    }
    *total = sum;
    return 0;
}

static int plan_notes(const struct ckpt_note *notes, size_t n, uint64_t *total,
                      struct ckpt_err *err)
{
    uint64_t sum = CKPT_NOTE_HEAD_LEN + CKPT_FORMAT_DESC_LEN;

    for (size_t i = 0; i < n; i++) {
        size_t name_len = strlen(notes[i].name) + 1;
        if (name_len > 64 || notes[i].len > UINT32_MAX - 3)
            return ckpt_err_set(err, EINVAL, "note %zu is too long", i);
        sum += sizeof(Elf64_Nhdr) + ckpt_align(name_len, 4) +
               ckpt_align(notes[i].len, 4);
    }
    *total = sum;
    return 0;
}

int ckpt_layout_plan(struct ckpt_layout *layout,
                     const struct ckpt_segment *segments, size_t nsegments,
                     const struct ckpt_note *notes, size_t nnotes,
                     struct ckpt_err *err)
{
    struct ckpt_layout l = {.phnum = nsegments + 2};
    uint64_t data_len = 0;

    if (nsegments > UINT32_MAX - 2 || nnotes > UINT32_MAX)
        return ckpt_err_set(err, EINVAL, "too many segments or notes");
    if (plan_segments(segments, nsegments, &data_len, err) ||
        plan_notes(notes, nnotes, &l.notes_len, err))
        return -1;

    uint64_t at = sizeof(Elf64_Ehdr) + l.phnum * sizeof(Elf64_Phdr);
    if (l.phnum >= PN_XNUM) {
        l.section_offset = at;
        at += sizeof(Elf64_Shdr);
    }
    l.notes_offset = at;
    l.data_offset = ckpt_align(at + l.notes_len, CKPT_IMAGE_PAGE);
    l.table_offset = l.data_offset + data_len;
    l.table_len = ckpt_layout_table_len(l.table_offset);
    l.core_size = l.table_offset + l.table_len;
    l.table_count = ckpt_chunks(l.table_offset);
    l.nchunks = ckpt_chunks(l.core_size);
    *layout = l;
    return 0;
}
