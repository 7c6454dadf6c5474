#!/bin/bash
# pool_points.sh - daemons are killed at each transition of the tables of job
# and station states, before and after it is written down
#
#     POINTS=N              only N of the runs, evenly spread
#     POINT_VICTIMS=all     every process at every point, not two
#     POINT_LIST=FILE       only its lines SCENARIO|POINT|WHEN|VICTIM
#     POINTS_AT_ONCE=2
#
# First each scenario (pool_points_common.sh) runs undisturbed and notes which
# points it passes (scheduler/pool/testpoint.h).  Then, for each transition of
# the tables (tests/unit/transitions prints them), the daemon that makes it stops
# there, before and after; it is killed, or another of the pool's processes is
# and it goes on.  However it went, the job ends as the scenario says, once, with
# the files of an undisturbed run.  A transition that no scenario passes is an
# error.
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/pool_points_common.sh"
need_command ckpt ckpt-cc ckpt-shadow ckpt-station
list=$top_builddir/tests/unit/transitions
need_command "$list" "$top_builddir/examples/demo/typist"

# A run of its own, by xargs.
if [ -n "${RESULTS:-}" ]; then
    one_run "$@"
    exit 0
fi

scenarios=$(sed -n 's/^do_\([a-z_]*\)().*/\1/p' \
    "$(dirname "$0")/pool_points_common.sh")
others=(shadow starter station home coordinator master)

export RESULTS=$work/results UNDISTURBED=$work/undisturbed
export PROGRAM=$work/counter
chmod 711 "$work"
mkdir "$RESULTS" "$UNDISTURBED"
ckpt-cc -O2 -o "$PROGRAM" "$top_srcdir/tests/progs/remote_obeys.c" \
    -I"$top_srcdir/lib"
(cd "$UNDISTURBED" && "$PROGRAM" 100 >stdout)
run_all() { # lines "SCENARIO|POINT|WHEN|VICTIM" on standard input
    tr '|' '\n' | TMPDIR=$work xargs -d '\n' -n 4 \
        -P "${POINTS_AT_ONCE:-2}" timeout 240 bash "$0" >"$work/said" 2>&1
}

if [ -n "${POINT_LIST:-}" ]; then
    runs=$(grep -c . "$POINT_LIST")
    run_all <"$POINT_LIST" || fail "$(cat "$work/said")"
    [ ! -e "$RESULTS/missed" ] || cat "$RESULTS/missed"
    reached=$(wc -l 2>/dev/null <"$RESULTS/reached") || reached=0
    echo "$runs runs, $reached kills at the points, all jobs ended as they had to"
    [ "$reached" -ge $((runs * 2 / 3)) ] || fail "points not reached"
    exit 0
fi

for s in $scenarios; do echo "$s|none|none|none"; done | run_all ||
    fail "undisturbed: $(cat "$work/said")"
index=0
"$list" | while read -r point; do
    s=$(cd "$RESULTS" && grep -lE "^$point (before|after)\$" ./*.points |
        head -n 1 | sed 's|./\(.*\).points|\1|') || true
    [ -n "$s" ] || echo "$point" >>"$work/forgotten"
    for when in before after; do
        grep -qsx "$point $when" "$RESULTS/$s.points" || continue
        echo "$s|$point|$when|self"
        index=$((index + 1))
        for other in "${others[@]}"; do
            [ "${POINT_VICTIMS:-}" = all ] ||
                [ "$other" = "${others[index % ${#others[@]}]}" ] || continue
            echo "$s|$point|$when|$other"
        done
    done
done >"$work/runs"
[ ! -s "$work/forgotten" ] ||
    fail "no scenario passes: $(cat "$work/forgotten")"
total=$(wc -l <"$work/runs")
if [ "${POINTS:-0}" -gt 0 ] && [ "$POINTS" -lt "$total" ]; then
    awk -v n="$POINTS" -v t="$total" \
        'int(NR * n / t) != int((NR - 1) * n / t)' "$work/runs" >"$work/some"
    mv "$work/some" "$work/runs"
fi
runs=$(wc -l <"$work/runs")
failed=
run_all <"$work/runs" || failed=yes
[ ! -e "$RESULTS/missed" ] || cat "$RESULTS/missed"
reached=$(wc -l <"$RESULTS/reached")
missed=$(wc -l 2>/dev/null <"$RESULTS/missed") || missed=0
echo "$(cut -d'|' -f2 "$work/runs" | sort -u | wc -l) of" \
    "$("$list" | wc -l) transitions, $runs runs, $reached kills at them" \
    "($(sort "$RESULTS/reached" | uniq -c | awk '{ print $2, $1 }' |
        paste -sd, | sed 's/,/, /g')), $missed points not passed the second" \
    "time, $((runs - reached - missed)) failures"
[ -z "$failed" ] || fail "$(cat "$work/said")"
[ "$missed" -le $((runs / 10)) ] || fail "$missed of $runs points not reached"
