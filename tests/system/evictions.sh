#!/bin/bash
# evictions.sh CYCLES SEED NAME WORKDIR COMMAND... - evict a job at any instant
#
# The twin of random_instants.sh for programs as jobs: runs COMMAND to its end once
# here, and once as a job of a pool of its own that is vacated CYCLES times and
# goes on at one of two stations.  The job has no grants but its directory.
# Files, standard output and exit status must be the same; FILTER, IGNORE and a
# file named stdin in WORKDIR are as there.  Prints counts: returns from an image,
# and evictions without one (then the job goes on from what it had before).
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"
. "$top_srcdir/tests/system/pool_common.sh"
need_command ckpt ckpt-shadow ckpt-station
cycles=$1 RANDOM=$2 prog=$3 dir=$4
shift 4
chmod 711 "$work"
input=() from=/dev/null
[ ! -f "$dir/stdin" ] || input=(--in stdin) from=stdin

cp -a "$dir" "$work/undisturbed"
cp -a "$dir" "$work/moved"
expected=0 began=$(date +%s%3N)
(cd "$work/undisturbed" && exec timeout 300 "$@" <"$from" >stdout \
    2>"$work/err") || expected=$?
[ $expected -lt 124 ] || fail "$prog: ended with $expected undisturbed"
length_ms=$(($(date +%s%3N) - began))

give_up() {
    ckpt log "$id" | tail -n 30
    cat "$work/moved/stderr"
    echo "counts: 0 0"
    fail "$prog: as a job: $*"
}

nap() { # up to $1 milliseconds
    local ms=$((RANDOM % $1))
    sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
}

cd "$work/moved"
pool_start 2 --set vacate_limit=20s
id=$(ckpt submit "${input[@]}" --out stdout --err stderr -- "$@" | tr -dc 0-9)
for ((i = 0; i < cycles; i++)); do
    nap $((2 * length_ms / cycles + 60))
    ckpt vacate "$id" >/dev/null 2>&1 || true # waiting, or at its end
done
status=0
ckpt wait --timeout 5m "$id" || status=$?
[ $status = $expected ] || give_up "ended with $status, not $expected"
ckpt log "$id" >"$work/joblog"
moves=$(grep -c ') .* restarted$' "$work/joblog" || true)
lost=$(grep -c '(0) Job was not checkpointed' "$work/joblog" || true)
rm -f stderr
[ -z "${FILTER:-}" ] || sed -i "$FILTER" stdout ../undisturbed/stdout
diff -r -x "${IGNORE:-}" "$work/undisturbed" "$work/moved" >"$work/diff" || {
    head -c 2000 "$work/diff"
    ckpt log "$id" >"$work/moved/stderr"
    give_up "the outputs differ"
}
echo "counts: $moves $lost"
echo "$prog: evicted as a job, $moves returns, $lost without an image, output identical"
