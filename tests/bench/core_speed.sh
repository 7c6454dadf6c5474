#!/bin/bash
# core_speed.sh - what checkpoints, restarts and libckpt itself cost, each
# beside its limit in the same run
#
# Rounds are interleaved, so that a busy machine is busy for both sides of a
# ratio.  Leaves core.tsv (all samples), core.json and core-*.svg in $BENCH_OUT.
#
#   BENCH_SIZES   memory in MiB             (64 256 1024 2048 4096)
#   BENCH_GOAL    the size that the goals are about, one of them (2048)
#   BENCH_THREADS of the program            (1 4)
#   BENCH_ROUNDS  of each measurement       (3)
#   BENCH_LOOPS   rounds of the cheap ones  (25)
#   BENCH_SCHEDULE seconds of a schedule with a checkpoint every 30 s (360;
#                 86400 is a day; half of it goes without, to compare)
#   BENCH_PARTS   of: time compressed whole increments criu schedule (all)
#   BENCH_DIR     where images go: a real file system ($BENCH_OUT)
#   BENCH_OUT     results                   (tests/bench/core.out, built tree)
#
# It takes 15 to 20 minutes on two processors and needs 10 GiB of memory and of
# disk for the largest size, which is left out where there is less.
# `make bench-publish` puts the results into doc/performance.md.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../system/common.sh"

sizes=${BENCH_SIZES:-64 256 1024 2048 4096}
threads=${BENCH_THREADS:-1 4}
rounds=${BENCH_ROUNDS:-3}
loops=${BENCH_LOOPS:-25}
out=${BENCH_OUT:-$top_builddir/tests/bench/core.out}
mkdir -p "$out" "${BENCH_DIR:=$out}"
place=$(mktemp -d "$BENCH_DIR/images.XXXXXX")
trap 'rm -rf "$place" "$work"' EXIT
samples=$out/core.tsv
: >"$samples"

# --- the programs -----------------------------------------------------------

began_all=$SECONDS
flags=(-O2 -g -D_GNU_SOURCE -I"$top_srcdir" -pthread)
cd "$work" || exit
ckpt-cc "${flags[@]}" -o work "$here/core_work.c"
cc "${flags[@]}" -o spawn "$here/core_spawn.c"
cc "${flags[@]}" -o plain "$here/core_loops.c"
cp plain again # the same program twice shows how far noise goes
ckpt-cc "${flags[@]}" -o relinked "$here/core_loops.c"
cc "${flags[@]}" -static -o plain-static "$here/core_loops.c"
ckpt-cc "${flags[@]}" -static -o relinked-static "$here/core_loops.c"
library=$(readlink -f "$top_builddir/lib/libckpt.so")

# "name value" lines on stdin become samples "GROUP.name value".
take() {
    awk -v g="$1" 'NF == 2 {print g "." $1 "\t" $2}' >>"$samples"
}

# Seconds that a command takes.
seconds() {
    local began=$EPOCHREALTIME
    "$@" >/dev/null
    awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN {printf "%.6f\n", b - a}'
}

fits() { # MIB: twice that much memory and disk is free
    local free disk
    free=$(awk '/^MemAvailable/ {print int($2 / 1024)}' /proc/meminfo)
    disk=$(df -m --output=avail "$place" | tail -1)
    [ "$free" -gt $(($1 * 5 / 2)) ] && [ "$disk" -gt $(($1 * 5 / 2)) ]
}

# --- measurements -----------------------------------------------------------

# Restart, and next to it one reading of the same bytes.  By default large memory
# is loaded while the program runs (of compressed images and increments only
# where userfaultfd may be had); with --verify=first all is read and checked.
restarts() { # GROUP IMAGE
    local i
    for ((i = 0; i < rounds; i++)); do
        cat "$2" >/dev/null
        echo "read_s $(seconds dd if="$2" of=/dev/null bs=1M status=none)" |
            take "$1"
        for verify in "" --no-verify --verify=first; do
            began=$EPOCHREALTIME
            # shellcheck disable=SC2086
            ckpt restart $verify "$2" | awk -v b="$began" -v n="restart${verify//[-=]/_}" \
                '$1 == "went_on" {printf "%s_s %.6f\n", n, $2 - b}' | take "$1"
        done
    done
}

checkpoints() { # MIB THREADS KIND
    local group=$3.$1.$2
    if ! fits "$1"; then
        echo "not measured for lack of memory or disk: $group"
        return
    fi
    echo "checkpoint and restart: $3, $1 MiB, $2 threads"
    ./work "$1" "$2" "$3" "$rounds" "$place/image" | take "$group"
    restarts "$group" "$place/image"
    rm -f "$place/image"
}

# Whole checkpoints and increments of a program that changes little.
increments() { # MIB
    fits "$1" || return 0
    echo "increments: $1 MiB, one page of a hundred changed"
    CKPT_INCREMENTAL=on CKPT_IMAGE=$place/image \
        ./work "$1" 1 few "$rounds" "$place/image" | take "few.$1.1"
    restarts "few.$1.1" "$place/image"
    rm -rf "$place"/image*
}

