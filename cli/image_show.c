/* image_show.c - ckpt image show: what is in an image */
#include "cli/image.h"

#include "cli/cli.h"
#include "cli/image_kept.h"
#include "cli/json.h"
#include "lib/image/image.h"
#include "lib/image/notes.h"

#include <stdio.h>
#include <sys/mman.h>
#include <time.h>

static const char *map_kind(uint32_t kind)
{
    static const char *const names[] = {"",     "private", "shared", "file",
                                        "vdso", "vvar",    "zero"};

    return kind < sizeof names / sizeof names[0] ? names[kind] : "unknown";
}

static const char *file_kind(uint32_t kind)
{
    static const char *const names[] = {
        "",      "regular", "directory", "device",   "caller",
        "pipe",  "socket",  "eventfd",   "timer",    "signalfd",
        "epoll", "inotify", "memfd",     "unlinked", "pty"};

    return kind < sizeof names / sizeof names[0] ? names[kind] : "unknown";
}

static const char *prot_text(uint32_t prot, char text[4])
{
    text[0] = prot & PROT_READ ? 'r' : '-';
    text[1] = prot & PROT_WRITE ? 'w' : '-';
    text[2] = prot & PROT_EXEC ? 'x' : '-';
    text[3] = '\0';
    return text;
}

static const char *time_text(uint64_t ns, char text[CLI_TEXT])
{
    time_t sec = (time_t)(ns / 1000000000u);
    struct tm tm;

    if (!gmtime_r(&sec, &tm) ||
        !strftime(text, CLI_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm))
        snprintf(text, CLI_TEXT, "-");
    return text;
}

static const char *id_text(const uint8_t id[CKPT_ID_LEN], char text[CLI_TEXT])
{
    for (int i = 0; i < CKPT_ID_LEN; i++)
        snprintf(text + 2 * i, 3, "%02x", id[i]);
    return text;
}

static uint64_t saved_bytes(const struct ckpt_image *image, size_t *count)
{
    const struct ckpt_image_segment *segments;
    uint64_t total = 0;

    *count = ckpt_image_segments(image, &segments);
    for (size_t i = 0; i < *count; i++)
        total += segments[i].filesz;
    return total;
}

/* --- for people ---------------------------------------------------------- */

static void print_head(const struct ckpt_image *image,
                       const struct ckpt_notes *n)
{
    char text[CLI_TEXT], id[CLI_TEXT];
    size_t nsegments;
    uint64_t saved = saved_bytes(image, &nsegments);

    printf("program   %s\n", n->meta.program);
    printf("taken     %s on %s (%s)\n", time_text(n->meta.time_ns, text),
           n->meta.host, n->meta.kernel);
    printf("id        %s\n", id_text(n->meta.id, id));
    printf("format    version %u, codec %s, libckpt %s%s\n", n->meta.version,
           ckpt_codec_name(ckpt_image_codec(image)), n->meta.library,
           n->meta.flags & CKPT_META_REMOTE ? ", remote files" : "");
    printf("size      %llu bytes on disk, %llu as a core file\n",
           (unsigned long long)ckpt_image_file_size(image),
           (unsigned long long)ckpt_image_core_size(image));
    printf("memory    %llu bytes saved in %zu segments, %zu mappings\n",
           (unsigned long long)saved, nsegments, n->nmaps);
    printf("process   pid %d, parent %d, group %d, session %d, in %s\n",
           n->process.pid, n->process.ppid, n->process.pgid, n->process.sid,
           n->process.cwd);
}

static const char *dirty_method(uint32_t method)
{
    static const char *const names[] = {"off", "uffd", "softdirty", "hash"};

    return method < sizeof names / sizeof names[0] ? names[method] : "unknown";
}

/* "30.5s" */
static const char *seconds_text(uint64_t ns, char text[CLI_TEXT])
{
    snprintf(text, CLI_TEXT, "%.1fs", (double)ns / 1e9);
    return text;
}

static void print_chain(const struct ckpt_image *image,
                        const struct ckpt_notes *n)
{
    const struct ckpt_taken *t = &n->taken;
    char text[CLI_TEXT];

    if (t->method != CKPT_DIRTY_OFF)
        printf("changes   %s; changed pages are found by %s\n",
               ckpt_image_base(image) ? "an increment" : "a whole image",
               dirty_method(t->method));
    while ((image = ckpt_image_base(image)))
        printf("base      %s, %llu bytes\n", ckpt_image_path(image),
               (unsigned long long)ckpt_image_file_size(image));
    if (t->interval_ns > 0)
        printf("interval  %s%s%s\n", seconds_text(t->interval_ns, text),
               t->reason[0] ? ": " : "", t->reason);
}

static void print_threads(const struct ckpt_notes *n)
{
    printf("\n%7s %-16s %18s %18s\n", "THREAD", "NAME", "PC", "SP");
    for (size_t i = 0; i < n->nthreads; i++)
        printf("%7d %-16s %#18llx %#18llx\n", n->threads[i].tid,
               n->threads[i].comm, (unsigned long long)n->threads[i].pc,
               (unsigned long long)n->threads[i].sp);
}

static void print_files(const struct ckpt_notes *n)
{
    printf("\n%4s %-9s %12s %6s %s\n", "FD", "KIND", "OFFSET", "FLAGS", "PATH");
    for (size_t i = 0; i < n->ndescriptors; i++) {
        const struct ckpt_descriptor *d = &n->descriptors[i];
        const struct ckpt_open_file *f = &n->files[d->file];
        printf("%4d %-9s %12llu %6o %s\n", d->fd, file_kind(f->kind),
               (unsigned long long)f->offset, f->flags, f->path);
    }
}

