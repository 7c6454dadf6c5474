/* image_backtrace.c - ckpt image backtrace: the stacks of the threads */
#include "cli/image.h"

#include "cli/cli.h"
#include "cli/image_symbols.h"
#include "cli/image_unwind.h"
#include "cli/json.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

enum { NAME_LEN = 256 };

struct output {
    bool wants_json;
    struct json json;
    int number; /* of the frame */
};

struct place {
    const char *module; /* NULL: none */
    uint64_t address;   /* in the module's file */
    bool named;
    char name[NAME_LEN];
    uint64_t offset;
};

/* A return address may be the first one after its function. */
static void find_place(const struct image_frame *frame, struct place *place)
{
    uint64_t back = frame->called ? 1 : 0;

    memset(place, 0, sizeof *place);
    if (!frame->has_module)
        return;
    place->module = frame->module.path;
    place->address = frame->pc - frame->module.bias;
    place->named = image_symbol(place->module, place->address - back,
                                place->name, NAME_LEN, &place->offset);
    place->offset += back;
}

static void print_frame(int number, const struct image_frame *frame,
                        const struct place *place)
{
    printf("#%-3d 0x%016llx", number, (unsigned long long)frame->pc);
    if (place->named)
        printf(" %s+0x%llx", place->name, (unsigned long long)place->offset);
    if (place->module)
        printf(" (%s+0x%llx)", place->module,
               (unsigned long long)place->address);
    putchar('\n');
}

static void json_frame(struct json *j, const struct image_frame *frame,
                       const struct place *place)
{
    json_object(j, NULL);
    json_uint(j, "pc", frame->pc);
    json_uint(j, "sp", frame->sp);
    if (place->named) {
        json_text(j, "function", place->name);
        json_uint(j, "offset", place->offset);
    }
    if (place->module) {
        json_text(j, "module", place->module);
        json_uint(j, "address", place->address);
    }
    json_close(j);
}

static void put_frame(const struct image_frame *frame, void *arg)
{
    struct output *out = arg;
    struct place place;

    find_place(frame, &place);
    if (out->wants_json)
        json_frame(&out->json, frame, &place);
    else
        print_frame(out->number, frame, &place);
    out->number++;
}

static const char *comm_of(const struct ckpt_notes *notes, int tid)
{
    for (size_t i = 0; i < notes->nthreads; i++)
        if (notes->threads[i].tid == tid)
            return notes->threads[i].comm;
    return "";
}

static int put_thread(struct output *out, struct ckpt_image *image,
                      const struct ckpt_notes *notes,
                      const struct ckpt_note *note, struct ckpt_err *err)
{
    struct elf_prstatus status;

    memcpy(&status, note->data, sizeof status);
    out->number = 0;
    if (out->wants_json) {
        json_object(&out->json, NULL);
        json_int(&out->json, "tid", status.pr_pid);
        json_text(&out->json, "name", comm_of(notes, status.pr_pid));
        json_array(&out->json, "frames");
    } else {
        printf("thread %d (%s)\n", status.pr_pid,
               comm_of(notes, status.pr_pid));
    }
    int rc = image_unwind(image, notes, &status, put_frame, out, err);
    if (out->wants_json) {
        json_close(&out->json);
        json_close(&out->json);
    }
    return rc;
}

static int put_threads(struct output *out, struct ckpt_image *image,
                       const struct ckpt_notes *notes, struct ckpt_err *err)
{
    struct ckpt_note note;
    int rc = 0;

    for (size_t i = 0; rc == 0 && ckpt_image_note_at(image, i, &note); i++)
        if (note.type == NT_PRSTATUS && strcmp(note.name, "CORE") == 0 &&
            note.len == sizeof(struct elf_prstatus))
            rc = put_thread(out, image, notes, &note, err);
    return rc;
}

static int backtrace(struct ckpt_image *image, const char *path, bool json,
                     struct ckpt_err *err)
{
    struct output out = {.wants_json = json, .json = json_to(stdout)};
    struct ckpt_notes notes;

    if (ckpt_notes_read(image, &notes, err))
        return -1;
    if (json) {
        json_object(&out.json, NULL);
        json_text(&out.json, "image", path);
        json_array(&out.json, "threads");
    }
    int rc = put_threads(&out, image, &notes, err);
    if (json) {
        json_close(&out.json);
        json_close(&out.json);
    }
    ckpt_notes_clear(&notes);
    return rc;
}

int image_backtrace(const char *path, bool json)
{
    struct ckpt_err err;
    struct ckpt_image *image = ckpt_image_open(path, &err);

    if (!image)
        return cli_fail(&err);
    int rc = backtrace(image, path, json, &err);
    if (rc)
        ckpt_err_prefix(&err, "%s", path);
    ckpt_image_close(image);
    return rc ? cli_fail(&err) : 0;
}
