/* test_image_chain.c - increments, their bases, and what can be wrong with them
 *
 *     page            0  1  2  3  4  5  6  7
 *     whole image     a  a  a  -  a  a  a  a
 *     increment 1     .  b  .  b  0  .  b  .     (. held, 0 neither)
 *     increment 2     c  .  .  .  .  0  .  c
 *
 * CKPT_GOLDEN_WRITE=DIR writes this chain there; it is read again for ever.
 */
#include "config.h"

#include "lib/image/bases.h"
#include "lib/image/image.h"
#include "lib/image/notes.h"
#include "tests/unit/run_tests.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 8, LINKS = 3 };
#define START 0x10000ull
#define CHAIN "a001020304050607"

static const char *const saved[LINKS] = {"aaa-aaaa", ".b.b0.b.", "c....0.c"};
static const char *const expected[LINKS] = {"aaa-aaaa", "abab-aba", "cbab--bc"};
static uint8_t pages[256][PAGE];
static char dir[64], image[128];

/* --- writing -------------------------------------------------------------- */

static size_t make_segments(const char *plan, struct ckpt_segment *segments)
{
    size_t n = 0;

    for (int i = 0; i < PAGES; i++)
        if (plan[i] >= 'a')
            segments[n++] = (struct ckpt_segment){
                .vaddr = START + (uint64_t)i * PAGE,
                .filesz = PAGE,
                .memsz = PAGE,
                .data = pages[(int)plan[i]],
                .prot = PROT_READ | PROT_WRITE,
            };
    return n;
}

static size_t make_held(const char *plan, struct ckpt_range *held)
{
    size_t n = 0;

    for (uint64_t i = 0; i < PAGES; i++) {
        uint64_t at = START + i * PAGE;
        if (plan[i] != '.')
            continue;
        if (n > 0 && held[n - 1].end == at)
            held[n - 1].end += PAGE;
        else
            held[n++] = (struct ckpt_range){at, at + PAGE};
    }
    return n;
}

static struct ckpt_note end_note(struct ckpt_bytes *b, uint8_t *start,
                                 uint32_t type)
{
    if (b->failed)
        abort();
    return (struct ckpt_note){"CKPT", type, start, (size_t)(b->at - start)};
}

/* The notes that a merge looks at, and BASE for an increment. */
static size_t make_notes(unsigned depth, const char *base_name, uint8_t *buf,
                         size_t size, struct ckpt_note *notes)
{
    static const struct ckpt_map map = {.start = START,
                                        .end = START + PAGES * PAGE,
                                        .kind = CKPT_MAP_ANON,
                                        .prot = PROT_READ | PROT_WRITE,
                                        .path = ""};
    static const struct ckpt_thread_note thread = {.tid = 1, .comm = "x"};
    static struct ckpt_process process = {.cwd = "/"};
    struct ckpt_range held[PAGES];
    struct ckpt_meta meta = {.version = depth ? CKPT_IMAGE_VERSION
                                              : CKPT_IMAGE_VERSION_WHOLE,
                             .id = {0xa0 + (uint8_t)depth, 1, 2, 3, 4, 5, 6, 7},
                             .page_size = PAGE};
    struct ckpt_base base = {
        .id = {0xa0 + (uint8_t)depth - 1, 1, 2, 3, 4, 5, 6, 7},
        .name = base_name,
        .dir = "",
        .held = held,
        .nheld = make_held(saved[depth], held)};
    struct ckpt_bytes b = ckpt_bytes_over(buf, size);
    size_t n = 0;

    uint8_t *at = b.at;
    ckpt_meta_encode(&b, &meta);
    notes[n++] = end_note(&b, at, CKPT_NOTE_META);
    ckpt_maps_encode(&b, &map, 1);
    notes[n] = end_note(&b, at = at + notes[n - 1].len, CKPT_NOTE_MAPS);
    n++;
    ckpt_threads_encode(&b, &thread, 1);
    notes[n] = end_note(&b, at = at + notes[n - 1].len, CKPT_NOTE_THREADS);
    n++;
    ckpt_files_encode(&b, NULL, 0, NULL, 0);
    notes[n] = end_note(&b, at = at + notes[n - 1].len, CKPT_NOTE_FILES);
    n++;
    ckpt_process_encode(&b, &process);
    notes[n] = end_note(&b, at = at + notes[n - 1].len, CKPT_NOTE_PROCESS);
    n++;
    ckpt_base_encode(&b, &base);
    notes[n] = end_note(&b, at = at + notes[n - 1].len, CKPT_NOTE_BASE);
    return n + (depth > 0);
}

