/* test_image_damage.c - no damage goes unnoticed, none does harm
 *
 * Built with the address and undefined-behaviour sanitizers where the compiler
 * has them.
 */
#include "config.h"

#include "lib/image/format.h"
#include "lib/image/notes.h"
#include "tests/unit/image_sample.h"
#include "tests/unit/run_tests.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const enum ckpt_codec codecs[] = {CKPT_CODEC_NONE, CKPT_CODEC_ZLIB,
#ifdef HAVE_ZSTD
                                         CKPT_CODEC_ZSTD
#endif
};
enum { CODECS = sizeof codecs / sizeof codecs[0], MUTATIONS = 3500 };

static char *dir;
static char path[4200];
static uint8_t *good;
static size_t good_len;

static void load(void)
{
    FILE *f = fopen(path, "rb");
    struct stat st;

    ck_assert(f && fstat(fileno(f), &st) == 0);
    good_len = (size_t)st.st_size;
    good = malloc(good_len);
    ck_assert_uint_eq(fread(good, 1, good_len, f), good_len);
    fclose(f);
}

static void make(enum ckpt_codec codec, size_t nsegments, unsigned pages_max)
{
    struct sample s;
    struct ckpt_err err = {""};

    sample_make(&s, 42, nsegments, pages_max);
    ck_assert_msg(sample_write_file(&s, path, 1, codec, &err) == 0, "%s",
                  err.text);
    sample_clear(&s);
    load();
}

static void setup(void)
{
    dir = sample_dir_make();
    snprintf(path, sizeof path, "%s", sample_path(dir, "image"));
}

static void teardown(void)
{
    free(good);
    good = NULL;
    sample_dir_remove(dir);
}

static void store(const uint8_t *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    ck_assert(fd >= 0 && write(fd, data, len) == (ssize_t)len);
    close(fd);
}

static bool clear_refusal(const struct ckpt_err *err)
{
    return (errno == EPROTO || errno == ENODATA || errno == ENOTSUP ||
            errno == EBADMSG) &&
           err->text[0] != '\0';
}

/* Everything that tools do with an image.  True when nothing complains. */
static bool use(void)
{
    struct ckpt_err err = {""};
    struct ckpt_notes notes;
    struct ckpt_image *image = ckpt_image_open(path, &err);

    if (!image) {
        ck_assert_msg(clear_refusal(&err), "errno %d: %s", errno, err.text);
        return false;
    }
    if (ckpt_notes_read(image, &notes, &err) == 0)
        ckpt_notes_clear(&notes);
    bool whole = ckpt_image_verify(image, &err) == 0;
    ck_assert_msg(whole || clear_refusal(&err), "errno %d: %s", errno,
                  err.text);
    ckpt_image_close(image);
    return whole;
}

static void expect(int errnum, const char *word)
{
    struct ckpt_err err = {""};
    struct ckpt_image *image = ckpt_image_open(path, &err);

    ck_assert_msg(!image, "opened");
    ck_assert_msg(errno == errnum && strstr(err.text, word), "%d: %s", errno,
                  err.text);
    ck_assert_msg(strstr(err.text, path) == err.text, "%s", err.text);
}

START_TEST(truncations)
{
    make(codecs[_i], 7, 5);
    ck_assert(use());
    for (size_t len = 0; len < good_len;) {
        store(good, len);
        ck_assert_msg(!use(), "cut to %zu of %zu bytes is good", len, good_len);
        bool dense = len < 1024 || len + 512 > good_len || len % 4096 > 4094 ||
                     len % 4096 < 2;
        len += dense ? 1 : 37;
    }
}
END_TEST

START_TEST(appended_bytes)
{
    make(codecs[_i], 3, 3);
    uint8_t *longer = calloc(good_len + 8192, 1);
    memcpy(longer, good, good_len);
    for (size_t more = 1; more <= 8192; more *= 2) {
        store(longer, good_len + more);
        ck_assert(!use());
    }
    free(longer);
}
END_TEST

