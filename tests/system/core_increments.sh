#!/bin/bash
# core_increments.sh - every increment of a chain is the whole program
#
# tests/progs/dirty.c changes its memory in every way between checkpoints; it
# is restarted from each of them, with changed pages found in each way that this
# kernel offers, linked dynamically and statically, written by a child and by
# the stopped program, plain and compressed.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"

generations=6
flags=(-g -O1 -D_GNU_SOURCE -I"$top_srcdir" -pthread)
cd "$work"
ckpt-cc "${flags[@]}" -o dynamic "$top_srcdir/tests/progs/dirty.c"
ckpt-cc "${flags[@]}" -static -o static "$top_srcdir/tests/progs/dirty.c"

go() { # WAY CODEC PROGRAM [shared]
    local way=$1 codec=$2 program=$3 i image
    shift 3
    rm -rf run kept
    mkdir run
    cd run
    CKPT_INCREMENTAL=on CKPT_MERGE=off CKPT_DIRTY=$way CKPT_CODEC=$codec CKPT_KEEP=20 \
        CKPT_IMAGE=image CKPT_LOG=log "../$program" $generations "$@" >out 2>err ||
        fail "$way $codec $program $*: $(cat err out log)"
    grep -q '^OK' out || fail "$way $codec $program $*: $(cat err out)"
    # whole are the first, and the one after the exclusion was taken back
    [ "$(grep -c ^increment log)" = $((generations - 2)) ] ||
        fail "$way $codec $program $*: too few increments: $(cat log)"
    cd ..
    cp -a run kept
    for ((i = 0; i < generations; i++)); do
        rm -rf run
        cp -a kept run
        cd run
        image=image.$i
        [ $i != 0 ] || image=image
        ckpt image verify "$image" >verified ||
            fail "$way $codec $program $*: $image: $(cat verified)"
        ckpt restart "$image" >out.again 2>err ||
            fail "$way $codec $program $*: $image: $(cat err out)"
        cmp -s out ../kept/out ||
            fail "$way $codec $program $*: $image: $(cat out)"
        cd ..
    done
    echo "$way, $codec, $program $*: restarted from $generations generations"
}

ways="hash"
CKPT_INCREMENTAL=on CKPT_DIRTY=uffd CKPT_IMAGE=probe ./dynamic 1 >probe.out 2>&1 &&
    ways="$ways uffd" || echo "this kernel offers no uffd: not tried"
CKPT_INCREMENTAL=on CKPT_DIRTY=softdirty CKPT_IMAGE=probe ./dynamic 1 >probe.out \
    2>&1 && ways="$ways softdirty" ||
    echo "this kernel offers no soft-dirty: not tried"
for way in $ways; do
    go "$way" none dynamic
    go "$way" zlib static
    go "$way" none dynamic shared
done

# Advice about memory, found by the program itself and used again, is that of
# the moment.
generations=6
ckpt-cc "${flags[@]}" -o hints "$top_srcdir/tests/progs/hints.c"
for incremental in on off; do
    rm -rf run
    mkdir run
    cd run
    CKPT_INCREMENTAL=$incremental CKPT_KEEP=20 CKPT_IMAGE=image CKPT_LOG=log \
        ../hints $generations >out 2>err ||
        fail "hints, incremental $incremental: $(cat err log)"
    cp -a . ../kept.hints
    for ((i = 0; i < generations; i++)); do
        image=image.$i
        [ $i != 0 ] || image=image
        rm -rf ../again
        cp -a ../kept.hints ../again
        cd ../again
        ckpt restart "$image" >restarted 2>err ||
            fail "hints, incremental $incremental, $image: $(cat err)"
        cd ../run
    done
    cd ..
    rm -rf kept.hints
    echo "hints, incremental $incremental: restarted from $generations generations"
done
