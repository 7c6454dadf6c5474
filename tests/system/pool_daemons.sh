#!/bin/bash
# pool_daemons.sh - a pool starts once, what dies comes back, and a stop leaves
# nothing
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-master ckpt-station
. "$(dirname "$0")/pool_common.sh"

daemons=(master coordinator home station.s1 station.s2)
pid_of() {
    tr -cd 0-9 <"$CKPT_POOL/$1/lock"
}
all_pids() {
    local d
    for d in "${daemons[@]}"; do pid_of "$d" && echo; done
}
is_new() { # DAEMON OLD-PID: another one holds the lock
    local pid
    pid=$(pid_of "$1")
    [ "$pid" != "$2" ] && kill -0 "$pid"
}

# Zombies count as gone: an orphan's end is its new parent's business.
is_gone() { # PID
    [ ! -e "/proc/$1" ] || grep -q '^State:.*[ZX]' "/proc/$1/status"
}

# Without standard descriptors the daemons take none of their own for them.
ckpt pool start --stations 2 --set idle_start=0 --set load_start=1000 \
    --set poll=100ms --set negotiation_cycle=100ms --set job_nice=1 \
    <&- >&- 2>&- || true
first=$(all_pids)
for d in "${daemons[@]}"; do
    for fd in 0 1; do
        to=$(readlink "/proc/$(pid_of "$d")/fd/$fd")
        [ "$to" = /dev/null ] || fail "$d: descriptor $fd is $to"
    done
    to=$(readlink "/proc/$(pid_of "$d")/fd/2")
    [ "$to" = "$CKPT_POOL/$d/log" ] || fail "$d: descriptor 2 is $to"
done
pool_start 2
[ "$(all_pids)" = "$first" ] || fail "a second start changed the daemons"

# A master that is killed leaves its daemons; the next one takes them over.
master=$(pid_of master)
kill -9 "$master"
until_true is_gone "$master"
pool_start 2
until_true is_new master "$master"
[ "$(all_pids | tail -n +2)" = "$(tail -n +2 <<<"$first")" ] ||
    fail "the new master did not adopt the daemons"

# Adopted or its own: what dies is started again, where it was.
for d in coordinator home station.s1 coordinator; do
    old=$(pid_of "$d")
    addr=$(cat "$CKPT_POOL/$d/addr")
    kill -9 "$old"
    until_true is_new "$d" "$old"
    until_true ckpt status s1
    until_true ckpt q
    [ "$(cat "$CKPT_POOL/$d/addr")" = "$addr" ] || fail "$d moved from $addr"
done

# A station that nobody can look after is busy, and says so.
last=$(all_pids)
ckpt pool stop >/dev/null
for pid in $last; do
    is_gone "$pid" || fail "process $pid is left"
done
echo "owner_devices = $work/no/such/device" >"$CKPT_POOL/pool.conf"
echo "poll = 100ms" >>"$CKPT_POOL/pool.conf"
ckpt pool start >/dev/null
says_why() {
    ckpt status s1 | grep -q 'Owner.*no source can tell'
}
until_true says_why

# A stranger, who does not have the key, is refused and logged.
printf 'hello, let me in, please; I have no key but I know the way, really' |
    timeout 5 bash -c "cat >/dev/tcp/$(tr : / <"$CKPT_POOL/home/addr")" || true
until_true grep -q refused "$CKPT_POOL/home/log"
