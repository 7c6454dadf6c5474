/* peek.c - try to open a file, and end with the error as exit status
 *
 * Linked statically and without libckpt, it asks the kernel of the machine it
 * is on and nobody else: 0 if the file can be read there, 13 (EACCES) or
 * 2 (ENOENT) if not.
 */
#include <errno.h>
#include <fcntl.h>

int main(int argc, char *argv[])
{
    if (argc != 2)
        return 22; /* EINVAL */
    return open(argv[1], O_RDONLY) < 0 ? errno : 0;
}
