#!/bin/bash
# core_exec.sh - a program that becomes another one stays under checkpointing:
# env, a script of the shell and one of bash, by every function of the family;
# their children do not
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"
need_command ckpt ckpt-cc cc env bash
case $(readlink -f "$top_builddir") in
*[\ :]*) skip "libckpt.so cannot be preloaded from a path with a blank or a colon" ;;
esac
cd "$work"

cat >count.c <<'X'
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
extern char **environ;
int main(int argc, char **argv)
{
    struct timespec ts = {0, 20000000};
    for (char **e = environ; *e; e++)
        if (strncmp(*e, "CKPT_", 5) == 0 || strncmp(*e, "LD_PRELOAD=", 11) == 0)
            printf("left in the environment: %s\n", *e);
    for (int i = 0; i < 40; i++) {
        nanosleep(&ts, NULL);
        printf("%d %s %d\n", i, getenv("A") ? getenv("A") : "-", argc);
        fflush(stdout);
        if (i == 10)
            close(creat(argv[1], 0600));
    }
    return 3;
}
X
cat >become.c <<'X'
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
extern char **environ;
int main(int argc, char **argv)
{
    char *args[] = {"count", argv[2], NULL}, *how = argv[1];
    setenv("A", "5", 1);
    (void)argc;
    if (!strcmp(how, "execl")) execl("./count", "count", argv[2], NULL);
    if (!strcmp(how, "execlp")) execlp("count", "count", argv[2], NULL);
    if (!strcmp(how, "execle")) execle("./count", "count", argv[2], NULL, environ);
    if (!strcmp(how, "execv")) execv("./count", args);
    if (!strcmp(how, "execvp")) execvp("count", args);
    return 99;
}
X
cc -D_GNU_SOURCE -o count count.c
cc -o become become.c
printf '%s\n' '#!/bin/sh' 'A=5' 'export A' 'sleep 0.1' 'exec ./count "$@"' >script
printf '%s\n' '#!/bin/bash' 'export A=5' 'env >environment' 'exec ./count "$@"' >bashscript
printf '%s\n' 'A=5; export A; exec ./count "$@"' >noheader
chmod +x script bashscript noheader
for ((i = 0; i < 40; i++)); do echo "$i 5 2"; done >expected

try() { # COMMAND...
    local status=0
    rm -f at image
    PATH=$work:$PATH ckpt run --image "$work/image" "$@" "$work/at" >out 2>err &
    local pid=$!
    for ((i = 0; i < 1000; i++)); do
        if [ -e at ] || ! kill -0 $pid 2>/dev/null; then break; fi
        sleep 0.01
    done
    ckpt checkpoint $pid --exit >/dev/null 2>>err || fail "$*: $(cat err out)"
    wait $pid || status=$?
    [ $status = 85 ] || fail "$*: exit status $status"
    status=0
    ckpt run --image "$work/image" "$@" "$work/at" >>out 2>err || status=$?
    [ $status = 3 ] || fail "$*: resumed to exit status $status: $(cat err)"
    cmp out expected || fail "$*: $(cat out)"
    echo "$*: moved"
}
try env A=5 ./count
try ./script
try ./bashscript
grep -qE '^(CKPT_|LD_PRELOAD=)' environment && fail "a child found the settings: $(cat environment)"
try env ./noheader
for how in execl execlp execle execv execvp; do
    try ./become $how
done
