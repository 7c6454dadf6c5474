/* image_write.c - how fast are images written and checked?
 *
 * usage: image_write DIR [MIB]
 *
 * Simulation-like memory (slowly varying doubles) and random bytes, written to
 * a file in DIR and made durable, beside a plain O_DIRECT write of the same
 * bytes: each row is the median of interleaved rounds.
 */
#include "lib/image/checksum.h"
#include "lib/image/image.h"
#include "lib/image/workers.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 3, ROWS = 7, STEP = 4 << 20 };

static double seconds(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void *map(size_t len)
{
    void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

    if (p == MAP_FAILED)
        abort();
    return p;
}

static uint8_t *make_floats(size_t len)
{
    double *v = map(len);

    for (size_t i = 0; i < len / sizeof *v; i++)
        v[i] = (double)(float)sin((double)i * 1e-4);
    return (uint8_t *)v;
}

static uint8_t *make_noise(size_t len)
{
    uint64_t *v = map(len), x = 88172645463325252u;

    for (size_t i = 0; i < len / sizeof *v; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        v[i] = x;
    }
    return (uint8_t *)v;
}

static double write_direct(const char *path, const uint8_t *data, size_t len)
{
    double start = seconds();
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_DIRECT, 0600);

    for (size_t at = 0; at < len; at += STEP)
        if (write(fd, data + at, STEP) != STEP)
            abort();
    if (fsync(fd) || close(fd))
        abort();
    return seconds() - start;
}

static double write_image(const char *path, enum ckpt_codec codec,
                          uint8_t *data, size_t len, uint64_t *bytes)
{
    struct ckpt_segment segment = {
        .vaddr = 0x100000000,
        .filesz = len,
        .memsz = len,
        .data = data,
        .prot = PROT_READ,
    };
    struct ckpt_err err = {""};
    struct ckpt_file_sink sink;
    struct ckpt_image_options options = {.codec = codec,
                                         .threads = ckpt_workers_cpus()};
    size_t work_len = ckpt_image_workspace(&options, len + 4096);
    void *work = map(work_len);
    double start = seconds();

    if (ckpt_file_sink_open(&sink, path, 1, &err) ||
        ckpt_image_write(&sink.sink, &options, &segment, 1, NULL, 0, work,
                         work_len, bytes, &err)) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    double took = seconds() - start;
    munmap(work, work_len);
    return took;
}

static double check_all(const uint8_t *data, size_t len)
{
    double start = seconds();
    static volatile uint64_t sum;

    for (size_t at = 0; at < len; at += 1 << 20)
        sum += ckpt_checksum(data + at, 1 << 20);
    return seconds() - start;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    static const char *const names[ROWS] = {
        "O_DIRECT write",      "image, none",        "image, zstd, floats",
        "image, zlib, floats", "image, zstd, noise", "image, zlib, noise",
        "checksum alone"};
    size_t len = (argc > 2 ? strtoul(argv[2], NULL, 10) : 512) << 20;
    uint8_t *floats = make_floats(len), *noise = make_noise(len);
    double took[ROWS][ROUNDS];
    uint64_t bytes[ROWS] = {len, 0, 0, 0, 0, 0, 0};
    char path[4096];

    if (argc < 2)
        return 2;
    snprintf(path, sizeof path, "%s/bench.ckpt", argv[1]);
    for (int r = 0; r < ROUNDS; r++) {
        took[0][r] = write_direct(path, noise, len);
        unlink(path);
        took[1][r] = write_image(path, CKPT_CODEC_NONE, noise, len, &bytes[1]);
        took[2][r] = write_image(path, CKPT_CODEC_ZSTD, floats, len, &bytes[2]);
        took[3][r] = write_image(path, CKPT_CODEC_ZLIB, floats, len, &bytes[3]);
        took[4][r] = write_image(path, CKPT_CODEC_ZSTD, noise, len, &bytes[4]);
        took[5][r] = write_image(path, CKPT_CODEC_ZLIB, noise, len, &bytes[5]);
        took[6][r] = check_all(noise, len);
        unlink(path);
    }
    printf("%-20s %8s %8s %8s %10s\n", "row", "median s", "min s", "GB/s",
           "MiB on disk");
    for (int i = 0; i < ROWS; i++) {
        qsort(took[i], ROUNDS, sizeof took[i][0], by_value);
        printf("%-20s %8.3f %8.3f %8.2f %10.1f\n", names[i],
               took[i][ROUNDS / 2], took[i][0],
               (double)len / took[i][ROUNDS / 2] * 1e-9,
               (double)bytes[i] / (1 << 20));
    }
    return 0;
}
