/* names.c - libc's names in remote mode: the cache first, then no trap
 *
 * In local mode nothing stands in front of these names in a dynamic program:
 * remote mode puts the functions below into the tables by which the loaded
 * objects call libc (got.c).  A static program has no such tables; ckpt-cc
 * links it with --wrap, and what it costs in local mode is one look at
 * `active`.  Whatever does not come here, libc's own calls in dynamic programs
 * among it, is trapped.
 *
 * All of these are cancellation points, and async-signal-safe, as the originals
 * are.
 */
#include "lib/remote/names.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

/* libc's own, under second names that programs do not define */
extern ssize_t __read(int fd, void *buf, size_t len);
extern ssize_t __write(int fd, const void *buf, size_t len);
extern ssize_t __pread64(int fd, void *buf, size_t len, off_t at);
extern ssize_t __pwrite64(int fd, const void *buf, size_t len, off_t at);
extern off_t __lseek(int fd, off_t offset, int whence);

static bool active;

/* With signals blocked, as in a handler of SIGSYS. */
long ckpt_direct_call(struct ckpt_call *call,
                      long (*fn)(struct ckpt_call *call))
{
    uint64_t all = ~0ul, mask;
    uint64_t fd = call->arg[0];
    uint16_t entry = fd < CKPT_FDS ? ckpt_state->fds[fd] : 0;

    if (entry == 0 || entry == CKPT_FD_PRIVATE ||
        ckpt_state->files[entry - 1].kind == CKPT_KIND_STREAM)
        return CKPT_LOCAL;
    ckpt_sys(SYS_rt_sigprocmask, SIG_SETMASK, &all, &mask, 8);
    long result = ckpt_locked(fn, call);
    ckpt_sys(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8);
    return result;
}

static inline bool is_ours(int fd)
{
    return __builtin_expect(active, 0) && ckpt_fd_remote((uint32_t)fd);
}

static long read_remote(int fd, void *buf, size_t len, const uint64_t *at)
{
    struct ckpt_call call = {.nr = at ? SYS_pread64 : SYS_read,
                             .arg = {(uint64_t)(uint32_t)fd,
                                     (uint64_t)(uintptr_t)buf, len,
                                     at ? *at : 0}};

    pthread_testcancel();
    long rc = ckpt_fast_read(fd, buf, len, at);
    if (rc == CKPT_LOCAL)
        rc = ckpt_direct_call(&call, at ? ckpt_do_pread64 : ckpt_do_read);
    return rc;
}

static long write_remote(int fd, const void *buf, size_t len,
                         const uint64_t *at)
{
    struct ckpt_call call = {.nr = at ? SYS_pwrite64 : SYS_write,
                             .arg = {(uint64_t)(uint32_t)fd,
                                     (uint64_t)(uintptr_t)buf, len,
                                     at ? *at : 0}};

    pthread_testcancel();
    long rc = ckpt_fast_write(fd, buf, len, at);
    if (rc == CKPT_LOCAL)
        rc = ckpt_direct_call(&call, at ? ckpt_do_pwrite64 : ckpt_do_write);
    return rc;
}

static long seek_remote(int fd, int64_t offset, int whence)
{
    struct ckpt_call call = {
        .nr = SYS_lseek,
        .arg = {(uint64_t)(uint32_t)fd, (uint64_t)offset, (uint64_t)whence}};

    long rc = ckpt_fast_seek(fd, offset, whence);
    return rc != CKPT_LOCAL ? rc : ckpt_direct_call(&call, ckpt_do_lseek);
}

/* --- for tables --------------------------------------------------------------
 */

#define NAME(type, name, parameters, remote, libcs)                            \
    type name parameters;                                                      \
    type name parameters                                                       \
    {                                                                          \
        long rc = is_ours(fd) ? (remote) : CKPT_LOCAL;                         \
        return rc == CKPT_LOCAL ? (libcs) : (type)ckpt_sys_errno(rc);          \
    }
#define READ(name, libcs)                                                      \
    NAME(ssize_t, name, (int fd, void *buf, size_t len),                       \
         read_remote(fd, buf, len, NULL), libcs(fd, buf, len))
#define WRITE(name, libcs)                                                     \
    NAME(ssize_t, name, (int fd, const void *buf, size_t len),                 \
         write_remote(fd, buf, len, NULL), libcs(fd, buf, len))
#define PREAD(name, libcs)                                                     \
    NAME(ssize_t, name, (int fd, void *buf, size_t len, off_t at),             \
         read_remote(fd, buf, len, &(uint64_t){(uint64_t)at}),                 \
         libcs(fd, buf, len, at))
#define PWRITE(name, libcs)                                                    \
    NAME(ssize_t, name, (int fd, const void *buf, size_t len, off_t at),       \
         write_remote(fd, buf, len, &(uint64_t){(uint64_t)at}),                \
         libcs(fd, buf, len, at))
#define LSEEK(name, libcs)                                                     \
    NAME(off_t, name, (int fd, off_t offset, int whence),                      \
         seek_remote(fd, offset, whence), libcs(fd, offset, whence))

READ(ckpt_name_read, __read)
WRITE(ckpt_name_write, __write)
PREAD(ckpt_name_pread, __pread64)
PWRITE(ckpt_name_pwrite, __pwrite64)
LSEEK(ckpt_name_lseek, __lseek)

/* By path, in a dynamic program only: what was answered a moment ago.  libc has
 * no second names for these; our own tables are patched, too. */
static struct {
    int (*stat)(const char *path, struct stat *st);
    int (*lstat)(const char *path, struct stat *st);
    int (*fstatat)(int dir, const char *path, struct stat *st, int flags);
} libcs;

