# real.sh - what the tests with programs nobody here wrote share
#
# Sourced after common.sh.  Each case makes its input in the empty directory
# $work/in and calls `go`; a program that is not installed is passed over with
# a notice.  At the end `report` prints the sum over the set, and fails if any
# program failed: one failure does not keep the others from being tried.
#
# CYCLES   stops for each program (default 30)
# SEED     of the instants (default 1)
# REAL_UNTIL  no case is begun after this time (date +%s)
# MOVER    the script of tests/system that moves a program: random_instants.sh
#          (the default), or evictions.sh, as jobs of a pool
# ONLY     names of cases, separated by blanks: no others are run
#
# shellcheck shell=bash
cycles=${CYCLES:-30} seed=${SEED:-1}
export NAP_MS=${NAP_MS:-150}
total=0 refusals=0 failed=() missing=() ran=0 inputs=$work/in

# Begin the case $1, which needs the commands that follow.
begin() {
    local name=$1 command
    shift
    case " ${ONLY:-$name} " in *" $name "*) ;; *) return 1 ;; esac
    if [ "$(date +%s)" -ge "${REAL_UNTIL:-9999999999}" ]; then
        echo "$name: left out: the time is over"
        return 1
    fi
    for command in "$@"; do
        command -v "$command" >/dev/null && continue
        echo "$name: not tried: no $command on this machine"
        missing+=("$name")
        return 1
    done
    rm -rf "$inputs"
    mkdir "$inputs"
    cd "$inputs"
}

# Run the command of case $1 through the random instants.
go() {
    local name=$1
    shift
    ran=$((ran + 1))
    if bash "$top_srcdir/tests/system/${MOVER:-random_instants.sh}" "$cycles" "$seed" \
        "$name" "$inputs" "$@" >"$work/log" 2>&1 </dev/null; then
        grep -v ^counts: "$work/log"
    else
        cat "$work/log"
        failed+=("$name")
    fi
    local counts
    counts=$(sed -n 's/^counts: //p' "$work/log")
    counts=${counts:-0 0}
    total=$((total + ${counts% *}))
    refusals=$((refusals + ${counts#* }))
    cd "$work"
}

report() {
    echo "$(basename "$0"): $ran programs, $total cycles, $refusals refusals," \
        "${#failed[@]} failures${failed:+: ${failed[*]}}" \
        "${missing:+(not installed: ${missing[*]})}"
    [ ${#failed[@]} = 0 ] || exit 1
    [ $ran != 0 ] || skip "none of the programs is installed"
}
