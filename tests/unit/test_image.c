/* test_image.c - images are read as they were written, by us and by others */
#include "config.h"

#include "lib/image/checksum.h"
#include "tests/unit/image_sample.h"
#include "tests/unit/run_tests.h"

#include <check.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char *dir;

static void setup(void)
{
    dir = sample_dir_make();
}

static void teardown(void)
{
    sample_dir_remove(dir);
}

static const enum ckpt_codec codecs[] = {CKPT_CODEC_NONE, CKPT_CODEC_ZLIB,
#ifdef HAVE_ZSTD
                                         CKPT_CODEC_ZSTD
#endif
};
enum { CODECS = sizeof codecs / sizeof codecs[0] };

static void write_ok(const struct sample *s, const char *name,
                     enum ckpt_codec codec)
{
    struct ckpt_err err = {""};

    ck_assert_msg(
        sample_write_file(s, sample_path(dir, name), 1, codec, &err) == 0, "%s",
        err.text);
}

START_TEST(round_trip)
{
    /* none; small ones; larger than chunks, at all places relative to them */
    static const struct {
        size_t nsegments;
        unsigned pages_max;
    } shapes[] = {{0, 1}, {1, 1}, {5, 3}, {64, 20}, {9, 700}, {2, 2000}};

    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct sample s;
        sample_make(&s, (uint32_t)(i + 7 * (size_t)_i), shapes[i].nsegments,
                    shapes[i].pages_max);
        write_ok(&s, "image", codecs[_i]);
        ck_assert_msg(sample_is_at(&s, sample_path(dir, "image")),
                      "shape %zu, codec %s", i, ckpt_codec_name(codecs[_i]));
        sample_clear(&s);
    }
}
END_TEST

START_TEST(sizes_are_told)
{
    struct ckpt_file_sink sink;
    struct ckpt_err err = {""};
    struct sample s;
    struct stat st;
    uint64_t bytes = 0;

    sample_make(&s, 3, 10, 100);
    ck_assert_int_eq(
        ckpt_file_sink_open(&sink, sample_path(dir, "image"), 1, &err), 0);
    ck_assert_int_eq(sample_write(&s, &sink.sink, codecs[_i], &bytes, &err), 0);
    ck_assert_int_eq(stat(sample_path(dir, "image"), &st), 0);
    ck_assert_uint_eq(bytes, (uint64_t)st.st_size);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    sample_clear(&s);
}
END_TEST

/* Run a command; %1$s stands for the directory. */
static int run(const char *format)
{
    char command[16384];

    snprintf(command, sizeof command, format, dir);
    return system(command);
}

START_TEST(others_decompress_it)
{
    struct sample s;

    sample_make(&s, 11, 12, 300);
    write_ok(&s, "plain", CKPT_CODEC_NONE);
    write_ok(&s, "gz", CKPT_CODEC_ZLIB);
    ck_assert_int_eq(run("gzip -dc < %1$s/gz | cmp - %1$s/plain"), 0);
#ifdef HAVE_ZSTD
    write_ok(&s, "zst", CKPT_CODEC_ZSTD);
    if (run("command -v zstd >/dev/null") == 0)
        ck_assert_int_eq(run("zstd -dqc < %1$s/zst | cmp - %1$s/plain"), 0);
#endif
    sample_clear(&s);
}
END_TEST

START_TEST(readelf_accepts_it)
{
    struct sample s;

    sample_make(&s, 5, 40, 10);
    write_ok(&s, "core", CKPT_CODEC_NONE);
    ck_assert_int_eq(run("LC_ALL=C readelf -aW %1$s/core >%1$s/out 2>%1$s/err "
                         "&& test ! -s %1$s/err && grep -q CORE %1$s/out && "
                         "test $(grep -c LOAD %1$s/out) = 40"),
                     0);
    sample_clear(&s);
}
END_TEST

