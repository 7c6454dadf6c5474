#!/bin/bash
# random_instants.sh CYCLES SEED NAME WORKDIR COMMAND... - stop at any instant
#
# Runs COMMAND to its end once undisturbed and once through CYCLES random
# stops, each with a codec of its own:
#
#   exit      checkpoint, exit and resume
#   kill      checkpoint, go on, kill -9 a little later, and resume
#   continue  checkpoint and go on
#   abandon   kill -9 while a checkpoint is under way, and resume from
#             whichever image is there
#
# Files, standard output and exit status must be the same.  Prints counts.  A
# file named stdin in WORKDIR is the standard input.
#
# NAP_MS       the longest time between a start and the stop (default 400); `spread`:
#              one stop of three within the first 60 ms of a start, the others
#              over the whole length of the undisturbed run
# ONLY_EXIT=1  leaves out the kills: for programs that rewrite a file in place,
#              which a restart rightly refuses when it went on after the
#              checkpoint
# MORE=N       before each stop up to N checkpoints from which the program goes
#              on: with CKPT_INCREMENTAL=on in the environment, increments
# FILTER       what sed does to both standard outputs before they are compared:
#              times have to go
# IGNORE       pattern of files that are not compared: logs with times in them
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"

cycles=$1 RANDOM=$2 prog=$3 dir=$4
shift 4
nap_ms=${NAP_MS:-400} done_cycles=0 refused=0
input=$dir/stdin
[ -f "$input" ] || input=/dev/null

cp -a "$dir" "$work/undisturbed"
cp -a "$dir" "$work/moved"
[ "$input" = /dev/null ] || input=$work/moved/stdin
expected=0 status='' began=$(date +%s%3N)
(cd "$work/undisturbed" && exec timeout 300 "$@" <"$input" >stdout \
    2>"$work/err") || expected=$?
[ $expected -lt 124 ] || {
    cat "$work/err"
    echo "counts: 0 0"
    fail "$prog: ended with $expected undisturbed"
}
cd "$work/moved"
length_ms=$(($(date +%s%3N) - began))

# Choose the longest nap before the next stop.
choose_longest() {
    longest_ms=$nap_ms
    [ "$nap_ms" = spread ] || return 0
    longest_ms=60
    [ $((RANDOM % 3)) = 0 ] || longest_ms=$((2 * length_ms / cycles + 60))
}

nap() { # up to $1 milliseconds
    local ms=$((RANDOM % $1))
    sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
}

say_counts() {
    sed 's/\[[0-9]*\]$//' "$work/refusals" | sort | uniq -c | head -5
    echo "counts: $done_cycles $refused"
}

give_up() {
    kill -9 "$pid" 2>/dev/null || true
    cat "$work/err"
    say_counts
    fail "$prog: $* after $done_cycles cycles"
}

codecs=(none none zlib)
! grep -q '^#define HAVE_ZSTD' "$top_builddir/config.h" || codecs+=(zstd zstd)
start() {
    local codec=${codecs[RANDOM % ${#codecs[@]}]}
    ckpt run --image "$work/image" --codec "$codec" "$@" <"$input" \
        >>stdout 2>>"$work/err" &
    pid=$!
}

# Ask for one checkpoint; a refusal is no end of the program.
checkpoint() {
    if ckpt checkpoint "$pid" ${1:+"$1"} >/dev/null 2>"$work/refusal"; then
        done_cycles=$((done_cycles + 1))
        return 0
    fi
    if running; then
        refused=$((refused + 1))
        cat "$work/refusal" >>"$work/refusals"
    fi
    return 1
}

# One stop, of the kind $1; false when the program goes on, or has ended.
stop() {
    case $1 in
    exit) checkpoint --exit ;;
    continue) checkpoint && false ;;
    kill)
        checkpoint || return 1
        nap 100
        kill -9 "$pid" 2>/dev/null || true
        ;;
    abandon)
        ckpt checkpoint "$pid" >/dev/null 2>&1 &
        local asker=$!
        nap 30
        kill -9 "$pid" 2>/dev/null || true
        wait $asker 2>/dev/null || true
        done_cycles=$((done_cycles + 1))
        ;;
    esac
}

choose() {
    local kinds=(exit exit continue)
    [ -n "${ONLY_EXIT:-}" ] || kinds+=(kill kill)
    if [ -z "${ONLY_EXIT:-}" ] && [ -e "$work/image" ]; then
        kinds+=(abandon)
    fi
    kind=${kinds[RANDOM % ${#kinds[@]}]}
}

# Checkpoints that nobody needs, but for the next to build on.
more() {
    local n=$((RANDOM % (${MORE:-0} + 1)))
    for (( ; n > 0; n--)); do
        ckpt checkpoint "$pid" >/dev/null 2>&1 || return 0
        nap 60
    done
}

running() {
    [ -e "/proc/$pid" ] && ! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null
}

: >stdout
: >"$work/err"
: >"$work/refusals"
start "$@"
while running; do
    choose_longest
    nap "$longest_ms"
    if [ $done_cycles -ge "$cycles" ] || [ $refused -ge $((cycles + 20)) ]; then
        break
    fi
    choose
    if ! running || ! stop "$kind"; then
        continue
    fi
    status=0
    wait "$pid" 2>/dev/null || status=$?
    case $status in
    85 | 137) start "$@" ;;
    "$expected") break ;; # it ended before the kill
    *) give_up "ended with $status after $kind" ;;
    esac
done
if [ "$status" != $expected ]; then
    status=0
    wait "$pid" || status=$?
    [ $status = $expected ] || give_up "ended with $status"
fi
rm -rf "$work/image" "$work/image.bases"
[ -z "${FILTER:-}" ] || sed -i "$FILTER" stdout ../undisturbed/stdout
diff -r -x "${IGNORE:-}" "$work/undisturbed" "$work/moved" >"$work/diff" || {
    head -c 2000 "$work/diff"
    give_up "the outputs differ"
}
say_counts
if [ $done_cycles = 0 ]; then
    echo "$prog: ended too soon for a stop"
else
    echo "$prog: $done_cycles cycles, $refused refusals, output identical"
fi
