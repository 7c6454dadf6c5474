/* remote_abort.c - what was written before abort() is there */
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    FILE *f = fopen("abort.txt", "w");

    for (int i = 0; i < 10; i++) {
        fprintf(f, "%d\n", i);
        fflush(f);
    }
    fprintf(stderr, "going down\n");
    abort();
}