static int write_link(const char *path, unsigned depth, enum ckpt_codec codec,
                      struct ckpt_err *err)
{
    static uint8_t buf[32768];
    struct ckpt_segment segments[PAGES];
    struct ckpt_note notes[8];
    struct ckpt_file_sink sink;
    char member[64], base_name[256];
    const char *slash = strrchr(path, '/');

    snprintf(base_name, sizeof base_name, "%s.bases/" CHAIN ".%u", slash + 1,
             depth - 1);
    snprintf(member, sizeof member, CHAIN ".%u", depth);
    size_t n = make_segments(saved[depth], segments);
    size_t k = make_notes(depth, base_name, buf, sizeof buf, notes);
    struct ckpt_image_options options = {.codec = codec};
    size_t len = ckpt_image_workspace(&options, 1 << 20);
    void *work = mmap(NULL, len, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int rc = ckpt_file_sink_open(&sink, path, 1, err);
    sink.member = member;
    if (rc == 0)
        rc = ckpt_image_write(&sink.sink, &options, segments, n, notes, k, work,
                              len, NULL, err);
    munmap(work, len);
    return rc;
}

static void fill_pages(void)
{
    for (int c = 'a'; c <= 'c'; c++)
        for (int i = 0; i < PAGE; i++)
            pages[c][i] = (uint8_t)(c + i * i);
}

static void write_chain(enum ckpt_codec codec)
{
    struct ckpt_err err = {""};

    for (unsigned i = 0; i < LINKS; i++)
        ck_assert_msg(write_link(image, i, codec, &err) == 0, "%s", err.text);
}

static int write_golden(const char *where)
{
    char path[4200];
    struct ckpt_err err = {""};

    fill_pages();
    snprintf(path, sizeof path, "%s/chain-v2.ckpt", where);
    for (unsigned i = 0; i < LINKS; i++)
        if (write_link(path, i, i == 1 ? CKPT_CODEC_ZLIB : CKPT_CODEC_NONE,
                       &err)) {
            fprintf(stderr, "%s\n", err.text);
            return 1;
        }
    return 0;
}

/* --- reading -------------------------------------------------------------- */

static void check_memory(struct ckpt_image *i, const char *want)
{
    const struct ckpt_image_segment *s;
    size_t n = ckpt_image_segments(i, &s);
    char got[PAGES + 1] = "--------";
    struct ckpt_err err = {""};

    for (size_t k = 0; k < n; k++) {
        ck_assert(k == 0 || s[k].vaddr >= s[k - 1].vaddr + s[k - 1].memsz);
        for (uint64_t at = 0; at < s[k].filesz; at += PAGE) {
            uint8_t page[PAGE];
            ck_assert_msg(
                ckpt_image_read(i, s[k].offset + at, page, PAGE, &err) == 0,
                "%s", err.text);
            uint64_t number = (s[k].vaddr + at - START) / PAGE;
            for (int c = 'a'; c <= 'c'; c++)
                if (memcmp(page, pages[c], PAGE) == 0)
                    got[number] = (char)c;
        }
    }
    ck_assert_str_eq(got, want);
}

static struct ckpt_image *open_good(const char *path)
{
    struct ckpt_err err = {""};
    struct ckpt_image *i = ckpt_image_open(path, &err);

