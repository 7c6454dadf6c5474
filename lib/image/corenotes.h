/* corenotes.h - the kernel's notes of a core file, as debuggers read them
 *
 * Each function fills a struct or buffer in the layout of Linux x86-64 (see
 * core(5), sys/procfs.h, fs/binfmt_elf.c).  Pure; async-signal-safe.
 */
#ifndef CKPT_IMAGE_CORENOTES_H
#define CKPT_IMAGE_CORENOTES_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/procfs.h>
#include <ucontext.h>

/* NT_PRSTATUS: ids and general registers of one thread. */
void ckpt_core_prstatus(struct elf_prstatus *status, int32_t tid,
                        const int32_t ids[3] /* parent, group, session */,
                        const ucontext_t *uc, uint64_t fs_base,
                        uint64_t gs_base);

/* NT_X86_XSTATE from the state in a signal frame (uc->uc_mcontext.fpregs):
 * its length, 0 when the frame has only the legacy 512 bytes; and the note's
 * contents in `buf` of that length. */
size_t ckpt_core_xstate_len(const void *fpregs);
void ckpt_core_xstate(const void *fpregs, void *buf);

/* NT_PRPSINFO.  `args` are the program's arguments, NUL-separated. */
void ckpt_core_prpsinfo(struct elf_prpsinfo *info, int32_t pid,
                        const int32_t ids[3], uint32_t uid, uint32_t gid,
                        const char *comm, const char *args, size_t args_len);

/* NT_FILE: put the head, then every mapping, then every path in the same
 * order, in a buffer of ckpt_core_file_len() bytes. */
struct ckpt_core_mapping {
    uint64_t start, end, offset; /* offset in bytes, page-aligned */
    const char *path;
};
size_t ckpt_core_file_len(const struct ckpt_core_mapping *maps, size_t count);
void ckpt_core_file(const struct ckpt_core_mapping *maps, size_t count,
                    void *buf);

#endif
