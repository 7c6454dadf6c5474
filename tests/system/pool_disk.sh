#!/bin/bash
# pool_disk.sh - a job that takes more of a station's disk than job_disk is
# ended, and held with the reason; one whose image is larger goes elsewhere
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc ckpt-station
. "$top_srcdir/tests/system/pool_common.sh"
chmod 711 "$work"
mkdir "$work/home"
mkdir -m 711 "$work/scratch"
cd "$work/home"
ckpt-cc -O1 -o spender "$top_srcdir/tests/progs/pool_spender.c"

pool_start 2 --set "scratch=$work/scratch" --set job_disk.s1=16M \
    --set suspend_grace=0s
# Sets job.
submit() { # STATION ARGUMENT...
    local station=$1
    rm -f out
    shift
    job=$(ckpt submit --out out --map /var/tmp=local \
        --require "name == \"$station\"" -- ./spender "$@" | tr -dc 0-9)
}
ended() { job_is "$job" held || job_is "$job" completed; }

submit s1 files 6
timeout 60 ckpt wait "$job" || fail "6 MB are too much: $(ckpt why "$job")"
for way in files nameless; do
    submit s1 "$way" 40
    until_true ended
    why=$(ckpt why "$job")
    grep -q "more disk than the station's job_disk of 16 MB" <<<"$why" ||
        fail "$way: held without the reason: $why"
    grep -q 'held: disk (code 7)' <<<"$why" || fail "$way: $why"
    ckpt rm "$job" >/dev/null
    left=$(find "$work/scratch" -mindepth 2)
    [ -z "$left" ] || fail "$way: left on the station: $left"
done
grep "more disk" <<<"$why"

# Not bounded there.
submit s2 files 40
said() { grep -q 'done' out; }
until_true said
until_true job_is "$job" running # s2 has no job_disk
ckpt rm "$job" >/dev/null

# With an image of 30 MB it does not fit on s1, though it would like to.
rm -f out
job=$(ckpt submit --out out -- ./spender memory 30 6 | tr -dc 0-9)
until_true said
ckpt migrate "$job" s2 >/dev/null
on_s2() { job_is "$job" running && [ "$(job_member "$job" station)" = s2 ]; }
until_true on_s2
ckpt migrate "$job" s1 >/dev/null
until_true job_is "$job" idle
sleep 2
job_is "$job" idle || fail "it does not wait: $(ckpt q "$job")"
ckpt why "$job"
ckpt migrate "$job" s2 >/dev/null
timeout 60 ckpt wait "$job" || fail "ended with $?: $(ckpt log "$job")"
[ "$(cat out)" = "done" ] || fail "wrong output: $(cat out)"
! grep -q 'is larger than' "$CKPT_POOL"/station.s1/log ||
    fail "its image was brought to s1"
ckpt pool stop >/dev/null
