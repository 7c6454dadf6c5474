#!/bin/bash
# core_prog.sh PROG - one program of tests/progs through every way to move it
#
# The program is linked dynamically and statically with libckpt, and preloaded;
# each checkpoints where it said it was ready, goes on, and is restarted twice
# from the image, uncompressed and compressed.  Every run must end with OK.
# A program that names the ways after "ways:" in its head goes only those.
top_srcdir=$(readlink -f "${top_srcdir:-$(dirname "$0")/../..}")
# shellcheck source=tests/system/common.sh
. "$top_srcdir/tests/system/common.sh"

# automake names it as seen from the build tree
[ -f "$1" ] || set -- "$top_srcdir/$1"
source=$(readlink -f "$1")
prog=$(basename "$source")
prog=${prog%.*}
flags=(-g -O1 -D_GNU_SOURCE -I"$top_srcdir" -I"$top_srcdir/lib" -pthread)
ways=$(sed -n 's/.*ways: \([a-z ]*\).*/\1/p' "$source" | head -1)
ways=${ways:-dynamic static preload}
case $(readlink -f "$top_builddir") in
*[\ :]*) # ld.so splits LD_PRELOAD there
    ways=${ways/preload/}
    echo "preload left out: the build tree's path has a blank or a colon"
    ;;
esac

case $source in
*.cc) wrapper=ckpt-c++ plain=c++ ;;
*.f90) wrapper=ckpt-fc plain=gfortran flags=(-g -O1 -fopenmp) ;;
*) wrapper=ckpt-cc plain=cc ;;
esac
need_command "$plain"
cd "$work"
export OMP_NUM_THREADS=3

# Wait for a file that process $2 makes.
await() {
    for ((i = 0; i < 3000; i++)); do
        [ -e "$1" ] && return 0
        kill -0 "$2" 2>/dev/null || return 1
        sleep 0.01
    done
    return 1
}

expect_ok() {
    [ "$(cat "$1")" = OK ] || {
        cat "$1" err 2>/dev/null
        fail "$prog $way $codec: $2"
    }
}

# Start it, checkpoint it, let it go on; then restart it twice.
go_through() {
    export PROG_READY=$work/ready PROG_GO=$work/go CKPT_CODEC=$codec
    rm -f ready go image
    "$@" >out 2>err &
    pid=$!
    await ready $pid || fail "$prog $way $codec: did not get ready: $(cat err)"
    ckpt checkpoint $pid --image "$work/image" >/dev/null 2>>err ||
        fail "$prog $way $codec: $(cat err)"
    cp -a . "$work.kept"
    touch go
    wait $pid || fail "$prog $way $codec: went on to fail: $(cat err)"
    expect_ok out "going on"
    # the second restart is as on another kernel
    for again in first second; do
        rm -rf "${work:?}"/* && cp -a "$work.kept"/. "$work"
        rm -f go
        (sleep 0.1 && touch go) &
        foreign=
        [ $again = first ] || foreign=--foreign-vdso
        ckpt restart ${foreign:+"$foreign"} image >out 2>err ||
            fail "$prog $way $codec: $again restart: $(cat err out)"
        wait
        # what the program printed before the checkpoint is in its stdout only
        expect_ok out "$again restart"
    done
    rm -rf "${work:?}"/* && cp -a "$work.kept"/. "$work"
    rm -rf "$work.kept"
}
trap 'cleanup; rm -rf "$work.kept"' EXIT

for way in $ways; do
    case $way in
    dynamic) "$wrapper" "${flags[@]}" -o prog "$source" -lm ;;
    static) "$wrapper" "${flags[@]}" -static -o prog "$source" -lm ;;
    preload) "$plain" "${flags[@]}" -o prog "$source" -lm ;;
    esac 2>build.err || fail "$prog $way: $(cat build.err)"
    for codec in none zstd; do
        case $way in
        preload) go_through ckpt run --fresh ./prog ;;
        *) go_through ./prog ;;
        esac
        echo "$prog $way $codec: went on, restarted twice"
    done
done
