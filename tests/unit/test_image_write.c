/* test_image_write.c - several threads write an image: memory that changes
 * meanwhile, sinks that fail, systems that refuse */
#include "config.h"

#include "lib/image/checksum.h"
#include "lib/image/workers.h"
#include "tests/unit/image_sample.h"
#include "tests/unit/run_tests.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { PAGE = 4096, MEMORY = 24 << 20 };

static char *dir;
static uint8_t *memory;
static const enum ckpt_codec codecs[] = {CKPT_CODEC_NONE,
#ifdef HAVE_ZSTD
                                         CKPT_CODEC_ZSTD,
#endif
                                         CKPT_CODEC_ZLIB};
enum { CODECS = sizeof codecs / sizeof codecs[0] };

static void setup(void)
{
    uint32_t state = 5;

    dir = sample_dir_make();
    memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; i < MEMORY; i++)
        memory[i] = (uint8_t)(sample_random(&state) >> 9 & 15);
}

static void teardown(void)
{
    munmap(memory, MEMORY);
    sample_dir_remove(dir);
}

static int write_memory(struct ckpt_sink *sink,
                        const struct ckpt_image_options *options,
                        struct ckpt_err *err)
{
    struct ckpt_segment segment = {.vaddr = 0x10000000,
                                   .filesz = MEMORY,
                                   .memsz = MEMORY,
                                   .data = memory,
                                   .prot = PROT_READ | PROT_WRITE};
    size_t len = ckpt_image_workspace(options, MEMORY + 8192);
    void *work = mmap(NULL, len, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int rc = ckpt_image_write(sink, options, &segment, 1, NULL, 0, work, len,
                              NULL, err);

    munmap(work, len);
    return rc;
}

static void verify(void)
{
    struct ckpt_err err = {""};
    struct ckpt_image *image = ckpt_image_open(sample_path(dir, "image"), &err);

    ck_assert_msg(image != NULL, "%s", err.text);
    ck_assert_msg(ckpt_image_verify(image, &err) == 0, "%s", err.text);
    ckpt_image_close(image);
}

/* --- memory that changes ------------------------------------------------- */

static struct ckpt_file_sink file;
static int (*file_write)(struct ckpt_sink *, const void *, size_t,
                         struct ckpt_err *);
static int (*file_write_at)(struct ckpt_sink *, unsigned, const struct iovec *,
                            size_t, uint64_t, struct ckpt_err *);
static uint8_t *restless[2];
static uint32_t writes, fail_at;

static void change(void)
{
    for (int i = 0; i < 2; i++)
        __atomic_fetch_add((uint64_t *)restless[i], 1, __ATOMIC_RELAXED);
}

static int write_and_change(struct ckpt_sink *sink, const void *buf, size_t len,
                            struct ckpt_err *err)
{
    change();
    return file_write(sink, buf, len, err);
}

static int write_at_and_change(struct ckpt_sink *sink, unsigned lane,
                               const struct iovec *pieces, size_t n,
                               uint64_t offset, struct ckpt_err *err)
{
    change();
    return file_write_at(sink, lane, pieces, n, offset, err);
}

static struct ckpt_sink *open_file(void)
{
    struct ckpt_err err = {""};

