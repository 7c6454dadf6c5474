/* program.c - see program.h */
#include "lib/common/program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* A note of this owner and type in a PT_NOTE. */
static bool has_note(const uint8_t *p, const Elf64_Phdr *ph, size_t size,
                     const char *owner, unsigned type)
{
    uint64_t at = ph->p_offset, end = ph->p_offset + ph->p_filesz;

    if (end < at || end > size)
        return false;
    while (end - at >= sizeof(Elf64_Nhdr)) {
        const Elf64_Nhdr *n = (const void *)(p + at);
        uint64_t name = (n->n_namesz + 3ull) & ~3ull;
        uint64_t desc = (n->n_descsz + 3ull) & ~3ull;
        at += sizeof *n;
        if (name + desc > end - at)
            return false;
        if (n->n_type == type && n->n_namesz > strlen(owner) &&
            memcmp(p + at, owner, strlen(owner) + 1) == 0)
            return true;
        at += name + desc;
    }
    return false;
}

/* What keeps libckpt.so out of a dynamic program; false when nothing does. */
static bool is_unsuitable(const char *loader, size_t len, const struct stat *st,
                          struct ckpt_program *program)
{
    static const char glibc[] = "ld-linux-x86-64.so.2";
    size_t end = strnlen(loader, len), n = sizeof glibc - 1;
    uid_t owner = st->st_mode & S_ISUID ? st->st_uid : geteuid();
    gid_t group = (st->st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP)
                      ? st->st_gid
                      : getegid();

    if (end < n || strncmp(loader + end - n, glibc, n) != 0)
        snprintf(program->why, sizeof program->why,
                 "started by %.*s, which is not glibc's: libckpt needs glibc; "
                 "relink it with ckpt-cc",
                 (int)(end < 100 ? end : 100), loader);
    else if (owner != getuid() || group != getgid())
        snprintf(program->why, sizeof program->why,
                 "setuid or setgid: nothing can be preloaded into it");
    else if (getuid() != 0 &&
             getxattr(program->path, "security.capability", NULL, 0) > 0)
        snprintf(program->why, sizeof program->why,
                 "given capabilities: nothing can be preloaded into it");
    return program->why[0] != '\0';
}

static enum ckpt_program_kind elf_kind(const uint8_t *p, const struct stat *st,
                                       struct ckpt_program *program)
{
    size_t size = (size_t)st->st_size;
    const Elf64_Ehdr *eh = (const void *)p;
    const Elf64_Phdr *ph = (const void *)(p + eh->e_phoff);
    const Elf64_Phdr *interpreter = NULL;
    bool go = false;

    if (eh->e_phentsize != sizeof *ph || eh->e_phoff > size ||
        eh->e_phnum * sizeof *ph > size - eh->e_phoff)
        return CKPT_PROGRAM_STATIC;
    for (unsigned i = 0; i < eh->e_phnum; i++) {
        if (ph[i].p_type == PT_INTERP)
            interpreter = &ph[i];
        if (ph[i].p_type != PT_NOTE)
            continue;
        if (has_note(p, &ph[i], size, "CKPT", 1)) /* made by start.c */
            return CKPT_PROGRAM_RELINKED;
        if (has_note(p, &ph[i], size, "Go", 4))
            go = true;
    }
    if (!interpreter)
        snprintf(program->why, sizeof program->why,
                 "linked statically and without libckpt: %s",
                 go ? "build it with go build -ldflags '-linkmode external "
                      "-extld ckpt-cc'"
                    : "relink it with ckpt-cc");
    else if (interpreter->p_offset < size &&
             interpreter->p_filesz <= size - interpreter->p_offset &&
             !is_unsuitable((const char *)p + interpreter->p_offset,
                            interpreter->p_filesz, st, program))
        return CKPT_PROGRAM_DYNAMIC;
    return CKPT_PROGRAM_STATIC;
}

static const struct {
    unsigned machine;
    const char *name;
} machines[] = {
    {EM_386, "32-bit x86"},   {EM_AARCH64, "64-bit ARM"}, {EM_ARM, "ARM"},
    {EM_RISCV, "RISC-V"},     {EM_PPC64, "POWER"},        {EM_S390, "S/390"},
    {EM_X86_64, "x86 (x32)"},
};

