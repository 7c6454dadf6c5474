#!/bin/bash
# long.sh - the long run: everything, stopped at random instants, in one count
#
# Rounds over the programs of tests/progs in every way they go, and over the real
# programs of the scripts beside this one, each with new random instants, until
# at least LONG_CYCLES (1000) were done, or LONG_LIMIT (7200) seconds are over.
# ROUND (6) cycles for each program in each round.  Prints counts.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"
want=${LONG_CYCLES:-1000} limit=${LONG_LIMIT:-7200}
export CYCLES=${ROUND:-6} SEED=${SEED:-1}
scripts=(compilers interpreters languages runtimes tools science algebra numbers biology
    media physics sources builds)
export REAL_SOURCES=${REAL_SOURCES:-$work/sources}
mapfile -t own < <(cd "$top_srcdir" && make -s -f - <<'X'
include tests/progs/core.mk
all:
	@printf '%s\n' $(core_progs)
X
)
REAL_UNTIL=$(($(date +%s) + limit)) # no case is begun after that
export REAL_UNTIL
cycles=0 refusals=0 programs=0 failures=() SECONDS=0

# Read what a script says last.
count() { # NAME STATUS
    local n r
    n=$(sed -n 's/.*[:,] \([0-9]*\) cycles, .* refusals, .* failures.*/\1/p' "$work/log" | tail -n 1)
    r=$(sed -n 's/.* cycles, \([0-9]*\) refusals, .* failures.*/\1/p' "$work/log" | tail -n 1)
    programs=$((programs + $(sed -n 's/.*: \([0-9]*\) \(programs\|runs\), .*/\1/p' "$work/log" | tail -n 1)))
    cycles=$((cycles + ${n:-0}))
    refusals=$((refusals + ${r:-0}))
    case $2 in
    0 | 77) ;;
    *) failures+=("$1, seed $SEED: $(sed -n 's/.* failures: //p' "$work/log" | tail -n 1)") ;;
    esac
}

run() { # NAME COMMAND...
    local name=$1 status=0
    shift
    "$@" >"$work/log" 2>&1 </dev/null || status=$?
    grep -v ^counts: "$work/log"
    count "$name" $status
}

done_with() {
    [ $cycles -ge "$want" ] || [ $SECONDS -ge "$limit" ]
}

# At least one whole round, however many cycles that makes.
while :; do
    run own bash "$top_srcdir/tests/system/own_instants.sh" "$CYCLES" "$SEED" "${own[@]}"
    for script in "${scripts[@]}"; do
        [ $SECONDS -lt "$limit" ] || break
        run "$script" bash "$top_srcdir/tests/real/$script.sh"
    done
    SEED=$((SEED + 1))
    ! done_with || break
done
echo "random instants: $cycles cycles in $programs runs, $refusals refusals," \
    "${#failures[@]} failures, $SECONDS s"
[ ${#failures[@]} = 0 ] || {
    printf '  %s\n' "${failures[@]}"
    exit 1
}
[ $cycles -ge "$want" ] || fail "fewer than $want cycles in $limit s"
