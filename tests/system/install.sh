#!/bin/bash
# install.sh - what `make install` puts somewhere, even somewhere else than
# configure was told, works there without the build tree
. "$(dirname "$0")/common.sh"
need_command make cc

make -C "$top_builddir" install prefix="$work/other" >"$work/log" 2>&1 ||
    fail "make install: $(tail -n 5 "$work/log")"
# The build tree's commands and libraries are out of reach from here on.
PATH=$work/other/bin:$(printf '%s' "$PATH" | tr : '\n' | grep -v "^$top_builddir" | paste -sd :)
for command in ckpt ckpt-cc ckpt-c++ ckpt-fc; do
    case $(command -v "$command") in
    "$work"/other/*) ;;
    *) fail "$command is $(command -v "$command")" ;;
    esac
done

cd "$work" || exit
cat >count.c <<'END'
#include <ckpt.h>
#include <stdio.h>
int main(void)
{
    int n = 0;
    for (n = 0; n < 3; n++) {
        printf("%d\n", n);
        fflush(stdout);
        if (n == 1 && ckpt_checkpoint("here") < 0)
            return 1;
    }
    return 0;
}
END
ckpt-cc -I"$work/other/include" -o count count.c || fail "ckpt-cc"
./count >out || fail "the program: $(cat out)"
ckpt restart here >again || fail "ckpt restart"
[ "$(cat out)" = "$(printf '0\n1\n2')" ] || fail "it wrote: $(cat out)"
ckpt image verify here >/dev/null || fail "ckpt image verify"
[ -f other/share/man/man1/ckpt.1 ] || fail "no manual page"

. "$top_srcdir/tests/system/pool_common.sh"
pool_start 1
job=$(ckpt submit --out job.out -- ./count | tr -dc 0-9)
timeout 60 ckpt wait "$job" || fail "the job: $(ckpt why "$job")"
cmp job.out out
