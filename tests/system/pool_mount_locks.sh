#!/bin/bash
# pool_mount_locks.sh - what jobs with mounted files lock is locked at home
#
# Jobs and a program at home count in one file, under locks: no number is lost;
# what two append without any is all there.
# Who waits holds up nobody else of the same job; what is locked is not in an
# image, so a checkpoint waits.
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/pool_common.sh"
. "$(dirname "$0")/mount_common.sh"
. "$(dirname "$0")/pool_victims.sh"
need_command flock
mkdir -m 711 "$work/scratch"
mount_pool_start 2 --set suspend_grace=300ms --set "scratch=$work/scratch"

mkdir "$work/count"
cd "$work/count"
${CC:-cc} -O1 -o counter "$top_srcdir/tests/progs/mount_counter.c"

ends_well() {
    local status=0
    timeout 120 ckpt wait "$1" >/dev/null || status=$?
    [ "$status" -eq 0 ] || fail "exit $status: $(cat out.* ; ckpt log "$1")"
}

# fcntl(2), through an open file: two jobs and a program at home.
echo 000000 >number
a=$(ckpt submit --front-end mount -- ./counter number 150)
b=$(ckpt submit --front-end mount -- ./counter number 150)
until_true grep -q '0000[1-9]' number
./counter number 100
ends_well "$a"
ends_well "$b"
[ "$(cat number)" = 000400 ] || fail "fcntl: $(cat number) of 400"

# flock(2) of another file, by its name, in shells; in each two at once.
echo 0 >many
cat >add <<'SCRIPT'
#!/bin/sh
add() {
    for i in 1 2 3 4 5 6 7 8 9 10; do
        flock many.lock sh -c 'n=$(cat many); echo $((n + 1)) >many'
    done
}
add & add; wait
SCRIPT
chmod +x add
a=$(ckpt submit --err out.a -- ./add)
b=$(ckpt submit --err out.b -- ./add)
ends_well "$a"
ends_well "$b"
[ "$(cat many)" = 40 ] || fail "flock: $(cat many) of 40"

# Two jobs append to one file, without any lock: every line is there, once.
# shellcheck disable=SC2016
append='for i in $(seq 100); do echo "$0 $i" >>lines; done'
a=$(ckpt submit -- sh -c "$append" a)
b=$(ckpt submit -- sh -c "$append" b)
ends_well "$a"
ends_well "$b"
for i in $(seq 100); do printf '%s\n' "a $i" "b $i"; done | sort >wanted
sort lines | diff - wanted || fail 'lines that were appended'

# While one job holds a lock, another waits, and its other processes do not.
touch held events
a=$(ckpt submit --front-end mount -- flock held sh -c 'echo held >>events; sleep 3; echo free >>events')
until_true grep -q held events
b=$(ckpt submit -- sh -c 'flock held sh -c "echo got >>events" &
    timeout --foreground 0.3 flock held true || echo killed >>events
    flock -n held true || echo refused >>events; wait')
ends_well "$a"
ends_well "$b"
[ "$(tr '\n' ' ' <events)" = "held killed refused free got " ] ||
    fail "waiting: $(cat events)"

# What is locked is not in an image.
a=$(ckpt submit --front-end mount -- sh -c 'exec 9>>held; flock 9
    echo running >>events; while :; do :; done')
until_true grep -q running events
confined=0
# shellcheck disable=SC2046
for pid in $(children_of $(find_processes '[^ ]*ckpt-starter')); do
    [ "$(cat "/proc/$pid/comm")" != ckpt-mount ] ||
        confined=$(sed -n 's/^Seccomp:[[:space:]]*//p' "/proc/$pid/status")
done
[ "$confined" = 2 ] || fail "ckpt-mount serves without a filter"
ckpt vacate "$a" >/dev/null
says_locked() {
    ckpt log "$a" | grep -q 'has locked a file at home'
}
until_true says_locked
ckpt rm "$a" >/dev/null
until_true nothing_mounted
