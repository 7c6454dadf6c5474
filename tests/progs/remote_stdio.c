/* remote_stdio.c - C stdio: write, append, update in place, read back */
#include <stdio.h>
#include <string.h>

static void show(const char *path)
{
    char line[128];
    FILE *f = fopen(path, "r");

    while (f && fgets(line, sizeof line, f))
        fputs(line, stdout);
    if (f)
        fclose(f);
}

int main(void)
{
    FILE *f = fopen("stdio.txt", "w");
    for (int i = 0; i < 2000; i++)
        fprintf(f, "line %d\n", i);
    printf("at %ld\n", ftell(f));
    fclose(f);

    f = fopen("stdio.txt", "a");
    fprintf(f, "appended\n");
    printf("at %ld\n", ftell(f));
    fclose(f);

    f = fopen("stdio.txt", "r+");
    fseek(f, 5, SEEK_SET);
    fputc('X', f);
    fseek(f, -9, SEEK_END);
    fputs("APPENDED", f);
    rewind(f);
    printf("first %c\n", fgetc(f));
    fclose(f);
    show("stdio.txt");

    f = fopen("stdio.txt", "w+");
    setvbuf(f, NULL, _IONBF, 0);
    for (int i = 0; i < 300; i++)
        fprintf(f, "%d ", i);
    fseek(f, 0, SEEK_SET);
    int sum = 0, n;
    while (fscanf(f, "%d", &n) == 1)
        sum += n;
    printf("sum %d, missing: %s\n", sum,
           fopen("no/such/file", "r") ? "there" : "none");
    fclose(f);
    return 0;
}
