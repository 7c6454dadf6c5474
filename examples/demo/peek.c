/* peek.c - a job that tries to see for itself what is on its station
 *
 * It passes for a relinked program by the note that libckpt leaves in one, but
 * libckpt is not in it: what it asks, it asks the kernel of the machine it is
 * on, and no shadow.  Ends with 0 if the named file can be read there, or with
 * the error: 13 (EACCES), 2 (ENOENT).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>

static const struct {
    uint32_t namesz, descsz, type;
    char name[8];
} note __attribute__((section(".note.ckpt"), used, aligned(4))) = {5, 0, 1,
                                                                   "CKPT"};

int main(int argc, char *argv[])
{
    if (argc != 2)
        return 22; /* EINVAL */
    return open(argv[1], O_RDONLY) < 0 ? errno : 0;
}
