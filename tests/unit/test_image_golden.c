/* test_image_golden.c - images of every released format stay readable
 *
 * tests/golden has one image of each version in each form.  They were written
 * by this program (CKPT_GOLDEN_WRITE=DIR) when the version was new, and are
 * never written again.
 */
#include "config.h"

#include "lib/image/image.h"
#include "lib/image/notes.h"
#include "tests/unit/run_tests.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static const char *const names[] = {"none", "zstd", "zlib"};

static struct ckpt_meta sample_meta(void)
{
    struct ckpt_meta m = {
        .version = 1,
        .id = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
        .time_ns = 1700000000123456789u,
        .monotonic_ns = 1000000007,
        .boottime_ns = 1000000009,
        .page_size = 4096,
        .flags = CKPT_META_REMOTE,
        .cpu_features = {0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88},
        .xcr0 = 0x2e7,
        .entry_pc = 0x401000,
        .entry_sp = 0x7ffff000,
        .entry_fs = 0x500740,
        .program = "/opt/sim/simulate",
        .host = "station-7",
        .kernel = "6.1.0",
        .library = "0.1.0",
    };
    return m;
}

static const struct ckpt_map maps[] = {
    {.start = 0x400000,
     .end = 0x402000,
     .kind = CKPT_MAP_ANON,
     .prot = 5,
     .offset = 0x1000,
     .dev = 0xfe01,
     .ino = 4711,
     .size = 20000,
     .mtime_ns = 1600000000000000001,
     .path = "/opt/sim/simulate"},
    {.start = 0x7fff0000,
     .end = 0x80000000,
     .kind = CKPT_MAP_ZERO,
     .prot = 3,
     .flags = CKPT_MAPF_STACK,
     .path = "[stack]"},
};

static const struct ckpt_thread_note threads[] = {
    {.tid = 4242,
     .policy = 3,
     .nice = -5,
     .record = 0x7ffff100,
     .fs_base = 0x500740,
     .pc = 0x401234,
     .sp = 0x7ffff800,
     .affinity = {3},
     .comm = "simulate"},
};

static const struct ckpt_open_file files[] = {
    {.kind = CKPT_FILE_CALLER,
     .flags = 2,
     .mode = 020620,
     .caller_fd = 1,
     .path = "/dev/pts/3"},
    {.kind = CKPT_FILE_REGULAR,
     .flags = 02001,
     .mode = 0100644,
     .caller_fd = -1,
     .dev = 0xfe01,
     .ino = 99,
     .offset = 123456789012,
     .size = 123456789013,
     .mtime_ns = -1,
     .digest = 0x123456789abcdef0,
     .path = "/home/u/out.dat"},
};
static const struct ckpt_descriptor descriptors[] = {
    {.fd = 1, .file = 0},
    {.fd = 2, .file = 0},
    {.fd = 7, .file = 1, .cloexec = 1}};

static void sample_process(struct ckpt_process *p)
{
    memset(p, 0, sizeof *p);
    p->pid = 4242;
    p->ppid = 1;
    p->pgid = 4242;
    p->sid = 4000;
    p->uid = p->gid = 1000;
    p->umask = 022;
    p->dumpable = 1;
    p->start_brk = 0x600000;
    p->brk = 0x621000;
    p->env_end = 0x7fffffe8;
    p->auxv_len = 16;
    p->auxv[0] = 6;
    p->sigactions[9].handler = 0x401100;
    p->itimer_value_us[2] = 1500000;
    p->rlimit_cur[7] = 1024;
    p->rlimit_max[7] = 4096;
    strcpy(p->cwd, "/home/u");
}

/* --- writing ------------------------------------------------------------- */

static uint8_t page_of_text[4096], page_of_zeros[4096];

static void fill_text(void)
{
    for (size_t i = 0; i < sizeof page_of_text; i++)
        page_of_text[i] = (uint8_t)(i * i >> 7);
}

static size_t encode(uint8_t *buf, size_t size, struct ckpt_note notes[5])
{
    struct ckpt_bytes b = ckpt_bytes_over(buf, size);
    struct ckpt_meta meta = sample_meta();
    struct ckpt_process process;

    sample_process(&process);
    for (uint32_t i = 0; i < 5; i++) {
        uint8_t *start = b.at;
        switch (i) {
        case 0:
            ckpt_meta_encode(&b, &meta);
            break;
        case 1:
            ckpt_maps_encode(&b, maps, 2);
            break;
        case 2:
            ckpt_threads_encode(&b, threads, 1);
            break;
        case 3:
            ckpt_files_encode(&b, files, 2, descriptors, 3);
            break;
        default:
            ckpt_process_encode(&b, &process);
        }
        notes[i] = (struct ckpt_note){"CKPT", CKPT_NOTE_META + i, start,
                                      (size_t)(b.at - start)};
    }
    return b.failed ? 0 : 5;
}

