/* dirent.h - what getdents64(2) returns */
#ifndef CKPT_COMMON_DIRENT_H
#define CKPT_COMMON_DIRENT_H

#include <stdint.h>

struct ckpt_dirent {
    uint64_t ino;
    int64_t off;
    uint16_t reclen;
    uint8_t type;
    char name[];
};

#endif
