#!/bin/bash
# sample.sh - a few real programs, a few instants: for `make check`
#
# No case is begun when a minute is over, which is said.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"
export CYCLES=3
status=77
try() { # SCRIPT CASE...
    local script=$1 rc=0
    shift
    if [ $SECONDS -gt 60 ]; then
        echo "$*: left out: a minute is over"
        return
    fi
    ONLY="$*" bash "$top_srcdir/tests/real/$script" || rc=$?
    case $rc in
    0) [ $status = 1 ] || status=0 ;;
    77) ;;
    *) status=1 ;;
    esac
}
SECONDS=0
try interpreters.sh perl
try languages.sh sbcl
try tools.sh sqlite3-memory
try interpreters.sh gawk
try interpreters.sh lua
try science.sh z3
exit $status
