/* memory.c - see memory.h
 *
 *     line of maps          kind            contents saved
 *     ------------          ----            --------------
 *     anonymous, private    ANON            present pages that are not zero
 *     library, program      ANON            all of it: the image needs no file
 *     other file, private   FILE            the changed pages
 *     file, shared          FILE            none: the file is referred to
 *     ... of the system,    ANON            all of it
 *         small, to read
 *     reserved huge pages   ANON            present pages that are not zero
 *     shared, no name       SHARED          pages that are not zero
 *     vdso, vvar            VDSO, VVAR      the vdso's code
 *     of libckpt itself     ZERO            none
 */
#include "lib/capture/memory.h"

#include "lib/common/io.h"
#include "lib/common/sys.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

/* Small files are copied into the image even if nothing in them is
 * executable: locale data, message catalogues. */
enum { COPY_FILE_MAX = 8 << 20, HUGE_PAGE = 2 << 20 };

/* A restart's own mappings, and what it adds to each of the program's. */
static const uint64_t ROOM_TO_SPARE = 1ull << 40;
enum { MAPS_TO_SPARE = 300 };

struct look {
    struct ckpt_memory *memory;
    struct ckpt_arena *arena;
    const struct ckpt_memory_rules *rules;
    struct ckpt_err *err;
};

/* --- parsing ------------------------------------------------------------ */

static uint64_t parse_number(char **at, unsigned base)
{
    uint64_t value = 0;

    for (;; (*at)++) {
        char c = **at;
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                                                : 99;
        if (digit >= base)
            return value;
        value = value * base + digit;
    }
}

/* "start-end perms offset major:minor inode   path" */
static bool parse_line(char *line, struct ckpt_map *m)
{
    char *at = line;

    memset(m, 0, sizeof *m);
    m->start = parse_number(&at, 16);
    if (*at++ != '-')
        return false;
    m->end = parse_number(&at, 16);
    if (*at++ != ' ' || strlen(at) < 5)
        return false;
    m->prot = (at[0] == 'r' ? PROT_READ : 0u) |
              (at[1] == 'w' ? PROT_WRITE : 0u) |
              (at[2] == 'x' ? PROT_EXEC : 0u);
    m->flags = at[3] == 's' ? CKPT_MAPF_SHARED : 0;
    at += 5;
    m->offset = parse_number(&at, 16);
    at++;
    unsigned dev_major = (unsigned)parse_number(&at, 16);
    at++;
    unsigned dev_minor = (unsigned)parse_number(&at, 16);
    at++;
    m->dev = makedev(dev_major, dev_minor);
    m->ino = parse_number(&at, 10);
    at += strspn(at, " ");
    m->path = at;
    return m->end > m->start;
}

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool ckpt_ranges_hold(const struct ckpt_range *r, size_t n, uint64_t start,
                      uint64_t end)
{
    for (size_t i = 0; i < n; i++)
        if (start >= r[i].start && end <= r[i].end)
            return true;
    return false;
}

/* --- kinds -------------------------------------------------------------- */

static int refuse(const struct look *l, const struct ckpt_map *m,
                  const char *what)
{
    return ckpt_err_set(l->err, EBUSY,
                        "the mapping at %llx-%llx (%s) is %s, which cannot be "
                        "saved",
                        (unsigned long long)m->start,
                        (unsigned long long)m->end, m->path, what);
}

/* Code of the program and its libraries is recognised by any executable
 * mapping of the same file. */
static bool is_code(const struct look *l, const struct ckpt_map *m)
{
    for (size_t i = 0; i < l->memory->nmaps; i++) {
        const struct ckpt_map *o = &l->memory->maps[i];
        if (o->dev == m->dev && o->ino == m->ino && (o->prot & PROT_EXEC))
            return true;
    }
    return false;
}

/* The size that the file has now, if its name still leads to it. */
static bool stat_mapped(struct ckpt_map *m)
{
    struct stat st;

    if (ckpt_sys(SYS_newfstatat, AT_FDCWD, m->path, &st, 0) < 0 ||
        st.st_ino != m->ino)
        return false;
    m->size = (uint64_t)st.st_size;
    m->mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    return true;
}

/* What libc maps shared to read, of the machine's own files (gconv's cache): on
 * another machine it is another, and is carried along like the libraries. */
static bool is_of_the_system(const struct ckpt_map *m)
{
    return !(m->prot & PROT_WRITE) && starts_with(m->path, "/usr/lib") &&
           m->size <= COPY_FILE_MAX;
}