#define STAT(name, parameters, simple, path, follow, otherwise)                \
    int name parameters;                                                       \
    int name parameters                                                        \
    {                                                                          \
        if (__builtin_expect(active, 0) && (simple) &&                         \
            ckpt_fast_stat(path, follow, st) == 0)                             \
            return 0;                                                          \
        return otherwise;                                                      \
    }
STAT(ckpt_name_stat, (const char *path, struct stat *st), true, path, true,
     libcs.stat(path, st))
STAT(ckpt_name_lstat, (const char *path, struct stat *st), true, path, false,
     libcs.lstat(path, st))
STAT(ckpt_name_fstatat, (int dir, const char *path, struct stat *st, int flags),
     dir == AT_FDCWD && (flags & ~AT_SYMLINK_NOFOLLOW) == 0, path, flags == 0,
     libcs.fstatat(dir, path, st, flags))

/* --- for --wrap --------------------------------------------------------------
 *
 * The linker makes __real_X the X that calls of X would reach.  Where that is
 * not libc's, the program has an X of its own.
 */

#define READ_REAL(x) extern __typeof__(__read) x __attribute__((weak));
#define WRITE_REAL(x) extern __typeof__(__write) x __attribute__((weak));
#define PREAD_REAL(x) extern __typeof__(__pread64) x __attribute__((weak));
#define PWRITE_REAL(x) extern __typeof__(__pwrite64) x __attribute__((weak));
#define LSEEK_REAL(x) extern __typeof__(__lseek) x __attribute__((weak));

#define WRAP(KIND, x, libcs) KIND##_REAL(__real_##x) KIND##_FUNCTION(x, libcs)
#define READ_FUNCTION(x, libcs)                                                \
    NAME(ssize_t, __wrap_##x, (int fd, void *buf, size_t len),                 \
         __real_##x == libcs ? read_remote(fd, buf, len, NULL) : CKPT_LOCAL,   \
         __real_##x(fd, buf, len))
#define WRITE_FUNCTION(x, libcs)                                               \
    NAME(ssize_t, __wrap_##x, (int fd, const void *buf, size_t len),           \
         __real_##x == libcs ? write_remote(fd, buf, len, NULL) : CKPT_LOCAL,  \
         __real_##x(fd, buf, len))
#define PREAD_FUNCTION(x, libcs)                                               \
    NAME(ssize_t, __wrap_##x, (int fd, void *buf, size_t len, off_t at),       \
         __real_##x == libcs                                                   \
             ? read_remote(fd, buf, len, &(uint64_t){(uint64_t)at})            \
             : CKPT_LOCAL,                                                     \
         __real_##x(fd, buf, len, at))
#define PWRITE_FUNCTION(x, libcs)                                              \
    NAME(ssize_t, __wrap_##x, (int fd, const void *buf, size_t len, off_t at), \
         __real_##x == libcs                                                   \
             ? write_remote(fd, buf, len, &(uint64_t){(uint64_t)at})           \
             : CKPT_LOCAL,                                                     \
         __real_##x(fd, buf, len, at))
#define LSEEK_FUNCTION(x, libcs)                                               \
    NAME(off_t, __wrap_##x, (int fd, off_t offset, int whence),                \
         __real_##x == libcs ? seek_remote(fd, offset, whence) : CKPT_LOCAL,   \
         __real_##x(fd, offset, whence))

WRAP(READ, __read, __real___read)
WRAP(READ, read, __real___read)
WRAP(WRITE, __write, __real___write)
WRAP(WRITE, write, __real___write)
WRAP(PREAD, __pread64, __real___pread64)
WRAP(PREAD, pread64, __real___pread64)
WRAP(PREAD, pread, __real___pread64)
WRAP(PWRITE, __pwrite64, __real___pwrite64)
WRAP(PWRITE, pwrite64, __real___pwrite64)
WRAP(PWRITE, pwrite, __real___pwrite64)
WRAP(LSEEK, __lseek, __real___lseek)
WRAP(LSEEK, __lseek64, __real___lseek)
WRAP(LSEEK, lseek64, __real___lseek)
WRAP(LSEEK, lseek, __real___lseek)

void ckpt_names_install(void)
{
    const struct ckpt_name names[] = {
        {"read", ckpt_name_read, read, __read},
        {"write", ckpt_name_write, write, __write},
        {"pread", ckpt_name_pread, pread, __pread64},
        {"pread64", ckpt_name_pread, pread64, __pread64},
        {"pwrite", ckpt_name_pwrite, pwrite, __pwrite64},
        {"pwrite64", ckpt_name_pwrite, pwrite64, __pwrite64},
        {"lseek", ckpt_name_lseek, lseek, __lseek},
        {"lseek64", ckpt_name_lseek, lseek64, __lseek},
        {"stat", ckpt_name_stat, stat, ckpt_if_libcs(stat)},
        {"stat64", ckpt_name_stat, stat64, ckpt_if_libcs(stat64)},
        {"lstat", ckpt_name_lstat, lstat, ckpt_if_libcs(lstat)},
        {"lstat64", ckpt_name_lstat, lstat64, ckpt_if_libcs(lstat64)},
        {"fstatat", ckpt_name_fstatat, fstatat, ckpt_if_libcs(fstatat)},
        {"fstatat64", ckpt_name_fstatat, fstatat64, ckpt_if_libcs(fstatat64)},
    };

    if (!ckpt_lock_can_lend())
        return;
    if (!active) {
        libcs.stat = stat;
        libcs.lstat = lstat;
        libcs.fstatat = fstatat;
        ckpt_names_patch(names, sizeof names / sizeof names[0]);
        ckpt_stdio_install();
    }
    active = true;
}
