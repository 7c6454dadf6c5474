#!/bin/bash
# pool_confined.sh - a job on a station can reach neither home's files nor
# anything else that is not its own; nothing of it is left
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-shadow ckpt-station
# Without root the job is of the same user: Landlock has to do it.
as_root=0
[ "$(id -u)" -ne 0 ] || as_root=1
. "$(dirname "$0")/pool_common.sh"
chmod 711 "$work"

${CC:-cc} -O2 -static -o "$work/confined" \
    "$top_srcdir/tests/progs/pool_confined.c" ||
    skip "no static libc"
mkdir -m 700 "$work/home"
mkdir -m 711 "$work/scratch"
echo secret >"$work/home/file"
cd "$work/home"

pool_start 1 --set job_nice=19 --set "scratch=$work/scratch"
job=$(ckpt submit --front-end trap -- "$work/confined" "$work/home/file" |
    tr -dc 0-9)
held() {
    job_is "$job" held
}
until_true held
ckpt why "$job" | grep -q 'relink it with ckpt-cc' ||
    fail "a static program ran without being asked for: $(ckpt why "$job")"
ckpt rm "$job" >/dev/null

status=0
job=$(LIBCKPT_PLAIN=1 ckpt submit -- "$work/confined" "$work/home/file" |
    tr -dc 0-9)
timeout 60 ckpt wait "$job" || status=$?
if [ "$as_root" = 0 ] && [ "$status" = 2 ]; then
    skip "no Landlock here, and not root"
fi
[ "$status" -eq 0 ] || fail "the job found fault $status (see its source)"
left=$(find "$work/scratch" -mindepth 2)
[ -z "$left" ] || fail "left in the scratch directory: $left"
ckpt pool stop >/dev/null
left=$(find "$work/scratch" -mindepth 1)
[ -z "$left" ] || fail "left by the station: $left"
