# pool_common.sh - a pool of one's own for a test, stopped at the end
#
# Sourced after common.sh.  Sets CKPT_POOL to a directory in $work; the pool
# and whatever of it is left is ended when the test ends.
#
# shellcheck shell=bash
export CKPT_POOL=$work/pool

# Directories of daemons are DIR/NAME with the pid in lock.
pool_end() {
    local status=$? lock pid
    ckpt pool stop >/dev/null 2>&1 || true
    for lock in "$CKPT_POOL"/*/lock; do
        [ -s "$lock" ] || continue
        pid=$(tr -cd 0-9 <"$lock")
        # Only a process that has this pool's directory in its arguments.
        [ -n "$pid" ] && grep -qaF "$CKPT_POOL" "/proc/$pid/cmdline" \
            2>/dev/null && kill -9 "$pid" 2>/dev/null
    done
    if [ $status -ne 0 ] && [ $status -ne 77 ]; then
        for log in "$CKPT_POOL"/*/log; do
            [ -s "$log" ] && echo "== $log" && tail -n 20 "$log"
        done
    fi
    cleanup
    return $status
}
trap pool_end EXIT

# Stations that nobody sits at: idle at once, whatever the load is.
pool_start() { # N [--set ...]
    local n=$1
    shift
    ckpt pool start --stations "$n" --set idle_start=0 --set load_start=1000 \
        --set poll=100ms --set negotiation_cycle=100ms --set job_nice=1 \
        "$@" >/dev/null
}

# Wait until a command succeeds, at most 30 s.
until_true() {
    local i
    for ((i = 0; i < 300; i++)); do
        "$@" >/dev/null 2>&1 && return
        sleep 0.1
    done
    fail "does not become true: $*"
}

# The member of the first (or only) job in `ckpt q --json JOB`.
job_member() { # JOB MEMBER
    ckpt q --json "$1" | sed -nE "s/^ *\"$2\": (\"(.*)\"|([^,]*)),?$/\2\3/p" |
        head -n 1
}
job_is() { # JOB STATE
    [ "$(job_member "$1" state)" = "$2" ]
}