static int foreign(const Elf64_Ehdr *eh, const char *path, struct ckpt_err *err)
{
    for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++)
        if (machines[i].machine == eh->e_machine)
            return ckpt_err_set(err, ENOEXEC,
                                "%s is a program for %s, not for 64-bit x86",
                                path, machines[i].name);
    return ckpt_err_set(err, ENOEXEC,
                        "%s is a program for another machine (%u)", path,
                        eh->e_machine);
}

/* The interpreter of "#! /bin/sh -e", and its argument; as the kernel does, no
 * more than one. */
static void take_interpreter(struct ckpt_program *program, const char *line,
                             size_t len)
{
    char first[256];
    size_t n = len - 2 < sizeof first - 1 ? len - 2 : sizeof first - 1;

    memcpy(first, line + 2, n);
    first[n] = '\0';
    first[strcspn(first, "\n")] = '\0';
    char *at = first + strspn(first, " \t");
    n = strcspn(at, " \t");
    snprintf(program->interpreter, sizeof program->interpreter, "%.*s", (int)n,
             at);
    at += n + strspn(at + n, " \t");
    for (n = strlen(at); n > 0 && strchr(" \t", at[n - 1]); n--)
        ;
    snprintf(program->argument, sizeof program->argument, "%.*s", (int)n, at);
}

static int look(struct ckpt_program *program, struct ckpt_err *err)
{
    struct stat st;
    int fd = open(program->path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &st) < 0)
        return ckpt_err_sys(err, "%s", program->path);
    size_t size = (size_t)st.st_size;
    uint8_t *p =
        size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    close(fd);
    if (p == MAP_FAILED)
        return ckpt_err_set(err, ENOEXEC, "%s is empty", program->path);
    int rc = 0;
    const Elf64_Ehdr *eh = (const void *)p;
    program->why[0] = program->interpreter[0] = '\0';
    program->argument[0] = '\0';
    if (size > 2 && memcmp(p, "#!", 2) == 0) {
        program->kind = CKPT_PROGRAM_SCRIPT;
        take_interpreter(program, (const char *)p, size);
    } else if (size <= sizeof *eh || memcmp(p, ELFMAG, SELFMAG) != 0) {
        rc = ckpt_err_set(err, ENOEXEC, "%s is no program for this machine",
                          program->path);
    } else if (eh->e_machine == EM_X86_64 && p[EI_CLASS] == ELFCLASS64) {
        program->kind = elf_kind(p, &st, program);
    } else {
        rc = foreign(eh, program->path, err);
    }
    munmap(p, size);
    return rc;
}

int ckpt_program_find(const char *name, struct ckpt_program *program,
                      struct ckpt_err *err)
{
    const char *dirs = getenv("PATH");

    if (strchr(name, '/')) {
        snprintf(program->path, sizeof program->path, "%s", name);
        if (access(program->path, X_OK) < 0)
            return ckpt_err_sys(err, "%s", name);
        return look(program, err);
    }
    while (dirs && *dirs) {
        int len = (int)strcspn(dirs, ":");
        snprintf(program->path, sizeof program->path, "%.*s%s%s", len, dirs,
                 len ? "/" : "", name);
        struct stat st;
        if (stat(program->path, &st) == 0 && S_ISREG(st.st_mode) &&
            access(program->path, X_OK) == 0)
            return look(program, err);
        dirs += len + (dirs[len] == ':');
    }
    return ckpt_err_set(err, ENOENT, "%s: not found in PATH", name);
}

int ckpt_program_library(char *path, size_t size, struct ckpt_err *err)
{
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);

    exe[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(exe, '/');
    if (slash)
        *slash = '\0';
    static const char *const places[] = {"lib", "../lib"};
    for (size_t i = 0; i < 2; i++)
        if ((size_t)snprintf(path, size, "%s/%s/libckpt.so", exe, places[i]) <
                size &&
            access(path, R_OK) == 0)
            return 0;
    return ckpt_err_set(err, ENOENT, "%s is missing", path);
}
