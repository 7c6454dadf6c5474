#!/bin/bash
# pool_closed.sh - stations that are their owners' although nobody types: by the
# hours, by a graphical session that cannot be seen into, and when the machine
# is short of memory
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc ckpt-station
. "$top_srcdir/tests/system/pool_common.sh"

state_is() { # STATION STATE [REASON]
    ckpt status "$1" >"$work/status" 2>&1 && grep -q "$2" "$work/status" &&
        grep -q "${3:-}" "$work/status"
}

mkdir -p "$work/proc/pressure" "$work/home"
cp /proc/stat /proc/meminfo /proc/vmstat "$work/proc/"
touch "$work/proc/diskstats"
pressure() {
    printf 'some avg10=%s avg60=0.00 avg300=0.00 total=0\nfull avg10=%s avg60=0.00 avg300=0.00 total=0\n' \
        "$1" "$1" >"$work/proc/pressure/memory.new"
    mv "$work/proc/pressure/memory.new" "$work/proc/pressure/memory"
}
pressure 0.00

status=0
ckpt pool start --stations 1 --set 'jobs_allowed=mon-fri 8' >"$work/bad" 2>&1 || status=$?
if [ $status -eq 0 ] || ! grep -q "jobs_allowed.*mon-fri 8" "$work/bad"; then
    fail "bad hours are taken: $(cat "$work/bad")"
fi
ckpt pool stop >/dev/null 2>&1 || true
rm -rf "$CKPT_POOL"

pool_start 2 --set load_from="$work/proc" --set jobs_allowed.s1=never \
    --set suspend_grace=1h
cd "$work/home" || exit
until_true state_is s1 Owner "outside jobs_allowed" ||
    fail "s1 is open: $(cat "$work/status")"
until_true state_is s2 Idle || fail "s2 is not idle: $(cat "$work/status")"
grep -q "memory pressure" "$work/status" || fail "no word of memory: $(cat "$work/status")"
echo "never: $(grep -m 1 'outside' <(ckpt status s1))"

ckpt-cc -O2 -o counter "$top_srcdir/tests/progs/remote_counter.c"
mkdir undisturbed
(cd undisturbed && ../counter 600 >stdout)
job=$(ckpt submit --out stdout -- ./counter 600 | tr -dc 0-9)
until_true job_is "$job" running || fail "it does not start: $(ckpt why "$job")"
state_is s1 Owner || fail "s1 has it"
pressure 55.10
until_true job_is "$job" suspended || fail "not suspended: $(ckpt status s2)"
state_is s2 Suspended "short of memory" || fail "without a reason: $(cat "$work/status")"
echo "short of memory: suspended"
pressure 1.00
until_true job_is "$job" running || fail "does not go on: $(ckpt status s2)"
timeout 60 ckpt wait "$job" || fail "ended with $?"
cmp undisturbed/stdout stdout
echo "memory is back: the same output"
ckpt pool stop >/dev/null

# a logind as its files tell, in a namespace of its own
if ! ldd "$top_builddir/ckpt-station" | grep libsystemd >/dev/null; then
    echo "sessions: not tried, built without libsystemd"
    exit 0
fi
namespace=(unshare -m)
[ "$(id -u)" -eq 0 ] || namespace=(unshare -rm)
if ! "${namespace[@]}" sh -c 'mkdir -p /run/systemd && mount -t tmpfs tmpfs /run/systemd' \
    2>/dev/null; then
    echo "sessions: not tried, no mount namespace with /run/systemd here"
    exit 0
fi
rm -rf "$CKPT_POOL"
cat >"$work/inside" <<'END'
set -eu
mount -t tmpfs tmpfs /run/systemd
mkdir -p /run/systemd/sessions /run/systemd/seats /run/systemd/users
session() {
    printf 'UID=4711\nUSER=owner\nACTIVE=1\nSTATE=active\nREMOTE=0\nTYPE=%s\nCLASS=%s\nSEAT=seat0\n' \
        "$1" "$2" >/run/systemd/sessions/.new
    mv /run/systemd/sessions/.new /run/systemd/sessions/7
}
session tty user
ckpt pool start --stations 1 --set idle_start=0 --set load_start=1000 \
    --set poll=100ms --set owner_devices="$1/owner" >/dev/null
trap 'ckpt pool stop >/dev/null' EXIT
look() { # STATE REASON
    for i in $(seq 100); do
        ckpt status s1 >"$1/status" 2>&1 || true
        grep -q "$2" "$1/status" && grep -q "$3" "$1/status" && return 0
        sleep 0.1
    done
    echo "failed: s1 is not $2: $(cat "$1/status")"
    exit 1
}
look "$1" Idle "1 of users at the machine, 0 of them graphical"
session wayland greeter
look "$1" Idle "0 of users at the machine"
session wayland user
look "$1" Owner "uses the machine graphically"
rm /run/systemd/sessions/7
look "$1" Idle "0 of users"
END
touch "$work/owner"
"${namespace[@]}" bash "$work/inside" "$work" || fail "sessions"
echo "sessions: a graphical one closes the station"