static void mutate(uint8_t *data, size_t len, uint32_t *state)
{
    size_t at = sample_random(state) % len;
    size_t n = 1 + sample_random(state) % 16;
    uint32_t kind = sample_random(state) % 4;

    /* headers and trailers are where it is interesting */
    if (sample_random(state) % 2)
        at = sample_random(state) % 2 ? at % 2048 : len - 1 - at % 512;
    if (at >= len)
        at = len - 1;
    if (n > len - at)
        n = len - at;
    switch (kind) {
    case 0:
        data[at] ^= (uint8_t)(1u << (sample_random(state) % 8));
        break;
    case 1:
        for (size_t i = 0; i < n; i++)
            data[at + i] = (uint8_t)sample_random(state);
        break;
    case 2:
        memset(data + at, sample_random(state) % 2 ? 0xff : 0, n);
        break;
    default:
        memmove(data + at, data + sample_random(state) % (len - n), n);
        break;
    }
}

START_TEST(mutations_are_found)
{
    uint32_t state = 20240601;

    make(codecs[_i], 6, 4);
    uint8_t *data = malloc(good_len);
    for (int i = 0; i < MUTATIONS; i++) {
        memcpy(data, good, good_len);
        mutate(data, good_len, &state);
        store(data, good_len);
        bool same = memcmp(data, good, good_len) == 0;
        ck_assert_msg(use() == same, "mutation %d", i);
    }
    free(data);
}
END_TEST

/* Whatever forged headers say, they are refused or harmless. */
START_TEST(forged_headers_do_no_harm)
{
    uint32_t state = 77;

    make(CKPT_CODEC_NONE, 6, 4);
    uint8_t *data = malloc(good_len);
    memcpy(data, good, good_len);
    sample_forge(data, good_len);
    ck_assert(memcmp(data, good, good_len) == 0);
    for (int i = 0; i < MUTATIONS; i++) {
        memcpy(data, good, good_len);
        mutate(data, 900, &state);
        sample_forge(data, good_len);
        store(data, good_len);
        use();
    }
    free(data);
}
END_TEST

START_TEST(several_chunks)
{
    make(codecs[_i], 6, 300);
    uint32_t state = 9;
    uint8_t *data = malloc(good_len);
    for (int i = 0; i < 40; i++) {
        memcpy(data, good, good_len);
        data[sample_random(&state) % good_len] ^= 4;
        store(data, good_len);
        ck_assert_msg(!use(), "mutation %d", i);
    }
    free(data);
}
END_TEST

START_TEST(refusals_say_what_is_wrong)
{
    make(codecs[_i], 2, 2);
    store(good, good_len / 2);
    expect(ENODATA, "cut short");
    store(good, 0);
    expect(ENODATA, "empty");
    store((const uint8_t *)"#!/bin/sh\n", 10);
    expect(EPROTO, "not a checkpoint image");
    store((const uint8_t *)"\x28\xb5\x2f\xfd\x00\x00", 6);
    expect(EPROTO, "not a checkpoint image");
    unlink(path);
    expect(ENOENT, "No such file");
    mkdir(path, 0700);
    expect(EPROTO, "not a regular file");
    rmdir(path);
}
END_TEST

START_TEST(newer_versions_are_named)
{
    make(codecs[_i], 2, 2);
    /* the version follows the FORMAT note's head, or the lead's magic */
    static const size_t at[] = {64 + 4 * 56 + CKPT_NOTE_HEAD_LEN, 16 + 8,
                                8 + 8};
    good[at[_i]] = 3;
    store(good, good_len);
    expect(ENOTSUP, "newer");
}
END_TEST

START_TEST(core_files_of_others)
{
    make(CKPT_CODEC_NONE, 2, 2);
    good[64 + 4 * 56 + 12] = 'X'; /* the first note's owner */
    store(good, good_len);
    expect(EPROTO, "not a checkpoint image");
    good[16] = 2; /* ET_EXEC */
    store(good, good_len);
    expect(EPROTO, "not a checkpoint image");
}
END_TEST

static Suite *damage_suite(void)
{
    Suite *suite = suite_create("image damage");
    TCase *tc = tcase_create("damage");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, truncations, 0, CODECS);
    tcase_add_loop_test(tc, appended_bytes, 0, CODECS);
    tcase_add_loop_test(tc, mutations_are_found, 0, CODECS);
    tcase_add_test(tc, forged_headers_do_no_harm);
    tcase_add_loop_test(tc, several_chunks, 0, CODECS);
    tcase_add_loop_test(tc, refusals_say_what_is_wrong, 0, CODECS);
    tcase_add_loop_test(tc, newer_versions_are_named, 0, CODECS);
    tcase_add_test(tc, core_files_of_others);
    suite_add_tcase(suite, tc);
    return suite;
}

int main(void)
{
    return run_suite(damage_suite());
}
