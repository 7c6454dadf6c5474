#!/bin/bash
# core_damaged.sh - images cut at every section's ends, and with bytes changed
# at random, by the tools and by restart: none crashes, hangs, or goes on
#
# MUTATIONS (120) random ones for each codec, most of them by harm.c;
# core_harm_long.sh makes 10,000.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"
need_command ckpt ckpt-cc cc
harm=$top_builddir/tests/system/harm
[ -x "$harm" ] || skip "no $harm: make check builds it"
mutations=${MUTATIONS:-120} seed=${SEED:-1}
cd "$work"

cat >tiny.c <<'X'
#include "ckpt.h"
#include <stdio.h>
int main(void)
{
    int rc = ckpt_checkpoint("image");
    if (rc < 0)
        return 1;
    puts(rc == 1 ? "restarted" : "went on");
    return rc == 1 ? 7 : 0;
}
X
ckpt-cc -O1 -static -I"$top_srcdir/lib" -o tiny tiny.c 2>/dev/null ||
    ckpt-cc -O1 -I"$top_srcdir/lib" -o tiny tiny.c

# A tool that looks at a damaged image ends in time, and not by a signal.
harmless() { # WHAT COMMAND...
    local what=$1 status=0
    shift
    timeout 60 "$@" >tool.out 2>tool.err || status=$?
    [ $status -le 1 ] || fail "$what: $*: exit status $status: $(tail -n 3 tool.err)"
}

# All tools, as commands, on the image.
look() { # WHAT
    harmless "$1" ckpt image verify image
    harmless "$1" ckpt image show --json image
    harmless "$1" ckpt image backtrace image
    harmless "$1" ckpt image core image
    looks=$((looks + 4))
}

# Memory is quicker, and a file system that forgets no damage.
fast=$work
if [ -d /dev/shm ] && [ -w /dev/shm ] &&
    [ "$(stat -f -c %T /dev/shm)" = tmpfs ]; then
    fast=$(mktemp -d /dev/shm/ckpt-test.XXXXXX)
    trap 'rm -rf "$fast"; cleanup' EXIT
fi

codecs="none zlib" looks=0 sum=(0 0 0 0)
! grep -q '^#define HAVE_ZSTD' "$top_builddir/config.h" || codecs="$codecs zstd"
for codec in $codecs; do
    # whoever restarts it gives it another standard output
    CKPT_CODEC=$codec ./tiny </dev/null 2>&1 | cat >out
    grep -q "went on" out || fail "no image with $codec: $(cat out)"
    mv image "$fast/image"
    # all memory by the pager, where it may be
    CKPT_LAZY_MIN=1 "$harm" "$fast/image" "$mutations" "$seed" 7 $'restarted\n' \
        </dev/null >counts 2>&1 || fail "$codec: $(cat counts)"
    read -ra n <counts
    for i in 0 1 2 3; do sum[i]=$((sum[i] + n[i])); done
    size=$(stat -c %s "$fast/image")
    for ((i = 0; i < 4; i++)); do
        cp "$fast/image" image
        at=$(((i * 7919 + seed) % size))
        [ $i != 0 ] || at=$((size / 2))
        printf '\377\0\377' | dd of=image bs=1 seek=$at conv=notrunc status=none
        look "$codec, bytes at $at"
        head -c $((size * (i + 1) / 5)) "$fast/image" >image
        look "$codec, cut to $((size * (i + 1) / 5))"
    done
    echo "$codec: ${n[0]} tried, ${n[1]} refused, ${n[2]} without harm"
done
echo "damaged images: ${sum[0]} tried, ${sum[1]} refused, ${sum[2]} without harm," \
    "${sum[3]} restarted lazily as well; $looks times a tool; none went on wrongly"
