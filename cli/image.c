/* image.c - ckpt image: what is in an image, is it whole, core files of it */
#include "cli/image.h"

#include "cli/cli.h"
#include "cli/image_kept.h"
#include "cli/json.h"
#include "lib/common/io.h"
#include "lib/image/image.h"
#include "lib/image/merge_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: ckpt image show [--json] IMAGE\n"
    "       ckpt image verify [--json] IMAGE\n"
    "       ckpt image backtrace [--json] IMAGE\n"
    "       ckpt image core IMAGE [FILE] | core --json IMAGE FILE\n"
    "       ckpt image merge [--json] IMAGE\n"
    "\n"
    "  show             what is in it: program, threads, memory, files\n"
    "  verify           check every byte of it, and of the images and kept\n"
    "                   files that it refers to; exit 1 if one is damaged\n"
    "  backtrace        the stacks of its threads\n"
    "  core             write it as a plain ELF core file, for gdb; to\n"
    "                   standard output when there is no FILE; an increment\n"
    "                   together with its bases, as one image\n"
    "  merge            an increment becomes a whole image, in its place; "
    "bases\n"
    "                   that no other image needs are removed\n"
    "\n"
    "example: ckpt image verify simulate.ckpt && ckpt image show "
    "simulate.ckpt\n";

/* --- verify -------------------------------------------------------------- */

static void print_verdict(const char *path, const struct ckpt_image *image,
                          bool good, const struct ckpt_err *err)
{
    struct json j = json_to(stdout);

    json_object(&j, NULL);
    json_text(&j, "image", path);
    json_bool(&j, "good", good);
    if (good) {
        json_text(&j, "codec", ckpt_codec_name(ckpt_image_codec(image)));
        json_uint(&j, "file_bytes", ckpt_image_file_size(image));
        json_uint(&j, "core_bytes", ckpt_image_core_size(image));
    } else {
        json_text(&j, "error", err->text);
    }
    json_close(&j);
}

static void print_good(const char *path, const struct ckpt_image *image)
{
    const struct ckpt_image *base = image;
    unsigned depth = 0;

    while ((base = ckpt_image_base(base)))
        depth++;
    printf("%s: good, %llu bytes", path,
           (unsigned long long)ckpt_image_file_size(image));
    if (depth > 0)
        printf(", and %u base%s below it", depth, depth > 1 ? "s" : "");
    putchar('\n');
}

static int verify(const char *path, bool json)
{
    struct ckpt_err err = {""};
    struct ckpt_image *image = ckpt_image_open(path, &err);
    bool good = image != NULL;

    if (good &&
        (ckpt_image_verify(image, &err) || image_kept_verify(image, &err))) {
        ckpt_err_prefix(&err, "%s", path);
        good = false;
    }
    if (json)
        print_verdict(path, image, good, &err);
    else if (good)
        print_good(path, image);
    ckpt_image_close(image);
    return good ? 0 : cli_fail(&err);
}

/* --- core ---------------------------------------------------------------- */

/* A sink for ckpt_image_merge(): the descriptor that is open. */
struct fd_sink {
    struct ckpt_sink sink;
    int fd;
};

static int fd_write(struct ckpt_sink *sink, const void *buf, size_t len,
                    struct ckpt_err *err)
{
    if (ckpt_write_full(((struct fd_sink *)sink)->fd, buf, len))
        return ckpt_err_sys(err, "write the core file");
    return 0;
}

static int fd_commit(struct ckpt_sink *sink, struct ckpt_err *err)
{
    (void)sink, (void)err;
    return 0;
}

static void fd_abort(struct ckpt_sink *sink)
{
    (void)sink; /* core() removes the file */
}

static int write_merged(struct ckpt_image *image, int fd, struct ckpt_err *err)
{
    struct fd_sink sink = {
        .sink = {.write = fd_write, .commit = fd_commit, .abort = fd_abort},
        .fd = fd,
    };

    return ckpt_image_merge(image, &sink.sink, CKPT_CODEC_NONE, err);
}

