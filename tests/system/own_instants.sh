#!/bin/bash
# own_instants.sh CYCLES SEED PROG... - programs of tests/progs at any instant
#
# Each is built in every way it goes (see core_prog.sh), started without being
# told to end, and stopped CYCLES times: while it builds up its state by
# checkpoint and exit, or checkpoint and going on; when it is ready, also by
# kill -9 after or during a checkpoint, and restarts twice from one image.  At
# the end it is told to go on, checks itself, and must say OK.  Prints counts.
top_srcdir=$(readlink -f "${top_srcdir:-$(dirname "$0")/../..}")
# shellcheck source=tests/system/common.sh
. "$top_srcdir/tests/system/common.sh"

cycles=$1 RANDOM=$2
shift 2
flags=(-g -O1 -D_GNU_SOURCE -I"$top_srcdir" -I"$top_srcdir/lib" -pthread)
codecs=(none zlib)
! grep -q '^#define HAVE_ZSTD' "$top_builddir/config.h" || codecs+=(zstd)
export OMP_NUM_THREADS=3 PROG_READY=$work/ready PROG_GO=$work/go
total=0 refusals=0 runs=0 failed=()
mkdir "$work/dir"
cd "$work/dir"

build() { # WAY SOURCE
    local wrapper=ckpt-cc plain=cc options=("${flags[@]}")
    case $2 in
    *.cc) wrapper=ckpt-c++ plain=c++ ;;
    *.f90) wrapper=ckpt-fc plain=gfortran options=(-g -O1 -fopenmp) ;;
    esac
    case $1 in
    dynamic) "$wrapper" "${options[@]}" -o "$work/prog" "$2" -lm ;;
    static) "$wrapper" "${options[@]}" -static -o "$work/prog" "$2" -lm ;;
    preload) "$plain" "${options[@]}" -o "$work/prog" "$2" -lm ;;
    esac >"$work/build.log" 2>&1
}

start() {
    ckpt run --image "$work/image" --codec "${codecs[RANDOM % ${#codecs[@]}]}" \
        "$work/prog" >>"$work/out" 2>>"$work/err" &
    pid=$!
}

nap() {
    sleep "0.$(printf %03d $((RANDOM % $1)))"
}

running() {
    [ -e "/proc/$pid" ] && ! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null
}

checkpoint() {
    if ckpt checkpoint "$pid" "$@" >/dev/null 2>"$work/refusal"; then
        total=$((total + 1))
        return 0
    fi
    if running; then
        refusals=$((refusals + 1))
        cat "$work/refusal" >>"$work/refused"
    fi
    return 1
}

die() {
    nap "$1"
    kill -9 "$pid" 2>/dev/null || true
}

# One stop, after which the program runs again; false when it has ended.
stop() {
    local kinds=(exit continue) asker status=0
    # from an image of the program when it was ready nothing is done twice
    [ -z "$settled" ] || kinds+=(kill twice abandon)
    case ${kinds[RANDOM % ${#kinds[@]}]} in
    continue) checkpoint || true && return 0 ;;
    exit) checkpoint --exit || return 0 ;;
    kill)
        checkpoint || return 0
        die 50
        ;;
    twice)
        checkpoint --exit || return 0
        wait "$pid" 2>/dev/null || status=$?
        start
        total=$((total + 1))
        die 200
        status=0
        ;;
    abandon)
        ckpt checkpoint "$pid" >/dev/null 2>&1 &
        asker=$!
        die 30
        wait $asker 2>/dev/null || true
        total=$((total + 1))
        ;;
    esac
    wait "$pid" 2>/dev/null || status=$?
    case $status in
    85 | 137) start ;;
    *) return 1 ;;
    esac
}

go_through() { # NAME
    local was_ready='' status=0 i
    rm -rf "$work"/{ready,go,image,out,err,refused} ./*
    settled=
    start
    for ((i = 0; i < cycles; i++)); do
        nap 60
        was_ready=
        [ ! -e "$work/ready" ] || was_ready=yes
        if ! running || ! stop; then
            break
        fi
        [ -z "$was_ready" ] || [ ! -e "$work/image" ] || settled=yes
    done
    for ((i = 0; i < 500; i++)); do
        if [ -e "$work/ready" ] || ! running; then break; fi
        sleep 0.02
    done
    touch "$work/go"
    wait "$pid" 2>/dev/null || status=$?
    if [ $status != 0 ] || [ "$(cat "$work/out")" != OK ]; then
        echo "$1: failed with $status: $(cat "$work/out" "$work/err" | tail -n 5)"
        failed+=("$1")
    fi
}

for source; do
    [ -f "$source" ] || source=$top_srcdir/$source
    source=$(readlink -f "$source")
    ways=$(sed -n 's/.*ways: \([a-z ]*\).*/\1/p' "$source" | head -1)
    for way in ${ways:-dynamic static preload}; do
        name=$(basename "${source%.*}")-$way
        if ! build "$way" "$source"; then
            failed+=("$name")
            tail -3 "$work/build.log"
            continue
        fi
        runs=$((runs + 1))
        go_through "$name"
        [ ! -e "$work/refused" ] || sed "s/[0-9]\\{3,\\}/N/g; s/^/$name: /" "$work/refused" | sort | uniq -c
    done
done
echo "counts: $total $refusals"
echo "own programs: $runs runs, $total cycles, $refusals refusals," \
    "${#failed[@]} failures${failed:+: ${failed[*]}}"
[ ${#failed[@]} = 0 ]
