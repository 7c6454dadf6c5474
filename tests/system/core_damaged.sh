#!/bin/bash
# core_damaged.sh - images cut at every section's ends, and with bytes changed
# at random, by the tools and by restart: none crashes, hangs, or goes on
#
# MUTATIONS (60) random ones for each codec; `make check-long` makes 10,000.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"
need_command ckpt ckpt-cc cc readelf
mutations=${MUTATIONS:-60} seed=${SEED:-1}
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

# mutate FILE SEED: one to eight bytes are changed; the same again undoes it.
# "head" as a third word: among the first and last 8 KiB.
cat >mutate.c <<'X'
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
static uint64_t x;
static uint64_t next(void) { x ^= x << 13; x ^= x >> 7; x ^= x << 17; return x; }
int main(int argc, char **argv)
{
    struct stat st;
    int fd = open(argv[1], O_RDWR);
    x = strtoull(argv[2], NULL, 10) * 0x9e3779b97f4a7c15u + 1;
    if (fd < 0 || fstat(fd, &st) < 0)
        return 1;
    for (unsigned n = next() % 8 + 1; n > 0; n--) {
        uint64_t at = next() % (uint64_t)st.st_size, edge = 8192;
        unsigned char c, with = (unsigned char)(next() % 255 + 1);
        if (argc > 3 && (uint64_t)st.st_size > 2 * edge)
            at = at % 2 ? at % edge : (uint64_t)st.st_size - 1 - at % edge;
        if (pread(fd, &c, 1, (off_t)at) != 1)
            return 1;
        c ^= with;
        if (pwrite(fd, &c, 1, (off_t)at) != 1)
            return 1;
    }
    return 0;
}
X
cc -O1 -D_GNU_SOURCE -o mutate mutate.c

tries=0 refused=0 harmless=0
# A tool that looks at a damaged image ends in time, and not by a signal.
harmless() { # WHAT COMMAND...
    local what=$1 status=0
    shift
    timeout 20 "$@" >tool.out 2>tool.err || status=$?
    [ $status -le 1 ] || fail "$what: $*: exit status $status: $(tail -n 3 tool.err)"
    return $status
}

# Every tool on the image of $1; $2 says what was done to it.
try() { # CODEC WHAT
    local status=0
    tries=$((tries + 1))
    if harmless "$1, $2" ckpt image verify image; then
        # only bytes that mean nothing may differ: those of a container's head
        ckpt image core image >core.now
        cmp -s core.now "$1.core" || fail "$1, $2: a damaged image is called good"
        harmless=$((harmless + 1))
        return
    fi
    [ "$(wc -l <tool.err)" = 1 ] || fail "$1, $2: not one line: $(cat tool.err)"
    timeout 20 ckpt restart image >tool.out 2>tool.err || status=$?
    if [ $status != 1 ] || [ -s tool.out ]; then
        fail "$1, $2: restart: exit status $status: $(cat tool.out tool.err)"
    fi
    refused=$((refused + 1))
    [ $((tries % 10)) = 0 ] || return 0
    harmless "$1, $2" ckpt image show --json image || true
    harmless "$1, $2" ckpt image backtrace image || true
    harmless "$1, $2" ckpt image core image || true
}

codecs="none zlib"
! grep -q '^#define HAVE_ZSTD' "$top_builddir/config.h" || codecs="$codecs zstd"
for codec in $codecs; do
    CKPT_CODEC=$codec ./tiny >out || fail "no image with $codec"
    ckpt image core image >"$codec.core"
    size=$(stat -c %s image)
    cp image kept
    # where sections begin and end; in a compressed one, all over it
    if [ "$codec" = none ]; then
        cuts=$(readelf -lW image 2>/dev/null | awk '/^  (LOAD|NOTE)/ {
            print strtonum($2); print strtonum($2) + strtonum($5) }' | sort -nu)
        cuts="$cuts 1 16 63 64 $((size - 1)) $((size - 20))"
    else
        cuts="0 1 10 17 18 $((size / 3)) $((size - 1)) $((size - 8)) $((size - 9))"
    fi
    for cut in $cuts; do
        for at in $((cut - 1)) "$cut" $((cut + 1)); do
            if [ "$at" -lt 0 ] || [ "$at" -ge "$size" ]; then continue; fi
            head -c "$at" kept >image
            try "$codec" "cut to $at of $size bytes"
        done
    done
    cp kept image
    for ((i = 0; i < mutations; i++)); do
        how=()
        [ $((i % 2)) = 0 ] || how=(head)
        ./mutate image $((seed * 100000 + i)) "${how[@]}"
        try "$codec" "mutation $((seed * 100000 + i)) ${how[*]}"
        ./mutate image $((seed * 100000 + i)) "${how[@]}"
    done
    cmp -s image kept || fail "the test did not undo its changes"
    status=0
    ckpt restart image >out 2>err || status=$?
    [ $status = 7 ] || fail "the whole one: exit status $status: $(cat err)"
done
echo "damaged images: $tries tried, $refused refused, $harmless without harm, none went on"