static int write_core(struct ckpt_image *image, int fd, struct ckpt_err *err)
{
    enum { STEP = 1 << 20 };
    uint64_t size = ckpt_image_core_size(image);
    char *buf = malloc(STEP);
    int rc = buf ? 0 : ckpt_err_set(err, ENOMEM, "no memory");

    for (uint64_t at = 0; rc == 0 && at < size; at += STEP) {
        size_t len = size - at < STEP ? (size_t)(size - at) : STEP;
        rc = ckpt_image_read(image, at, buf, len, err);
        if (rc == 0 && ckpt_write_full(fd, buf, len))
            rc = ckpt_err_sys(err, "write the core file");
    }
    free(buf);
    return rc;
}

static int open_output(const char *file)
{
    if (!file)
        return STDOUT_FILENO;
    return open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

static void print_core(const char *path, const char *file,
                       const struct ckpt_image *image)
{
    struct json j = json_to(stdout);

    json_object(&j, NULL);
    json_text(&j, "image", path);
    json_text(&j, "core", file);
    json_uint(&j, "core_bytes", ckpt_image_core_size(image));
    json_close(&j);
}

static int core(const char *path, const char *file, bool json)
{
    struct ckpt_err err;

    if (!file && json)
        return cli_misuse("with --json, name a file for the core");

    if (!file && isatty(STDOUT_FILENO))
        return cli_misuse("a core file is not for a terminal: name a file");
    struct ckpt_image *image = ckpt_image_open(path, &err);
    if (!image)
        return cli_fail(&err);
    int fd = open_output(file);
    int rc = fd < 0                   ? ckpt_err_sys(&err, "create %s", file)
             : ckpt_image_base(image) ? write_merged(image, fd, &err)
                                      : write_core(image, fd, &err);
    if (file && fd >= 0) {
        if (close(fd) && rc == 0)
            rc = ckpt_err_sys(&err, "close %s", file);
        if (rc)
            unlink(file);
    }
    if (rc == 0 && json)
        print_core(path, file, image);
    ckpt_image_close(image);
    return rc ? cli_fail(&err) : 0;
}

/* --- merge ---------------------------------------------------------------- */

static void print_merged(const char *path, const struct ckpt_merged *m)
{
    struct json j = json_to(stdout);

    json_object(&j, NULL);
    json_text(&j, "image", path);
    json_bool(&j, "was_whole", m->was_whole);
    json_bool(&j, "was_newer", m->was_newer);
    json_uint(&j, "bases_removed", m->removed);
    json_uint(&j, "file_bytes", m->bytes);
    json_close(&j);
}

static int merge(const char *path, bool json)
{
    struct ckpt_merged m;
    struct ckpt_err err = {""};

    signal(SIGXFSZ, SIG_IGN); /* an error of write() instead */
    if (ckpt_image_merge_file(path, &m, &err) < 0)
        return cli_fail(&err);
    if (json)
        print_merged(path, &m);
    else if (m.was_whole)
        printf("%s: stands by itself\n", path);
    else
        printf("%s: whole now, %llu bytes; %u base%s removed%s\n", path,
               (unsigned long long)m.bytes, m.removed,
               m.removed == 1 ? "" : "s",
               m.was_newer ? "; there is a newer image, which stays" : "");
    return 0;
}

/* --- the command --------------------------------------------------------- */

int cmd_image(int argc, char **argv)
{
    struct cli cli = {.usage = usage};

    cli_parse(&cli, argc, argv, 2, 3);
    const char *action = argv[optind];
    const char *path = argv[optind + 1];
    const char *file = argv[optind + 2];
    if (!strcmp(action, "core"))
        return core(path, file, cli.json);
    if (file)
        return cli_misuse("%s: one argument too many", file);
    if (!strcmp(action, "show"))
        return image_show(path, cli.json);
    if (!strcmp(action, "verify"))
        return verify(path, cli.json);
    if (!strcmp(action, "backtrace"))
        return image_backtrace(path, cli.json);
    if (!strcmp(action, "merge"))
        return merge(path, cli.json);
    return cli_misuse("there is no action %s", action);
}
