/* image_sample.c - see image_sample.h */
#include "tests/unit/image_sample.h"

#include "lib/image/checksum.h"
#include "lib/image/format.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096 };

uint32_t sample_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static void fill(uint8_t *data, size_t len, unsigned kind, uint32_t *state)
{
    for (size_t i = 0; i < len; i++) {
        uint32_t r = kind == 2 ? 0 : sample_random(state);
        data[i] = (uint8_t)(kind == 0 ? r >> 8 : (r >> 8) & 3);
    }
}

void sample_make(struct sample *s, uint32_t seed, size_t nsegments,
                 unsigned pages_max)
{
    uint32_t state = seed * 2654435761u + 1;
    uint64_t vaddr = 0x400000, at = 0;

    memset(s, 0, sizeof *s);
    s->nsegments = nsegments;
    s->memory_len = (uint64_t)nsegments * pages_max * PAGE + PAGE;
    s->memory = mmap(NULL, s->memory_len, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; i < nsegments; i++) {
        size_t len = sample_random(&state) % (pages_max + 1) * PAGE;
        size_t beyond = sample_random(&state) % 3 * PAGE;
        fill(s->memory + at, len, (unsigned)(seed + i) % 3, &state);
        s->segments[i] = (struct ckpt_segment){
            .vaddr = vaddr,
            .filesz = len,
            .memsz = len + beyond,
            .data = s->memory + at,
            .prot = sample_random(&state) & 7,
        };
        at += len;
        vaddr += len + beyond + sample_random(&state) % 2 * PAGE;
    }
    s->notes[0] = (struct ckpt_note){"CORE", 1, "\1\2\3", 3};
    s->notes[1] = (struct ckpt_note){"CKPT", CKPT_NOTE_META, s->memory, 400};
    s->notes[2] = (struct ckpt_note){"LINUX", 0x202, "", 0};
}

void sample_clear(struct sample *s)
{
    munmap(s->memory, s->memory_len);
}

int sample_write(const struct sample *s, struct ckpt_sink *sink,
                 enum ckpt_codec codec, uint64_t *bytes, struct ckpt_err *err)
{
    struct ckpt_image_options options = {.codec = codec, .threads = 3};
    size_t len = ckpt_image_workspace(&options, s->memory_len + 8192);
    void *work = mmap(NULL, len, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int rc = ckpt_image_write(sink, &options, s->segments, s->nsegments,
                              s->notes, SAMPLE_NOTES, work, len, bytes, err);

    munmap(work, len);
    return rc;
}

int sample_write_file(const struct sample *s, const char *path, unsigned keep,
                      enum ckpt_codec codec, struct ckpt_err *err)
{
    struct ckpt_file_sink sink;

    if (ckpt_file_sink_open(&sink, path, keep, err))
        return -1;
    return sample_write(s, &sink.sink, codec, NULL, err);
}

static bool same_segments(const struct sample *s, struct ckpt_image *image)
{
    const struct ckpt_image_segment *segments;
    size_t n = ckpt_image_segments(image, &segments);
    bool same = n == s->nsegments;

    for (size_t i = 0; same && i < n; i++) {
        const struct ckpt_segment *want = &s->segments[i];
        uint8_t *buf = malloc(want->filesz + 1);
        same = segments[i].vaddr == want->vaddr &&
               segments[i].filesz == want->filesz &&
               segments[i].memsz == want->memsz &&
               segments[i].prot == want->prot &&
               ckpt_image_read(image, segments[i].offset, buf, want->filesz,
                               NULL) == 0 &&
               memcmp(buf, want->data, want->filesz) == 0;
        free(buf);
    }
    return same;
}

static bool same_notes(const struct sample *s, struct ckpt_image *image)
{
    for (size_t i = 0; i < SAMPLE_NOTES; i++) {
        size_t len = 0;
        const void *data =
            ckpt_image_note(image, s->notes[i].name, s->notes[i].type, &len);
        if (!data || len != s->notes[i].len ||
            memcmp(data, s->notes[i].data, len) != 0)
            return false;
    }
    return true;
}

bool sample_is_at(const struct sample *s, const char *path)
{
    struct ckpt_err err = {""};
    struct ckpt_image *image = ckpt_image_open(path, &err);

    if (!image)
        return false;
    bool same = same_segments(s, image) && same_notes(s, image) &&
                ckpt_image_verify(image, &err) == 0;
    ckpt_image_close(image);
    return same;
}

void sample_forge(uint8_t *data, size_t len)
{
    const size_t head_len = CKPT_NOTE_HEAD_LEN + 16, table_len = head_len + 16;
    uint8_t head[CKPT_NOTE_HEAD_LEN + 24];
    uint64_t covered;

    if (len < table_len)
        return;
    uint8_t *table = data + len - table_len;
    memcpy(&covered, table + CKPT_NOTE_HEAD_LEN, sizeof covered);
    if (covered != len - table_len || covered > CKPT_IMAGE_CHUNK)
        return;
    uint64_t sum = ckpt_checksum(data, covered);
    memcpy(table + head_len, &sum, sizeof sum);
    uint64_t sums = ckpt_checksum(&sum, sizeof sum);
    memcpy(head, table, head_len);
    memcpy(head + head_len, &sums, sizeof sums);
    uint64_t self = ckpt_checksum(head, sizeof head);
    memcpy(table + table_len - 8, &self, sizeof self);
}

/* --- directories --------------------------------------------------------- */

char *sample_dir_make(void)
{
    const char *base = getenv("TMPDIR");
    char *dir = malloc(4096);

    snprintf(dir, 4096, "%s/ckpt-image.XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(dir))
        abort();
    return dir;
}

const char *sample_path(const char *dir, const char *name)
{
    static char paths[4][4200];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", dir, name);
    return path;
}

static size_t each_file(const char *dir, bool remove)
{
    DIR *d = opendir(dir);
    struct dirent *entry;
    size_t n = 0;

    while (d && (entry = readdir(d))) {
        if (entry->d_name[0] == '.')
            continue;
        n++;
        if (remove)
            unlink(sample_path(dir, entry->d_name));
    }
    if (d)
        closedir(d);
    return n;
}

size_t sample_dir_count(const char *dir)
{
    return each_file(dir, false);
}

void sample_dir_remove(char *dir)
{
    each_file(dir, true);
    rmdir(dir);
    free(dir);
}