/* The file has no name, but its content is in the image. */
static bool is_saved(const struct look *l, struct ckpt_map *m)
{
    for (size_t i = 0; i < l->rules->nfiles; i++) {
        const struct ckpt_open_file *f = &l->rules->files[i];
        if (f->dev != m->dev || f->ino != m->ino ||
            (f->kind != CKPT_FILE_MEMFD && f->kind != CKPT_FILE_UNLINKED))
            continue;
        m->kind = CKPT_MAP_FILE;
        m->size = f->size;
        m->mtime_ns = f->mtime_ns;
        return true;
    }
    return false;
}

/* Memory of reserved huge pages, and files of hugetlbfs; nothing else has all
 * its mappings lie so. */
static int classify_huge(struct look *l, struct ckpt_map *m)
{
    struct statfs fs = {0};

    if (((m->start | m->end | m->offset) & (HUGE_PAGE - 1)) != 0)
        return 0;
    if (starts_with(m->path, "/anon_hugepage") &&
        !(m->flags & CKPT_MAPF_SHARED))
        m->flags |= CKPT_MAPF_HUGETLB;
    else if (starts_with(m->path, "/anon_hugepage") ||
             (ckpt_sys(SYS_statfs, m->path, &fs) == 0 &&
              fs.f_type == HUGETLBFS_MAGIC))
        return refuse(l, m, "shared memory or a file of reserved huge pages");
    return 0;
}

static int classify_file(struct look *l, struct ckpt_map *m)
{
    if (classify_huge(l, m) < 0)
        return -1;
    if (starts_with(m->path, "anon_inode:") ||
        (starts_with(m->path, "/dev/") && !starts_with(m->path, "/dev/shm/") &&
         !starts_with(m->path, "/dev/zero")))
        return refuse(l, m, "a device");
    if (starts_with(m->path, "/[aio]"))
        return refuse(l, m, "an asynchronous I/O context");
    if (starts_with(m->path, "/secretmem"))
        return refuse(l, m, "secret memory (memfd_secret)");
    if (starts_with(m->path, "/SYSV"))
        return refuse(l, m, "System V shared memory");
    if ((m->flags & CKPT_MAPF_SHARED) && is_saved(l, m))
        return 0;
    if ((m->flags & CKPT_MAPF_SHARED) && (starts_with(m->path, "/dev/zero") ||
                                          starts_with(m->path, "/memfd:"))) {
        /* stage.c makes shared memory anew under this name */
        if (starts_with(m->path, "/memfd:") &&
            !starts_with(m->path, "/memfd:ckpt-shared "))
            return refuse(l, m, "a memory file that is not open");
        m->kind = CKPT_MAP_SHARED;
        m->path = "";
        return 0;
    }
    bool named = stat_mapped(m);
    if (named && is_of_the_system(m))
        m->flags &= ~(uint32_t)CKPT_MAPF_SHARED;
    if (m->flags & CKPT_MAPF_SHARED) {
        m->kind = CKPT_MAP_FILE;
        return named ? 0
                     : refuse(l, m,
                              "a shared file without a name that is not "
                              "open");
    }
    m->kind = CKPT_MAP_FILE;
    if (!named || is_code(l, m) || m->size <= COPY_FILE_MAX)
        m->kind = CKPT_MAP_ANON;
    return 0;
}

/* A mapping with MAP_GROWSDOWN.  Only for these the kernel takes that flag, and
 * to set the protection that a mapping has changes nothing. */
static bool grows_down(const struct ckpt_map *m)
{
    return m->kind == CKPT_MAP_ANON && m->ino == 0 && (m->prot & PROT_WRITE) &&
           m->path[0] == '\0' &&
           ckpt_sys(SYS_mprotect, m->start, 4096, m->prot | PROT_GROWSDOWN) ==
               0;
}

static int classify(struct look *l, struct ckpt_map *m)
{
    if (ckpt_ranges_hold(l->rules->zero, l->rules->nzero, m->start, m->end))
        m->kind = CKPT_MAP_ZERO;
    else if (strcmp(m->path, "[vdso]") == 0)
        m->kind = CKPT_MAP_VDSO;
    else if (starts_with(m->path, "[vvar"))
        m->kind = CKPT_MAP_VVAR;
    else if (m->path[0] == '\0' || m->path[0] == '[')
        m->kind = CKPT_MAP_ANON;
    else if (m->ino == 0)
        return refuse(l, m, "of an unknown kind");
    else
        return classify_file(l, m);
    if (strcmp(m->path, "[stack]") == 0 || grows_down(m))
        m->flags |= CKPT_MAPF_STACK;
    if (strcmp(m->path, "[heap]") == 0)
        m->flags |= CKPT_MAPF_HEAP;
    if (m->kind == CKPT_MAP_ANON && (m->flags & CKPT_MAPF_SHARED))
        return refuse(l, m, "shared memory of an unknown kind");
    return 0;
}

