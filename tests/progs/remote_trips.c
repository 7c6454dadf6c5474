/* remote_trips.c - small files opened, read to the end and closed; a directory
 * listed, and each entry asked for its attributes */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES = 50 };

int main(int argc, char **argv)
{
    char name[64], bytes[4096];
    struct stat st;
    int found = 0;

    if (argc > 1 && argv[1][0] == 'm')
        for (int i = 0; i < FILES; i++) {
            snprintf(name, sizeof name, "small.%d", i);
            int fd = open(name, O_WRONLY | O_CREAT, 0600);
            if (write(fd, bytes, 1000) != 1000 || close(fd) != 0)
                return 1;
        }
    if (argc > 1 && argv[1][0] == 'r')
        for (int i = 0; i < FILES; i++) {
            snprintf(name, sizeof name, "small.%d", i);
            int fd = open(name, O_RDONLY);
            if (fstat(fd, &st) != 0 || st.st_size != 1000 ||
                read(fd, bytes, sizeof bytes) != 1000 ||
                read(fd, bytes, sizeof bytes) != 0 || close(fd) != 0)
                return 1;
        }
    if (argc > 1 && argv[1][0] == 'l') {
        DIR *dir = opendir(".");
        for (struct dirent *e; dir && (e = readdir(dir));)
            found += stat(e->d_name, &st) == 0 && S_ISREG(st.st_mode);
        closedir(dir);
        return found == FILES ? 0 : 1;
    }
    return 0;
}
