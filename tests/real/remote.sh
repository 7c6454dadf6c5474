#!/bin/bash
# remote.sh - the programs of the scripts beside this one as jobs of a pool
#
# Each goes through random evictions with no grants but its directory; part of
# `make check-long`.  A case by case choice: programs of one process that need no
# more than seconds.  EVICTIONS (4) for each.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"
export MOVER=evictions.sh CYCLES=${EVICTIONS:-4} SEED=${SEED:-1}
declare -A cases=(
    [interpreters]='perl lua gawk tclsh guile ocaml numpy'
    [tools]='bc sqlite3-file xz-threads zstd-threads gnuplot gp glpsol tar'
    [science]='minisat z3 geng ffmpeg scipy'
    [biology]='bwa bowtie2-mapped vsearch fasttree'
    [physics]='ccx'
    [media]='flac x264'
    [compilers]='go-cgo'
)
programs=0 moves=0 failures=()
for script in "${!cases[@]}"; do
    status=0
    ONLY=${ONLY:-${cases[$script]}} bash "$top_srcdir/tests/real/$script.sh" \
        >"$work/log" 2>&1 </dev/null || status=$?
    cat "$work/log"
    read -r n m < <(sed -nE 's/^.*: ([0-9]+) programs, ([0-9]+) cycles,.*/\1 \2/p' \
        "$work/log"; echo 0 0)
    programs=$((programs + n)) moves=$((moves + m))
    [ $status = 0 ] || [ $status = 77 ] || failures+=("$script")
done
echo "jobs of a pool: $programs programs, $moves returns from images," \
    "${#failures[@]} failures${failures:+: ${failures[*]}}"
[ ${#failures[@]} = 0 ] || exit 1
[ $moves -ge $programs ] || fail "hardly any program was moved"
[ $programs -ge 12 ] || skip "fewer than 12 of the programs are installed"