# The same by criu, where it works: the program stands still all the while.
criu_peer() { # MIB
    command -v criu >/dev/null && [ "$(id -u)" = 0 ] &&
        criu check >/dev/null 2>&1 && fits "$1" || return 0
    echo "criu: $1 MiB"
    local dir=$place/criu pid i
    for ((i = 0; i < rounds; i++)); do
        rm -rf "$dir"
        mkdir "$dir"
        setsid ./work "$1" 1 random 0 none </dev/null >"$dir/out" 2>&1 &
        pid=$!
        until grep -q memory_mb "$dir/out"; do sleep 0.1; done
        echo "total_s $(seconds sh -c "criu dump -t $pid -D '$dir' \
            --leave-running --shell-job && sync -f '$dir'")" | take "criu.$1.1"
        kill -9 "$pid"
        wait "$pid" || true
        echo "restart_s $(seconds criu restore -D "$dir" -d --shell-job)" |
            take "criu.$1.1"
        kill -9 "$pid"
    done
    rm -rf "$dir"
}

scheduled() { # MIB
    local turns=$((${BENCH_SCHEDULE:-360} / 60))
    [ $turns -gt 0 ] || return 0
    echo "a checkpoint every 30 s: $1 MiB, $turns times 60 s"
    CKPT_INCREMENTAL=on CKPT_IMAGE=$place/image \
        ./work "$1" 1 schedule $turns "$place/image" | take schedule
    rm -rf "$place"/image*
}

compressed() { # MIB
    local group=zstd.$1.1
    command -v zstd >/dev/null || return 0
    echo "compressed: $1 MiB of fields"
    for ((i = 0; i < rounds; i++)); do
        CKPT_CODEC=none ./work "$1" 1 sim 1 "$place/core" | take "sim.$1.1"
        tool="zstd -1 -T2 -q -f -o '$place/tool' '$place/core' &&
            sync '$place/tool'"
        WORK_TOOL=$tool CKPT_CODEC=zstd ./work "$1" 1 calc 1 "$place/image" |
            take "$group"
        echo "alone_s $(seconds sh -c "$tool")" | take "$group"
        rm -f "$place/core" "$place/tool"
    done
    for ((i = 0; i < rounds; i++)); do # by turns
        echo "unpack_s $(seconds zstd -q -dc -T2 "$place/image")" |
            take "$group"
        rounds=1 restarts "$group" "$place/image"
    done
    rm -f "$place/image"
}

run_time() {
    echo "run-time cost: $loops rounds"
    local way
    for ((i = 0; i < loops; i++)); do
        for way in plain relinked again relinked-static plain-static; do
            CKPT_IMAGE=$place/none "./$way" | take "loop.$way"
        done
        LD_PRELOAD=$library ./plain | take loop.preloaded
        for way in plain relinked; do
            echo "rss_kb $("./$way" rss)" | take "idle.$way"
        done
        echo "rss_kb $(LD_PRELOAD=$library ./plain rss)" | take idle.preloaded
    done
    ./spawn $((loops * 20)) "plain ./plain nothing" \
        "relinked ./relinked nothing" "again ./again nothing" \
        "plain-static ./plain-static nothing" \
        "relinked-static ./relinked-static nothing" \
        "preloaded LD_PRELOAD=$library ./plain nothing" | take start
}

# Is this part wanted?
part() {
    [[ " ${BENCH_PARTS:-time compressed whole increments criu schedule} " = *" $1 "* ]]
}

big=${BENCH_GOAL:-2048}
[[ " $sizes " = *" $big "* ]] || big=${sizes##* }
! part time || run_time
! part compressed || compressed 512
if part whole; then
    checkpoints 512 1 zero
    for size in $sizes; do
        for n in $threads; do
            checkpoints "$size" "$n" random
        done
    done
    checkpoints "$big" 1 calc
    for ((turn = 0; turn < rounds; turn++)); do # huge pages are split by the first
        rounds=2 checkpoints "$big" 1 huge
    done
fi
! part increments || increments "$big"
! part criu || criu_peer "$big"
! part schedule || scheduled 512

# --- the report -------------------------------------------------------------

report() {
    awk -f "$here/core_report.awk" -v big="$big" -v json="$out/core.json" \
        -v sizes="$sizes" -v plot="$out/core-plot.dat" -v rounds="$rounds" \
        -v machine="$(uname -srm); $(nproc) CPUs, $(sed -n \
            's/^model name[^:]*: //p' /proc/cpuinfo | head -1); $(awk \
            '/MemTotal/ {printf "%d GiB", $2 / 1048576 + 0.5}' \
            /proc/meminfo); $(stat -f -c %T "$place"); load $(cut -d' ' -f1 \
            /proc/loadavg); $(((SECONDS - began_all) / 60)) minutes" "$samples"
}
report | tee "$out/core.txt"
command -v gnuplot >/dev/null || exit 0
gnuplot -e "data='$out/core-plot.dat'; out='$out'" "$here/core_plot.gp" ||
    echo "gnuplot failed: no plots"
