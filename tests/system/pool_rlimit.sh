#!/bin/bash
# pool_rlimit.sh - where there are no control groups, job_memory bounds a job's
# data: allocations beyond it fail, what is below can be checkpointed and moved,
# and the next station's limit holds there
set -euo pipefail
# Without them: in a mount namespace where they are not to be seen, if we may.
if [ "$(id -u)" -eq 0 ] && [ -z "${NO_CGROUPS:-}" ]; then
    export NO_CGROUPS=1
    if unshare -m sh -c 'umount -R -l /sys/fs/cgroup' 2>/dev/null; then
        # shellcheck disable=SC2016
        exec unshare -m sh -c 'umount -R -l /sys/fs/cgroup; exec "$0"' "$0"
    fi
fi
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc ckpt-station
. "$top_srcdir/tests/system/pool_common.sh"
chmod 711 "$work"
mkdir "$work/home"
mkdir -m 711 "$work/scratch"
cd "$work/home"
ckpt-cc -O1 -o spender "$top_srcdir/tests/progs/pool_spender.c"

pool_start 2 --set "scratch=$work/scratch" --set job_memory.s1=160M \
    --set job_memory.s2=300M
submit() { # ARGUMENT...; sets job
    rm -f out
    job=$(ckpt submit --out out "$@" | tr -dc 0-9)
}
done_there() { grep -q "done" out; }
limit_of_job() {
    local pid
    pid=$(sed -n "s/.*job $job runs, process //p" "$CKPT_POOL/station.$1/log" |
        tail -n 1)
    awk '/Max data size/ { print $4 / 1048576 }' "/proc/$pid/limits"
}
on() { job_is "$job" running && [ "$(job_member "$job" station)" = "$1" ]; }

submit --require 'name == "s1"' -- ./spender memory 100 1000
until_true on s1
until_true done_there
limit=$(limit_of_job s1)
if [ "$limit" = 0 ]; then # "unlimited"
    ckpt rm "$job" >/dev/null
    skip "this machine's control groups cannot be hidden"
fi
room=192 # for a checkpoint to work in
[ "$limit" = $((160 + room)) ] || fail "its limit is $limit MB"
ckpt rm "$job" >/dev/null

submit --require 'name == "s1"' -- ./spender memory 400
status=0
timeout 60 ckpt wait "$job" || status=$?
[ $status -eq 3 ] || fail "400 MB on s1: ended with $status: $(cat out)"
[ "$(cat out)" = "no memory" ] || fail "400 MB on s1: $(cat out)"

# More than half of the limit: a restart has it once.
submit -- ./spender memory 150 6
until_true done_there
for station in s2 s1; do
    on $station || ckpt migrate "$job" $station >/dev/null
    until_true on $station
    limit=$(limit_of_job $station)
    [ "$limit" = $(($([ $station = s1 ] && echo 160 || echo 300) + room)) ] ||
        fail "its limit on $station is $limit MB"
done
timeout 60 ckpt wait "$job" || fail "ended with $?: $(ckpt log "$job")"
[ "$(cat out)" = "done" ] || fail "wrong output: $(cat out)"
echo "limits of data hold, before and after moves"
ckpt pool stop >/dev/null
