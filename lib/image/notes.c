/* notes.c - encoding of the CKPT notes; see notes.h
 *
 * Runs in the stopped program: bounded, no allocation.
 */
#include "lib/image/notes.h"

#include <string.h>

void ckpt_meta_encode(struct ckpt_bytes *b, const struct ckpt_meta *m)
{
    ckpt_put_u32(b, m->version);
    ckpt_put_raw(b, m->id, sizeof m->id);
    ckpt_put_u64(b, m->time_ns);
    ckpt_put_u64(b, m->monotonic_ns);
    ckpt_put_u64(b, m->boottime_ns);
    ckpt_put_u32(b, m->page_size);
    ckpt_put_u32(b, m->flags);
    for (size_t i = 0; i < CKPT_CPU_WORDS; i++)
        ckpt_put_u32(b, m->cpu_features[i]);
    ckpt_put_u64(b, m->xcr0);
    ckpt_put_u64(b, m->entry_pc);
    ckpt_put_u64(b, m->entry_sp);
    ckpt_put_u64(b, m->entry_fs);
    ckpt_put_str(b, m->program);
    ckpt_put_str(b, m->host);
    ckpt_put_str(b, m->kernel);
    ckpt_put_str(b, m->library);
    ckpt_put_str(b, m->started);
}

void ckpt_maps_encode(struct ckpt_bytes *b, const struct ckpt_map *maps,
                      size_t count)
{
    ckpt_put_u32(b, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        const struct ckpt_map *m = &maps[i];
        ckpt_put_u64(b, m->start);
        ckpt_put_u64(b, m->end);
        ckpt_put_u32(b, m->kind);
        ckpt_put_u32(b, m->prot);
        ckpt_put_u32(b, m->flags);
        ckpt_put_u64(b, m->offset);
        ckpt_put_u64(b, m->dev);
        ckpt_put_u64(b, m->ino);
        ckpt_put_u64(b, m->size);
        ckpt_put_u64(b, (uint64_t)m->mtime_ns);
        ckpt_put_str(b, m->path);
    }
}

void ckpt_threads_encode(struct ckpt_bytes *b,
                         const struct ckpt_thread_note *threads, size_t count)
{
    ckpt_put_u32(b, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        const struct ckpt_thread_note *t = &threads[i];
        ckpt_put_u32(b, (uint32_t)t->tid);
        ckpt_put_u32(b, (uint32_t)t->policy);
        ckpt_put_u32(b, (uint32_t)t->priority);
        ckpt_put_u32(b, (uint32_t)t->nice);
        ckpt_put_u64(b, t->record);
        ckpt_put_u64(b, t->fs_base);
        ckpt_put_u64(b, t->gs_base);
        ckpt_put_u64(b, t->pc);
        ckpt_put_u64(b, t->sp);
        for (size_t w = 0; w < CKPT_AFFINITY_WORDS; w++)
            ckpt_put_u64(b, t->affinity[w]);
        ckpt_put_raw(b, t->comm, sizeof t->comm);
    }
}

void ckpt_files_encode(struct ckpt_bytes *b, const struct ckpt_open_file *files,
                       size_t nfiles, const struct ckpt_descriptor *descriptors,
                       size_t ndescriptors)
{
    ckpt_put_u32(b, (uint32_t)nfiles);
    for (size_t i = 0; i < nfiles; i++) {
        const struct ckpt_open_file *f = &files[i];
        ckpt_put_u32(b, f->kind);
        ckpt_put_u32(b, f->flags);
        ckpt_put_u32(b, f->mode);
        ckpt_put_u32(b, (uint32_t)f->caller_fd);
        ckpt_put_u64(b, f->dev);
        ckpt_put_u64(b, f->ino);
        ckpt_put_u64(b, f->offset);
        ckpt_put_u64(b, f->size);
        ckpt_put_u64(b, (uint64_t)f->mtime_ns);
        ckpt_put_u64(b, f->digest);
        ckpt_put_str(b, f->path);
    }
    ckpt_put_u32(b, (uint32_t)ndescriptors);
    for (size_t i = 0; i < ndescriptors; i++) {
        ckpt_put_u32(b, (uint32_t)descriptors[i].fd);
        ckpt_put_u32(b, descriptors[i].file);
        ckpt_put_u32(b, descriptors[i].cloexec);
    }
}

static bool has_object(const struct ckpt_open_file *f)
{
    return f->state.len > 0 || f->locks.len > 0 || f->content_number > 0;
}