/* --- the list ----------------------------------------------------------- */

static char *read_maps(struct look *l)
{
    size_t room;
    long fd = ckpt_sys(SYS_openat, AT_FDCWD, "/proc/thread-self/maps",
                       O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        errno = (int)-fd;
        ckpt_err_sys(l->err, "/proc/thread-self/maps");
        return NULL;
    }
    char *text = ckpt_arena_rest(l->arena, &room);
    ssize_t n = ckpt_read_full((int)fd, text, room - 1);
    ckpt_sys(SYS_close, fd);
    if (n < 0 || (size_t)n == room - 1) {
        ckpt_err_set(l->err, ENOMEM, "/proc/thread-self/maps is too long");
        return NULL;
    }
    text[n] = '\0';
    ckpt_arena_keep(l->arena, (size_t)n + 1);
    return text;
}

static bool to_be_listed(const struct look *l, const struct ckpt_map *m)
{
    return strcmp(m->path, "[vsyscall]") != 0 &&
           !ckpt_ranges_hold(l->rules->omit, l->rules->nomit, m->start, m->end);
}

static int list_maps(struct look *l, char *text)
{
    struct ckpt_memory *mem = l->memory;
    size_t lines = 1;

    for (char *c = text; *c; c++)
        lines += *c == '\n';
    mem->maps = ckpt_arena_alloc(l->arena, lines * sizeof *mem->maps);
    if (!mem->maps)
        return ckpt_err_sys(l->err, "list of %zu mappings", lines);
    for (char *line = text, *end; *line; line = end + 1) {
        end = strchr(line, '\n');
        if (!end)
            break;
        *end = '\0';
        struct ckpt_map *m = &mem->maps[mem->nmaps];
        if (!parse_line(line, m))
            return ckpt_err_set(l->err, EPROTO,
                                "unknown line in /proc/self/maps: %.100s",
                                line);
        if (to_be_listed(l, m))
            mem->nmaps++;
    }
    for (size_t i = 0; i < mem->nmaps; i++)
        if (classify(l, &mem->maps[i]) < 0)
            return -1;
    return 0;
}

static uint64_t max_map_count(void)
{
    char text[32];
    long fd = ckpt_sys(SYS_openat, AT_FDCWD, "/proc/sys/vm/max_map_count",
                       O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return UINT64_MAX;
    ssize_t n = ckpt_read_full((int)fd, text, sizeof text - 1);
    ckpt_sys(SYS_close, fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0 ? strtoull(text, NULL, 10) : UINT64_MAX;
}

/* A restart lays all mappings out beside where they belong, and moves them. */
static int check_room(const struct look *l)
{
    const struct ckpt_memory *mem = l->memory;
    uint64_t bytes = ROOM_TO_SPARE, gap = 0, end = 0;

    for (size_t i = 0; i < mem->nmaps; i++) {
        const struct ckpt_map *m = &mem->maps[i];
        if (m->start > end && m->start - end > gap)
            gap = m->start - end;
        end = m->end;
        bytes += m->end - m->start;
    }
    if (mem->nmaps + MAPS_TO_SPARE > max_map_count())
        return ckpt_err_set(l->err, ENOMEM,
                            "%zu mappings leave a restart no room for its own "
                            "(/proc/sys/vm/max_map_count)",
                            mem->nmaps);
    if (bytes <= gap)
        return 0;
    return ckpt_err_set(l->err, ENOMEM,
                        "%llu TB of address space are mapped, as by "
                        "ThreadSanitizer; a restart needs as much beside them",
                        (unsigned long long)(bytes >> 40));
}

int ckpt_memory_list(struct ckpt_memory *memory, struct ckpt_arena *arena,
                     const struct ckpt_memory_rules *rules,
                     struct ckpt_err *err)
{
    struct look l = {
        .memory = memory, .arena = arena, .rules = rules, .err = err};

    memset(memory, 0, sizeof *memory);
    char *text = read_maps(&l);
    if (!text || list_maps(&l, text) < 0)
        return -1;
    return check_room(&l);
}

bool ckpt_memory_is_shared(const struct ckpt_memory *memory)
{
    for (size_t i = 0; i < memory->nmaps; i++)
        if (memory->maps[i].kind == CKPT_MAP_SHARED)
            return true;
    return false;
}

void ckpt_memory_restore_protection(const struct ckpt_memory *memory)
{
    for (size_t i = 0; i < memory->nmaps; i++) {
        const struct ckpt_map *m = &memory->maps[i];
        if (!(m->prot & PROT_READ) && m->kind != CKPT_MAP_VVAR)
            ckpt_sys(SYS_mprotect, m->start, m->end - m->start, m->prot);
    }
}
