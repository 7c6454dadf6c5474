#!/bin/bash
# keep_cycles.sh CYCLES SEED NAME WORKDIR COMMAND... - files go back in time
#
# Runs COMMAND once undisturbed and once under `ckpt run --files save` through
# CYCLES stops at random instants: checkpoint, go on a little, kill -9 (or
# checkpoint and exit), resume; sometimes the resuming one is killed at once, in
# the middle of putting files back.  The directory, standard output and exit
# status must be the same.  Prints counts.  A file named stdin in WORKDIR is the
# standard input.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"

cycles=$1 RANDOM=$2 prog=$3 dir=$4
shift 4
done_cycles=0 refused=0 broken_off=0
input=$dir/stdin
[ -f "$input" ] || input=/dev/null

cp -a "$dir" "$work/undisturbed"
cp -a "$dir" "$work/moved"
[ "$input" = /dev/null ] || input=$work/moved/stdin
began=${EPOCHREALTIME/./}
(cd "$work/undisturbed" && exec timeout 300 "$@" <"$input" >stdout) ||
    fail "$prog: ended with $? undisturbed"
# short enough for all the stops to fall into the program's time
nap_ms=$(((${EPOCHREALTIME/./} - began) / 1000 / (cycles + 1)))
nap_ms=${NAP_MS:-$((nap_ms < 30 ? 30 : nap_ms > 500 ? 500 : nap_ms))}
cd "$work/moved"

nap() { # from $1 to $2 milliseconds
    local ms=$(($1 + RANDOM % ($2 - $1)))
    sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
}

give_up() {
    kill -9 "$pid" 2>/dev/null || true
    cat "$work/err"
    fail "$prog: $* after $done_cycles cycles"
}

start() {
    ckpt run --files save --image "$work/image" "$@" <"$input" \
        >>stdout 2>>"$work/err" &
    pid=$!
}

running() {
    [ -e "/proc/$pid" ] && ! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null
}

# Ask for a checkpoint.  False when there is none.
checkpoint() {
    if ckpt checkpoint "$pid" "$@" >/dev/null 2>"$work/refusal"; then
        done_cycles=$((done_cycles + 1))
        return 0
    fi
    ! running || refused=$((refused + 1))
    return 1
}

# Kill the process that resumes, so that the next has to finish its work.
break_off() {
    [ $((RANDOM % 3)) = 0 ] || return 0
    nap 1 80
    kill -9 "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || status=$?
    [ "$status" = 137 ] || return 0
    broken_off=$((broken_off + 1))
    start "$@"
}

: >stdout
: >"$work/err"
status=none
start "$@"
while [ $done_cycles -lt "$cycles" ] && [ $refused -lt $((cycles * 3 + 20)) ]; do
    nap $((nap_ms / 3)) "$nap_ms"
    running || break
    if [ $((RANDOM % 4)) = 0 ]; then
        checkpoint --exit || continue
    else
        checkpoint || continue
        nap 1 150
        kill -9 "$pid" 2>/dev/null || true
    fi
    status=0
    wait "$pid" 2>/dev/null || status=$?
    case $status in
    85 | 137) ;;
    0) break ;;
    *) give_up "ended with $status" ;;
    esac
    start "$@"
    break_off "$@"
done
if [ "$status" != 0 ]; then
    status=0
    wait "$pid" || status=$?
fi
[ "$status" = 0 ] || give_up "ended with $status"
[ $done_cycles -gt 0 ] || give_up "no cycle"
# a journal that stays has random numbers in it
diff -r -x '*-journal' "$work/undisturbed" "$work/moved" >"$work/diff" || {
    head -c 2000 "$work/diff"
    give_up "the outputs differ"
}
(cd "$work/undisturbed" && find . -printf '%P %y %m %n\n' | sort) >"$work/a"
# what the journal holds a link to has one more
rm -rf "$work/image" "$work"/image.*
(cd "$work/moved" && find . -printf '%P %y %m %n\n' | sort) >"$work/b"
diff "$work/a" "$work/b" || give_up "modes or links differ"
for db in *.db; do
    [ ! -f "$db" ] || [ "$(sqlite3 "$db" 'pragma integrity_check')" = ok ] ||
        give_up "the database is malformed"
done
echo "$prog: $done_cycles cycles, $refused refusals," \
    "$broken_off restarts broken off, output identical"