    ck_assert_msg(i != NULL, "%s", err.text);
    ck_assert_msg(ckpt_image_verify(i, &err) == 0, "%s", err.text);
    return i;
}

static void check_link(const char *path, unsigned depth)
{
    struct ckpt_image *i = open_good(path);
    const struct ckpt_image *base = i;
    unsigned count = 0;

    while ((base = ckpt_image_base(base)))
        count++;
    ck_assert_uint_eq(count, depth);
    check_memory(i, expected[depth]);
    ckpt_image_close(i);
}

static const char *member(unsigned depth)
{
    static char path[256];

    snprintf(path, sizeof path, "%s.bases/" CHAIN ".%u", image, depth);
    return path;
}

START_TEST(reads_as_one)
{
#ifndef HAVE_ZSTD
    if (_i == CKPT_CODEC_ZSTD)
        return;
#endif
    write_chain((enum ckpt_codec)_i);
    check_link(image, 2);
    for (unsigned i = 0; i < LINKS; i++)
        check_link(member(i), i);
}
END_TEST

START_TEST(merged_is_the_same)
{
    struct ckpt_file_sink sink;
    struct ckpt_err err = {""};
    char path[256];

    write_chain(CKPT_CODEC_NONE);
    struct ckpt_image *i = open_good(image);
    snprintf(path, sizeof path, "%s/merged", dir);
    ck_assert_int_eq(ckpt_file_sink_open(&sink, path, 1, &err), 0);
    ck_assert_msg(ckpt_image_merge(i, &sink.sink, CKPT_CODEC_ZLIB, &err) == 0,
                  "%s", err.text);
    ckpt_image_close(i);
    i = open_good(path);
    ck_assert_ptr_null(ckpt_image_base(i));
    check_memory(i, expected[2]);
    ckpt_image_close(i);
}
END_TEST

static void refused(int errnum, const char *text)
{
    struct ckpt_err err = {""};
    struct ckpt_image *i = ckpt_image_open(image, &err);

    ck_assert_ptr_null(i);
    ck_assert_msg(errno == errnum, "%d: %s", errno, err.text);
    ck_assert_msg(strstr(err.text, text) != NULL, "%s", err.text);
}

START_TEST(missing)
{
    write_chain(CKPT_CODEC_NONE);
    unlink(member(0));
    refused(ENOLINK, CHAIN ".0 is missing");
    unlink(member(1));
    refused(ENOLINK, CHAIN ".1 is missing");
}
END_TEST

START_TEST(foreign)
{
    char name[256];

    write_chain(CKPT_CODEC_NONE);
    snprintf(name, sizeof name, "%s", member(0));
    ck_assert_int_eq(rename(name, member(1)), 0);
    refused(ENOLINK, "another image");
}
END_TEST

START_TEST(damaged)
{
    struct ckpt_err err = {""};
    struct stat st;

    write_chain(CKPT_CODEC_NONE);
    FILE *f = fopen(member(0), "r+");
    ck_assert_ptr_nonnull(f);
    fseek(f, 8192 + 100, SEEK_SET);
    fputc(0x77, f);
    fclose(f);
    struct ckpt_image *i = ckpt_image_open(image, &err);
    if (i) {
        ck_assert_int_eq(ckpt_image_verify(i, &err), -1);
        ckpt_image_close(i);
    }
    ck_assert_int_eq(errno, EBADMSG);
    ck_assert_msg(strstr(err.text, CHAIN ".0") != NULL, "%s", err.text);
    ck_assert_int_eq(stat(member(0), &st), 0);
    ck_assert_int_eq(truncate(member(0), st.st_size / 2), 0);
    refused(ENODATA, CHAIN ".0");
}
END_TEST

/* --- which bases are kept ------------------------------------------------- */

static bool there(unsigned depth)
{
    return access(member(depth), F_OK) == 0;
}

START_TEST(collects)
{
    char other[256];

    write_chain(CKPT_CODEC_NONE);
    ck_assert(there(0) && there(1) && there(2));
    snprintf(other, sizeof other, "%s/other", dir);
    ck_assert_int_eq(link(member(1), other), 0); /* somebody's own name */
    unlink(image);
    ckpt_bases_collect(image, false);
    ck_assert(there(0) && there(1) && !there(2));
    check_link(other, 1);
    unlink(other);
    ckpt_bases_collect(image, false);
    ck_assert(!there(0) && !there(1));
    snprintf(other, sizeof other, "%s.bases", image);
    ck_assert_int_eq(access(other, F_OK), -1);
}
END_TEST

START_TEST(golden)
{
    const char *top = getenv("top_srcdir");
    char path[4200];

    snprintf(path, sizeof path, "%s/tests/golden/chain-v2.ckpt",
             top ? top : SOURCE_DIR);
    check_link(path, 2);
}
END_TEST

static void setup(void)
{
    snprintf(dir, sizeof dir, "/tmp/ckpt-chain.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(image, sizeof image, "%s/sim.ckpt", dir);
    fill_pages();
}

static void teardown(void)
{
    char command[128];

    snprintf(command, sizeof command, "rm -rf %s", dir);
    ck_assert_int_eq(system(command), 0);
}

int main(void)
{
    const char *where = getenv("CKPT_GOLDEN_WRITE");
    Suite *suite = suite_create("image chain");
    TCase *tc = tcase_create("chain");

    if (where)
        return write_golden(where);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, reads_as_one, 0, 3);
    tcase_add_test(tc, merged_is_the_same);
    tcase_add_test(tc, missing);
    tcase_add_test(tc, foreign);
    tcase_add_test(tc, damaged);
    tcase_add_test(tc, collects);
    tcase_add_test(tc, golden);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