    ck_assert_msg(
        ckpt_file_sink_open(&file, sample_path(dir, "image"), 1, &err) == 0,
        "%s", err.text);
    file_write = file.sink.write;
    file_write_at = file.sink.write_at;
    return &file.sink;
}

START_TEST(restless_memory)
{
    struct ckpt_span spans[2];
    struct ckpt_image_options options = {
        .codec = codecs[_i], .threads = 2, .unstable = spans, .nunstable = 2};
    struct ckpt_err err = {""};
    struct ckpt_sink *sink = open_file();

    restless[0] = memory + 300 * PAGE;
    restless[1] = memory + 5000 * PAGE;
    for (int i = 0; i < 2; i++)
        spans[i] = (struct ckpt_span){(uintptr_t)restless[i],
                                      (uintptr_t)restless[i] + PAGE};
    sink->write = write_and_change;
    sink->write_at = write_at_and_change;
    ck_assert_msg(write_memory(sink, &options, &err) == 0, "%s", err.text);
    verify();
}
END_TEST

/* --- what was written is told -------------------------------------------- */

static uint64_t told;

/* Threads without anything of libc's: no assertions in them. */
static void add_told(void *arg, const void *data, size_t len)
{
    const uint8_t *at = data;

    if (at >= memory && at + len <= memory + MEMORY)
        __atomic_fetch_add((uint64_t *)arg, len, __ATOMIC_RELAXED);
}

START_TEST(written_memory_is_told)
{
    struct ckpt_image_options options = {
        .codec = codecs[_i], .threads = 2, .written = add_told, .arg = &told};
    struct ckpt_err err = {""};

    told = 0;
    ck_assert_int_eq(write_memory(open_file(), &options, &err), 0);
    /* all but the piece that shares its chunk with the table */
    ck_assert_uint_le(told, MEMORY);
    ck_assert_uint_ge(told, MEMORY - (1 << 20));
    verify();
}
END_TEST

/* --- failures ------------------------------------------------------------ */

static int write_or_fail(struct ckpt_sink *sink, const void *buf, size_t len,
                         struct ckpt_err *err)
{
    if (__atomic_add_fetch(&writes, 1, __ATOMIC_RELAXED) == fail_at)
        return ckpt_err_set(err, ENOSPC, "no room for %u", fail_at);
    return file_write(sink, buf, len, err);
}

static int write_at_or_fail(struct ckpt_sink *sink, unsigned lane,
                            const struct iovec *pieces, size_t n,
                            uint64_t offset, struct ckpt_err *err)
{
    if (__atomic_add_fetch(&writes, 1, __ATOMIC_RELAXED) == fail_at)
        return ckpt_err_set(err, ENOSPC, "no room for %u", fail_at);
    return file_write_at(sink, lane, pieces, n, offset, err);
}

START_TEST(every_write_may_fail)
{
    struct ckpt_image_options options = {.codec = codecs[_i], .threads = 3};
    int rc = -1;

    for (fail_at = 1; rc < 0; fail_at += 3) {
        struct ckpt_err err = {""};
        struct ckpt_sink *sink = open_file();
        sink->write = write_or_fail;
        sink->write_at = write_at_or_fail;
        writes = 0;
        rc = write_memory(sink, &options, &err);
        if (rc < 0) {
            ck_assert_int_eq(errno, ENOSPC);
            ck_assert_str_eq(strtok(err.text, "123456789"), "no room for ");
            ck_assert_uint_eq(sample_dir_count(dir), 0);
        }
    }
    ck_assert_uint_gt(fail_at, 20);
    verify();
}
END_TEST

/* No descriptor is left for a pipe. */
START_TEST(without_splice)
{
    struct ckpt_image_options options = {.codec = CKPT_CODEC_NONE};
    struct ckpt_err err = {""};
    struct ckpt_sink *sink = open_file();
    struct rlimit limit, all;

    ck_assert_str_eq(ckpt_stream_way(&file.stream),
                     file.stream.direct
                         ? ""
                         : "through the page cache: the file system refuses "
                           "O_DIRECT");
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &all), 0);
    limit = (struct rlimit){(rlim_t)file.fd + 1, all.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    int rc = write_memory(sink, &options, &err);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &all), 0);
    ck_assert_msg(rc == 0, "%s", err.text);
    ck_assert(file.stream.copied);
    ck_assert_str_ne(ckpt_stream_way(&file.stream), "");
    verify();
}
END_TEST

/* --- the parts ------------------------------------------------------------ */

START_TEST(checksum_of_pieces)
{
    uint32_t state = 77;
    struct iovec pieces[5];

    for (int round = 0; round < 300; round++) {
        uint8_t *at = memory + sample_random(&state) % 1000;
        size_t len = 0;
        for (int i = 0; i < 5; i++) {
            size_t n = sample_random(&state) % (i % 2 ? 9000 : 70);
            pieces[i] = (struct iovec){at + len, n};
            len += n;
        }
        ck_assert_uint_eq(ckpt_checksum_pieces(pieces, 5),
                          ckpt_checksum(at, len));
    }
}
END_TEST

static uint32_t calls[CKPT_WORKERS_MAX];

static void count_call(void *arg, unsigned i)
{
    __atomic_fetch_add((uint32_t *)arg + i, 1, __ATOMIC_RELAXED);
}

START_TEST(workers_all_run)
{
    static _Alignas(16)
        uint8_t stacks[(CKPT_WORKERS_MAX - 1) * CKPT_WORKER_STACK];

    for (int round = 0; round < 50; round++) {
        memset(calls, 0, sizeof calls);
        ckpt_workers_run(CKPT_WORKERS_MAX, count_call, calls, stacks);
        for (int i = 0; i < CKPT_WORKERS_MAX; i++)
            ck_assert_uint_eq(calls[i], 1);
    }
    ck_assert_uint_ge(ckpt_workers_cpus(), 1);
}
END_TEST

static Suite *write_suite(void)
{
    Suite *suite = suite_create("image write");
    TCase *tc = tcase_create("write");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, restless_memory, 0, CODECS);
    tcase_add_loop_test(tc, written_memory_is_told, 0, CODECS);
    tcase_add_loop_test(tc, every_write_may_fail, 0, CODECS);
    tcase_add_test(tc, without_splice);
    tcase_add_test(tc, checksum_of_pieces);
    tcase_add_test(tc, workers_all_run);
    suite_add_tcase(suite, tc);
    return suite;
}

int main(void)
{
    return run_suite(write_suite());
}
