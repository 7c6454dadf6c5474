#!/bin/bash
# pool_trust.sh - who may do what in a pool: calls that are said again do
# nothing, a station with another key does not get in, other users neither, and
# no secret is where others could read it
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc ckpt-shadow ckpt-station
. "$(dirname "$0")/pool_common.sh"
chmod 711 "$work"
again=$top_builddir/tests/system/call_again
[ -x "$again" ] || skip "no $again: make check builds it"

# A key that can be searched for.
key=$(head -c 16 /dev/urandom | od -An -v -tx1 | tr -d ' \n')
mkdir -m 700 "$CKPT_POOL"
(umask 077 && printf %s "$key" >"$CKPT_POOL/pool.key")
pool_start 1
on_idle() { ckpt status | grep -q '^s1 *Idle'; }
until_true on_idle
"$again" "$CKPT_POOL" station.s1 || fail "a call that was said again did something"
until_true on_idle

# A station that knows the way, and not the key; and the same with the key.
stranger() {
    timeout 3 ckpt-station --dir "$work/stranger" --name intruder \
        2>>"$work/stranger.log" || true
}
mkdir -m 700 "$work/stranger" "$work/stranger/coordinator"
cp "$CKPT_POOL/pool.name" "$work/stranger/"
(umask 077 && head -c 32 /dev/urandom >"$work/stranger/pool.key")
cp "$CKPT_POOL/coordinator/addr" "$work/stranger/coordinator/"
printf 'poll = 100ms\nidle_start = 0\nload_start = 1000\n' \
    >"$work/stranger/pool.conf"
known() { ckpt status | grep -q '^intruder'; }
stranger &
until_true grep -q 'refused' "$CKPT_POOL/coordinator/log"
! known || fail "a station with another key is in the pool"
wait $!
cp "$CKPT_POOL/pool.key" "$work/stranger/"
stranger &
until_true known
wait $!

# Another user, and a pool of theirs beside this one.
if [ "$(id -u)" = 0 ]; then
    other=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    mkdir "$work/other"
    chown 65534:65534 "$work/other"
    for command in 'q' 'status' 'rm 1' 'hold 1' 'vacate s1' 'submit /bin/true'; do
        # shellcheck disable=SC2086
        "${other[@]}" ckpt ${command%% *} --pool "$CKPT_POOL" \
            ${command#"${command%% *}"} 2>"$work/err" >"$work/out" &&
            fail "another user may: $command"
        grep -q 'ermission denied\|belongs to user' "$work/err" ||
            fail "$command: $(cat "$work/err")"
    done
    theirs() { (cd "$work/other" && "${other[@]}" ckpt "$@" --pool "$work/other/p"); }
    theirs pool start --set idle_start=0 --set load_start=1000 --set poll=100ms \
        --set negotiation_cycle=100ms >/dev/null
    id=$(cd "$work/other" && "${other[@]}" ckpt submit --pool "$work/other/p" \
        --out hello -- /bin/echo hello | tr -dc 0-9)
    timeout 60 "${other[@]}" ckpt wait --pool "$work/other/p" "$id" ||
        fail "the other user's job ended with $?"
    [ "$(cat "$work/other/hello")" = hello ] || fail "no output in their pool"
    theirs pool stop
else
    echo "no root: other users were not tried"
fi

# The pool's key is in no argument, environment, log or image; nor is a token in
# what others can read.
ckpt-cc -O2 -o "$work/counter" "$top_srcdir/tests/progs/remote_counter.c"
job=$(cd "$work" && ckpt submit --every 1s -- ./counter 100000 | tr -dc 0-9)
dir=$CKPT_POOL/home/jobs/$job
until_true test -e "$dir/images/current"
found() { # FILE...: those that hold the key
    LC_ALL=C grep -laF "$key" "$@" 2>/dev/null || true
}
[ -n "$(found "$CKPT_POOL/pool.key")" ] || fail "the search is blind"
places=("$CKPT_POOL"/*/log "$dir"/* "$dir"/images/*)
for pid in $(pgrep -f "$work"); do
    places+=("/proc/$pid/cmdline" "/proc/$pid/environ")
done
bad=$(found "${places[@]}")
[ -z "$bad" ] || fail "the pool's key is in $bad"
open=$(find "$CKPT_POOL" ! -type l -perm /077)
[ -z "$open" ] || fail "others can reach $open"
ckpt rm "$job" >/dev/null
echo "key not found in ${#places[@]} places"
