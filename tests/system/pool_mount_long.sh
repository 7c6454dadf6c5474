#!/bin/bash
# pool_mount_long.sh - jobs with mounted files, killed again and again
#
# A starter or a station is killed at random instants, ten times, while an
# unmodified program writes: it goes back to its image each time, and its files
# are those of a local run.
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/pool_common.sh"
. "$(dirname "$0")/mount_common.sh"
. "$(dirname "$0")/pool_victims.sh"
mkdir -m 711 "$work/scratch"
mount_pool_start 2 --set suspend_grace=300ms --set lease=4s \
    --set "scratch=$work/scratch"

${CC:-cc} -O1 -o "$work/counter" "$top_srcdir/tests/progs/remote_counter.c"
mkdir "$work/count" "$work/job"
(cd "$work/count" && "$work/counter" 800 >stdout)
cd "$work/job"
job=$(ckpt submit --front-end mount --every 300ms --out stdout -- \
    "$work/counter" 800)
until_true grep -q 'at 25' stdout

is_running() {
    job_is "$job" running && [ -n "$(victims starter)" ]
}
kills=0
for victim in starter station.s1 starter station.s2 starter starter \
    station.s1 starter station.s2 starter; do
    sleep "0.$((RANDOM % 10))"
    ! job_is "$job" completed || break
    until_true is_running
    kill -9 "$(victims "$victim")"
    kills=$((kills + 1))
done
[ "$kills" -eq 10 ] || fail "ended after $kills kills"
status=0
timeout 300 ckpt wait "$job" >/dev/null || status=$?
[ "$status" -eq 0 ] || fail "exit $status: $(ckpt log "$job")"
sed -i '/another process/d' stdout # its parent is
diff -r "$work/count" "$work/job" || fail "differs"
said=$(ckpt log "$job")
grep -q restarted <<<"$said" || fail "$said"
nothing_mounted