void ckpt_objects_encode(struct ckpt_bytes *b,
                         const struct ckpt_open_file *files, size_t nfiles)
{
    uint32_t count = 0;

    for (size_t i = 0; i < nfiles; i++)
        count += has_object(&files[i]);
    ckpt_put_u32(b, count);
    for (size_t i = 0; i < nfiles; i++) {
        const struct ckpt_open_file *f = &files[i];
        if (!has_object(f))
            continue;
        ckpt_put_u32(b, (uint32_t)i);
        ckpt_put_u32(b, f->content_number);
        ckpt_put_blob(b, f->state.data, f->state.len);
        ckpt_put_blob(b, f->locks.data, f->locks.len);
    }
}

static bool has_habits(const struct ckpt_open_file *f)
{
    const struct ckpt_habits *h = &f->habits;

    return h->owner || h->signal || h->low_mark || h->peek_from;
}

bool ckpt_habits_any(const struct ckpt_open_file *files, size_t nfiles)
{
    for (size_t i = 0; i < nfiles; i++)
        if (has_habits(&files[i]))
            return true;
    return false;
}

void ckpt_habits_encode(struct ckpt_bytes *b,
                        const struct ckpt_open_file *files, size_t nfiles)
{
    uint32_t count = 0;

    for (size_t i = 0; i < nfiles; i++)
        count += has_habits(&files[i]);
    ckpt_put_u32(b, count);
    for (size_t i = 0; i < nfiles; i++) {
        const struct ckpt_habits *h = &files[i].habits;
        if (!has_habits(&files[i]))
            continue;
        ckpt_put_u32(b, (uint32_t)i);
        ckpt_put_u32(b, h->owner);
        ckpt_put_u32(b, h->signal);
        ckpt_put_u32(b, h->low_mark);
        ckpt_put_u32(b, h->peek_from);
    }
}

void ckpt_kept_encode(struct ckpt_bytes *b, const struct ckpt_kept *kept)
{
    ckpt_put_u32(b, kept->number);
    ckpt_put_str(b, kept->dir);
}

void ckpt_process_encode(struct ckpt_bytes *b, const struct ckpt_process *p)
{
    ckpt_put_u32(b, (uint32_t)p->pid);
    ckpt_put_u32(b, (uint32_t)p->ppid);
    ckpt_put_u32(b, (uint32_t)p->pgid);
    ckpt_put_u32(b, (uint32_t)p->sid);
    ckpt_put_u32(b, p->uid);
    ckpt_put_u32(b, p->gid);
    ckpt_put_u32(b, p->umask);
    ckpt_put_u32(b, p->dumpable);
    ckpt_put_u64(b, p->start_code);
    ckpt_put_u64(b, p->end_code);
    ckpt_put_u64(b, p->start_data);
    ckpt_put_u64(b, p->end_data);
    ckpt_put_u64(b, p->start_brk);
    ckpt_put_u64(b, p->brk);
    ckpt_put_u64(b, p->start_stack);
    ckpt_put_u64(b, p->arg_start);
    ckpt_put_u64(b, p->arg_end);
    ckpt_put_u64(b, p->env_start);
    ckpt_put_u64(b, p->env_end);
    ckpt_put_blob(b, p->auxv, p->auxv_len);
    for (size_t i = 0; i < CKPT_NSIG; i++) {
        ckpt_put_u64(b, p->sigactions[i].handler);
        ckpt_put_u64(b, p->sigactions[i].flags);
        ckpt_put_u64(b, p->sigactions[i].restorer);
        ckpt_put_u64(b, p->sigactions[i].mask);
    }
    for (size_t i = 0; i < 3; i++) {
        ckpt_put_u64(b, p->itimer_value_us[i]);
        ckpt_put_u64(b, p->itimer_interval_us[i]);
    }
    for (size_t i = 0; i < 16; i++) {
        ckpt_put_u64(b, p->rlimit_cur[i]);
        ckpt_put_u64(b, p->rlimit_max[i]);
    }
    ckpt_put_str(b, p->cwd);
}

void ckpt_base_encode(struct ckpt_bytes *b, const struct ckpt_base *base)
{
    ckpt_put_raw(b, base->id, sizeof base->id);
    ckpt_put_str(b, base->name);
    ckpt_put_str(b, base->dir);
    ckpt_put_u32(b, (uint32_t)base->nheld);
    for (size_t i = 0; i < base->nheld; i++) {
        ckpt_put_u64(b, base->held[i].start);
        ckpt_put_u64(b, base->held[i].end);
    }
}

void ckpt_taken_encode(struct ckpt_bytes *b, const struct ckpt_taken *taken)
{
    ckpt_put_u32(b, taken->method);
    ckpt_put_u32(b, taken->depth);
    ckpt_put_u64(b, taken->interval_ns);
    ckpt_put_str(b, taken->reason);
}
