#!/bin/bash
# pool_programs.sh - jobs see home from their first instruction on: the
# constructors of libraries, and the interpreters of scripts that lie elsewhere
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc ckpt-shadow ckpt-station cc perl
. "$top_srcdir/tests/system/pool_common.sh"
chmod 711 "$work"
mkdir "$work/job" "$work/elsewhere"
cd "$work/job"
pool_start 1

same() { # NAME COMMAND...: here and as a job
    local name=$1 id
    shift
    "$@" >expected
    id=$(ckpt submit --out out --err err -- "$@" | tr -dc 0-9)
    ckpt wait --timeout 60s "$id" || fail "$name: $(cat err) $(ckpt log "$id")"
    cmp expected out || fail "$name: the outputs differ: $(cat out err)"
    echo "$name: the same as a job"
}

# The kernel gives the interpreter the script's name.
cat >"$work/elsewhere/script" <<'X'
#!/usr/bin/perl  -w
print -e $0 ? "there" : "not there", " $^W @ARGV\n";
X
chmod +x "$work/elsewhere/script"
same "a script elsewhere" ../elsewhere/script 1 2
PATH=$work/elsewhere:$PATH same "a script on PATH" script 3

# libgfortran looks at the standard streams before main: a file's are buffered, so
# C's lines come before its own.
command -v gfortran >/dev/null || skip "no gfortran on this machine for the rest"
cat >c.c <<'X'
#include <stdio.h>
void say_(const int *);
int main(void)
{
    for (int i = 0; i < 5; i++) {
        say_(&i);
        printf("C %d\n", i);
        fflush(stdout);
    }
    return 0;
}
X
cat >f.f90 <<'X'
subroutine say(n)
  integer :: n
  write (*, *) 'Fortran', n
end subroutine
X
cc -c c.c && gfortran -c f.f90
gfortran -o preloaded c.o f.o
ckpt-fc -o relinked c.o f.o
ckpt-fc -static -o static c.o f.o
for way in preloaded relinked static; do
    same "Fortran and C, $way" ./$way
    [ "$(head -c 1 expected)" = C ] || fail "$way: libgfortran does not buffer here"
done