static void print_maps(const struct ckpt_notes *n)
{
    char prot[4];

    printf("\n%-33s %-4s %-8s %s\n", "MAPPING", "PROT", "KIND", "PATH");
    for (size_t i = 0; i < n->nmaps; i++) {
        const struct ckpt_map *m = &n->maps[i];
        printf("%016llx-%016llx %-4s %-8s %s\n", (unsigned long long)m->start,
               (unsigned long long)m->end, prot_text(m->prot, prot),
               map_kind(m->kind), m->path);
    }
}

/* --- JSON ---------------------------------------------------------------- */

static void json_head(struct json *j, const char *path,
                      const struct ckpt_image *image,
                      const struct ckpt_notes *n)
{
    char text[CLI_TEXT];
    size_t nsegments;
    uint64_t saved = saved_bytes(image, &nsegments);

    json_text(j, "image", path);
    json_text(j, "id", id_text(n->meta.id, text));
    json_uint(j, "version", n->meta.version);
    json_text(j, "codec", ckpt_codec_name(ckpt_image_codec(image)));
    json_text(j, "program", n->meta.program);
    json_text(j, "host", n->meta.host);
    json_text(j, "kernel", n->meta.kernel);
    json_text(j, "library", n->meta.library);
    json_bool(j, "remote", n->meta.flags & CKPT_META_REMOTE);
    json_text(j, "taken", time_text(n->meta.time_ns, text));
    json_uint(j, "file_bytes", ckpt_image_file_size(image));
    json_uint(j, "core_bytes", ckpt_image_core_size(image));
    json_uint(j, "saved_bytes", saved);
    json_uint(j, "segments", nsegments);
    json_int(j, "pid", n->process.pid);
    json_text(j, "cwd", n->process.cwd);
}

static void json_chain(struct json *j, const struct ckpt_image *image,
                       const struct ckpt_notes *n)
{
    json_text(j, "dirty", dirty_method(n->taken.method));
    json_bool(j, "increment", ckpt_image_base(image) != NULL);
    json_array(j, "bases");
    while ((image = ckpt_image_base(image)))
        json_text(j, NULL, ckpt_image_path(image));
    json_close(j);
    json_real(j, "interval_s", (double)n->taken.interval_ns / 1e9);
    json_text(j, "interval_reason", n->taken.reason);
}

static void json_threads(struct json *j, const struct ckpt_notes *n)
{
    json_array(j, "threads");
    for (size_t i = 0; i < n->nthreads; i++) {
        json_object(j, NULL);
        json_int(j, "tid", n->threads[i].tid);
        json_text(j, "name", n->threads[i].comm);
        json_uint(j, "pc", n->threads[i].pc);
        json_uint(j, "sp", n->threads[i].sp);
        json_close(j);
    }
    json_close(j);
}

static void json_files(struct json *j, const struct ckpt_notes *n)
{
    json_array(j, "files");
    for (size_t i = 0; i < n->ndescriptors; i++) {
        const struct ckpt_descriptor *d = &n->descriptors[i];
        const struct ckpt_open_file *f = &n->files[d->file];
        json_object(j, NULL);
        json_int(j, "fd", d->fd);
        json_uint(j, "description", d->file);
        json_text(j, "kind", file_kind(f->kind));
        json_uint(j, "offset", f->offset);
        json_uint(j, "size", f->size);
        json_uint(j, "flags", f->flags);
        json_bool(j, "close_on_exec", d->cloexec);
        json_text(j, "path", f->path);
        json_close(j);
    }
    json_close(j);
}

static void json_maps(struct json *j, const struct ckpt_notes *n)
{
    char prot[4];

    json_array(j, "maps");
    for (size_t i = 0; i < n->nmaps; i++) {
        const struct ckpt_map *m = &n->maps[i];
        json_object(j, NULL);
        json_uint(j, "start", m->start);
        json_uint(j, "end", m->end);
        json_text(j, "prot", prot_text(m->prot, prot));
        json_text(j, "kind", map_kind(m->kind));
        json_text(j, "path", m->path);
        json_close(j);
    }
    json_close(j);
}

static void show_json(const char *path, const struct ckpt_image *image,
                      const struct ckpt_notes *notes)
{
    struct json j = json_to(stdout);

    json_object(&j, NULL);
    json_head(&j, path, image, notes);
    json_chain(&j, image, notes);
    image_kept_json(&j, notes);
    json_threads(&j, notes);
    json_files(&j, notes);
    json_maps(&j, notes);
    json_close(&j);
}

int image_show(const char *path, bool json)
{
    struct ckpt_err err;
    struct ckpt_notes notes;
    struct ckpt_image *image = ckpt_image_open(path, &err);

    if (!image)
        return cli_fail(&err);
    if (ckpt_notes_read(image, &notes, &err)) {
        ckpt_err_prefix(&err, "%s", path);
        ckpt_image_close(image);
        return cli_fail(&err);
    }
    if (json) {
        show_json(path, image, &notes);
    } else {
        print_head(image, &notes);
        print_chain(image, &notes);
        image_kept_print(&notes);
        print_threads(&notes);
        print_files(&notes);
        print_maps(&notes);
    }
    ckpt_notes_clear(&notes);
    ckpt_image_close(image);
    return 0;
}
