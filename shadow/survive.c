/* survive.c - see survive.h */
#include "shadow/survive.h"

#include "lib/undo/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char name[] = "session";
static const uint64_t magic = 0x31535345534b4350; /* "PCKSESS1" */

_Static_assert((int)SURVIVE_BOOT_LEN == (int)SEGMENT_BOOT_LEN, "one boot id");

/* All but the handles of jobs with many open files. */
enum {
    HANDLES_OF_MOST = 64,
    USED_BY_ALL = offsetof(struct survive, handles) +
                  HANDLES_OF_MOST * sizeof(struct kept_handle),
};

static struct survive *map(int fd)
{
    void *at = mmap(NULL, sizeof(struct survive), PROT_READ | PROT_WRITE,
                    MAP_SHARED, fd, 0);

    if (at == MAP_FAILED)
        return NULL;
    /* little of it is ever touched; the rest need not be read ahead */
    madvise(at, sizeof(struct survive), MADV_RANDOM);
    return at;
}

struct survive *survive_create(int dirfd, struct ckpt_err *err)
{
    struct survive *survive = NULL;

    unlinkat(dirfd, name, 0);
    int fd = openat(dirfd, name,
                    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    /* A page that the disk has no room for would kill us when it is touched:
     * what every job needs is there before. */
    if (fd >= 0)
        errno = posix_fallocate(fd, 0, USED_BY_ALL);
    if (fd >= 0 && errno == 0 && ftruncate(fd, sizeof *survive) == 0)
        survive = map(fd);
    if (!survive)
        ckpt_err_sys(err, "%s", name);
    int saved = errno;
    if (fd >= 0)
        close(fd);
    errno = saved;
    return survive;
}

void survive_seal(struct survive *survive, uint64_t job, uint32_t epoch,
                  uint16_t port, const uint8_t token[CKPT_TOKEN_LEN])
{
    survive->magic = magic;
    survive->size = sizeof *survive;
    survive->job = job;
    survive->epoch = epoch;
    survive->port = port;
    memcpy(survive->token, token, CKPT_TOKEN_LEN);
    segment_boot(survive->boot);
    __atomic_store_n(&survive->magic_again, magic, __ATOMIC_RELEASE);
}

static bool is_text(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

static bool session_makes_sense(const struct kept_session *session)
{
    if (!is_text(session->note.path, PATH_MAX) ||
        session->note.kind > NOTE_CWD || session->slot >= SHADOW_SLOTS)
        return false;
    for (size_t i = 0; i < SHADOW_SLOTS; i++)
        if (session->slots[i].kept > REPLY_KEEP_MAX &&
            session->slots[i].kept != UINT64_MAX)
            return false;
    return true;
}

static bool handle_makes_sense(const struct kept_handle *handle)
{
    return !handle->used || (is_text(handle->path, PATH_MAX) &&
                             handle->path[0] == '/' && handle->generation != 0);
}

static bool makes_sense(const struct survive *survive)
{
    if (survive->magic != magic || survive->magic_again != magic ||
        survive->size != sizeof *survive || survive->cwd[0] != '/' ||
        !is_text(survive->cwd, PATH_MAX) ||
        !is_text(survive->renamed_from, PATH_MAX) ||
        !is_text(survive->renamed_to, PATH_MAX) || survive->port == 0)
        return false;
    for (size_t i = 0; i < 3; i++)
        if (!session_makes_sense(&survive->sessions[i]))
            return false;
    for (size_t i = 0; i < SURVIVE_HANDLES; i++)
        if (!handle_makes_sense(&survive->handles[i]))
            return false;
    return true;
}

static int check(const struct survive *survive, uint64_t job, uint32_t epoch,
                 struct ckpt_err *err)
{
    char boot[SURVIVE_BOOT_LEN + 1];

    if (!makes_sense(survive))
        return ckpt_err_set(err, EPROTO, "%s: is damaged", name);
    segment_boot(boot);
    if (survive->job != job || survive->epoch != epoch)
        return ckpt_err_set(err, ESTALE, "%s: is of epoch %u", name,
                            survive->epoch);
    if (memcmp(survive->boot, boot, sizeof boot) != 0)
        return ckpt_err_set(err, ESTALE, "%s: this machine was started again",
                            name);
    return 0;
}

struct survive *survive_open(int dirfd, uint64_t job, uint32_t epoch,
                             struct ckpt_err *err)
{
    struct survive *survive = NULL;
    struct stat st;

    int fd = openat(dirfd, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0) {
        ckpt_err_sys(err, "%s", name);
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    if (st.st_size != (off_t)sizeof *survive)
        ckpt_err_set(err, EPROTO, "%s: is damaged", name);
    else if (!(survive = map(fd)))
        ckpt_err_sys(err, "%s", name);
    int saved = errno;
    close(fd);
    errno = saved;
    if (survive && check(survive, job, epoch, err) < 0) {
        saved = errno;
        munmap(survive, sizeof *survive);
        errno = saved;
        return NULL;
    }
    return survive;
}

void survive_remove(int dirfd)
{
    unlinkat(dirfd, name, 0);
}
