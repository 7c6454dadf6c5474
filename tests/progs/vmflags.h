/* vmflags.h - what the kernel says of a mapping in /proc/self/smaps */
#ifndef CKPT_TESTS_VMFLAGS_H
#define CKPT_TESTS_VMFLAGS_H

#include <stdio.h>
#include <string.h>

/* The mapping that `addr` lies in has this word (two letters) in VmFlags. */
static int flags_have(const void *addr, const char *word)
{
    char line[512];
    unsigned long start, end;
    int inside = 0, found = 0;
    FILE *in = fopen("/proc/self/smaps", "r");

    while (fgets(line, sizeof line, in)) {
        if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
            inside = (unsigned long)addr >= start && (unsigned long)addr < end;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            found = strstr(line, word) != NULL;
    }
    fclose(in);
    return found;
}

#endif