static int write_image(const char *path, enum ckpt_codec codec,
                       struct ckpt_err *err)
{
    static const struct ckpt_segment segments[] = {
        {0x400000, 4096, 8192, page_of_text, PROT_READ | PROT_EXEC, false},
        {0x7ffff000, 4096, 4096, page_of_zeros, PROT_READ | PROT_WRITE, false},
    };
    uint8_t buf[16384];
    struct ckpt_note notes[5];
    struct ckpt_file_sink sink;
    size_t n = encode(buf, sizeof buf, notes);
    struct ckpt_image_options options = {.codec = codec};
    size_t len = ckpt_image_workspace(&options, 65536);
    void *work = mmap(NULL, len, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    fill_text();
    int rc = ckpt_file_sink_open(&sink, path, 1, err);
    if (rc == 0)
        rc = ckpt_image_write(&sink.sink, &options, segments, 2, notes, n, work,
                              len, NULL, err);
    munmap(work, len);
    return rc;
}

static int write_all(const char *dir)
{
    for (unsigned i = 0; i < 3; i++) {
        char path[4096];
        struct ckpt_err err = {""};
        snprintf(path, sizeof path, "%s/image-v1-%s.ckpt", dir, names[i]);
        if (write_image(path, (enum ckpt_codec)i, &err)) {
            fprintf(stderr, "%s\n", err.text);
            return 1;
        }
    }
    return 0;
}

/* --- reading ------------------------------------------------------------- */

static void check_maps_and_threads(const struct ckpt_notes *n)
{
    ck_assert_uint_eq(n->nmaps, 2);
    for (size_t i = 0; i < 2; i++) {
        struct ckpt_map got = n->maps[i];
        ck_assert_str_eq(got.path, maps[i].path);
        got.path = maps[i].path;
        ck_assert_mem_eq(&got, &maps[i], sizeof got);
    }
    ck_assert_uint_eq(n->nthreads, 1);
    ck_assert_mem_eq(n->threads, threads, sizeof threads);
}

static void check_files(const struct ckpt_notes *n)
{
    ck_assert_uint_eq(n->nfiles, 2);
    for (size_t i = 0; i < 2; i++) {
        struct ckpt_open_file got = n->files[i];
        ck_assert_str_eq(got.path, files[i].path);
        got.path = files[i].path;
        ck_assert_mem_eq(&got, &files[i], sizeof got);
    }
    ck_assert_uint_eq(n->ndescriptors, 3);
    ck_assert_mem_eq(n->descriptors, descriptors, sizeof descriptors);
}

static void check_notes(const struct ckpt_image *image)
{
    struct ckpt_notes n;
    struct ckpt_err err;
    struct ckpt_meta meta = sample_meta();
    struct ckpt_process process;

    sample_process(&process);
    ck_assert_msg(ckpt_notes_read(image, &n, &err) == 0, "%s", err.text);
    ck_assert_mem_eq(n.meta.id, meta.id, sizeof meta.id);
    ck_assert_uint_eq(n.meta.time_ns, meta.time_ns);
    ck_assert_uint_eq(n.meta.entry_fs, meta.entry_fs);
    ck_assert_mem_eq(n.meta.cpu_features, meta.cpu_features,
                     sizeof meta.cpu_features);
    ck_assert_str_eq(n.meta.program, meta.program);
    ck_assert_str_eq(n.meta.library, meta.library);
    check_maps_and_threads(&n);
    check_files(&n);
    ck_assert_int_eq(n.process.pid, process.pid);
    ck_assert_uint_eq(n.process.env_end, process.env_end);
    ck_assert_mem_eq(n.process.sigactions, process.sigactions,
                     sizeof process.sigactions);
    ck_assert_mem_eq(n.process.rlimit_max, process.rlimit_max,
                     sizeof process.rlimit_max);
    ck_assert_str_eq(n.process.cwd, process.cwd);
    ckpt_notes_clear(&n);
}

static void check_memory(struct ckpt_image *image)
{
    const struct ckpt_image_segment *s;
    uint8_t page[4096];

    fill_text();
    ck_assert_uint_eq(ckpt_image_segments(image, &s), 2);
    ck_assert_uint_eq(s[0].vaddr, 0x400000);
    ck_assert_uint_eq(s[0].memsz, 8192);
    ck_assert_uint_eq(s[1].prot, PROT_READ | PROT_WRITE);
    ck_assert_int_eq(ckpt_image_read(image, s[0].offset, page, 4096, NULL), 0);
    ck_assert_mem_eq(page, page_of_text, 4096);
}

START_TEST(version_1)
{
    const char *top = getenv("top_srcdir");
    char path[4096];
    struct ckpt_err err = {""};

#ifndef HAVE_ZSTD
    if (_i == CKPT_CODEC_ZSTD)
        return;
#endif
    snprintf(path, sizeof path, "%s/tests/golden/image-v1-%s.ckpt",
             top ? top : SOURCE_DIR, names[_i]);
    struct ckpt_image *image = ckpt_image_open(path, &err);
    ck_assert_msg(image != NULL, "%s", err.text);
    ck_assert_int_eq((int)ckpt_image_codec(image), _i);
    ck_assert_msg(ckpt_image_verify(image, &err) == 0, "%s", err.text);
    check_memory(image);
    check_notes(image);
    ckpt_image_close(image);
}
END_TEST

int main(void)
{
    const char *dir = getenv("CKPT_GOLDEN_WRITE");
    Suite *suite = suite_create("image golden");
    TCase *tc = tcase_create("golden");

    if (dir)
        return write_all(dir);
    tcase_add_loop_test(tc, version_1, 0, 3);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
