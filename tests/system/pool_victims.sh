# pool_victims.sh - find processes of a test's pool, to kill them
#
# Sourced after pool_common.sh.  Nothing is found that has not this test's
# directory in its arguments.
#
# shellcheck shell=bash

# The processes of this pool that begin with the given words.
find_processes() {
    pgrep -f "^$1 .*$work" || true
}
children_of() {
    local pid
    for pid in "$@"; do
        cat "/proc/$pid/task/$pid/children" 2>/dev/null || true
    done
}
victims() {
    local starters
    case $1 in
    shadow) find_processes ckpt-shadow | shuf -n 1 ;;
    starter) find_processes '[^ ]*ckpt-starter' | shuf -n 1 ;;
    job)
        starters=$(find_processes '[^ ]*ckpt-starter')
        # shellcheck disable=SC2086
        children_of $starters | tr ' ' '\n' | grep . | shuf -n 1
        ;;
    *) tr -cd 0-9 <"$CKPT_POOL/$1/lock" ;;
    esac
}