/* More segments than fit in e_phnum. */
START_TEST(very_many_segments)
{
    enum { MANY = 70000 };
    struct ckpt_segment *segments = calloc(MANY, sizeof *segments);
    const struct ckpt_image_segment *read;
    struct ckpt_file_sink sink;
    struct ckpt_err err = {""};
    struct ckpt_image_options options = {.codec = CKPT_CODEC_NONE};
    size_t len = ckpt_image_workspace(&options, MANY * 56 + 4096);
    void *work = mmap(NULL, len, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    for (size_t i = 0; i < MANY; i++)
        segments[i] = (struct ckpt_segment){
            .vaddr = 0x10000 + i * 8192, .memsz = 4096, .prot = PROT_READ};
    ck_assert_int_eq(
        ckpt_file_sink_open(&sink, sample_path(dir, "core"), 1, &err), 0);
    ck_assert_msg(ckpt_image_write(&sink.sink, &options, segments, MANY, NULL,
                                   0, work, len, NULL, &err) == 0,
                  "%s", err.text);
    struct ckpt_image *image = ckpt_image_open(sample_path(dir, "core"), &err);
    ck_assert_msg(image != NULL, "%s", err.text);
    ck_assert_uint_eq(ckpt_image_segments(image, &read), MANY);
    ck_assert_uint_eq(read[MANY - 1].vaddr, segments[MANY - 1].vaddr);
    ckpt_image_close(image);
    ck_assert_int_eq(run("test $(LC_ALL=C readelf -lW %1$s/core 2>/dev/null | "
                         "grep -c LOAD) = 70000"),
                     0);
    munmap(work, len);
    free(segments);
}
END_TEST

START_TEST(wrong_segments_are_refused)
{
    static const struct ckpt_segment wrong[][2] = {
        {{.vaddr = 1, .memsz = 4096}},
        {{.vaddr = 4096, .filesz = 4095, .memsz = 4096}},
        {{.vaddr = 4096, .filesz = 8192, .memsz = 4096}},
        {{.vaddr = 8192, .memsz = 8192}, {.vaddr = 12288, .memsz = 4096}},
        {{.vaddr = 8192, .memsz = 4096}, {.vaddr = 4096, .memsz = 4096}},
        {{.vaddr = UINT64_MAX & ~4095ull, .memsz = 8192}},
    };
    static _Alignas(4096) uint8_t work[8 << 20];
    struct ckpt_image_options options = {.codec = CKPT_CODEC_NONE};
    struct ckpt_file_sink sink;
    struct ckpt_err err;

    ck_assert_int_eq(ckpt_file_sink_open(&sink, sample_path(dir, "x"), 1, &err),
                     0);
    size_t n = wrong[_i][1].memsz ? 2 : 1;
    errno = 0;
    ck_assert_int_eq(ckpt_image_write(&sink.sink, &options, wrong[_i], n, NULL,
                                      0, work, sizeof work, NULL, &err),
                     -1);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_uint_eq(sample_dir_count(dir), 0);
}
END_TEST

START_TEST(small_workspace_is_refused)
{
    struct ckpt_image_options options = {.codec = codecs[_i]};
    struct ckpt_file_sink sink;
    struct ckpt_err err;
    static _Alignas(4096) uint8_t work[4096];

    ck_assert_int_eq(ckpt_file_sink_open(&sink, sample_path(dir, "x"), 1, &err),
                     0);
    ck_assert_int_eq(ckpt_image_write(&sink.sink, &options, NULL, 0, NULL, 0,
                                      work, sizeof work, NULL, &err),
                     -1);
    ck_assert_int_eq(errno, ENOMEM);
    ck_assert_uint_eq(sample_dir_count(dir), 0);
}
END_TEST

START_TEST(codec_names)
{
    enum ckpt_codec codec;
    struct ckpt_err err;

    for (size_t i = 0; i < CODECS; i++) {
        ck_assert_int_eq(
            ckpt_codec_parse(ckpt_codec_name(codecs[i]), &codec, &err), 0);
        ck_assert_int_eq(codec, codecs[i]);
    }
    ck_assert_int_eq(ckpt_codec_parse("lzma", &codec, &err), -1);
    ck_assert_int_eq(errno, EINVAL);
}
END_TEST

/* The checksum is part of the format: it can never change. */
START_TEST(checksum_is_xxh3)
{
    ck_assert_uint_eq(ckpt_checksum("", 0), 0x2d06800538d394c2ull);
}
END_TEST

static Suite *image_suite(void)
{
    Suite *suite = suite_create("image");
    TCase *tc = tcase_create("image");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, round_trip, 0, CODECS);
    tcase_add_loop_test(tc, sizes_are_told, 0, CODECS);
    tcase_add_test(tc, others_decompress_it);
    tcase_add_test(tc, readelf_accepts_it);
    tcase_add_test(tc, very_many_segments);
    tcase_add_loop_test(tc, wrong_segments_are_refused, 0, 6);
    tcase_add_loop_test(tc, small_workspace_is_refused, 0, CODECS);
    tcase_add_test(tc, codec_names);
    tcase_add_test(tc, checksum_is_xxh3);
    suite_add_tcase(suite, tc);
    return suite;
}

int main(void)
{
    return run_suite(image_suite());
}
