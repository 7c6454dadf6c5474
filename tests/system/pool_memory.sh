#!/bin/bash
# pool_memory.sh - a job that wants more memory than the station gives is ended,
# and held with the reason; nothing is left of its control group
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc ckpt-station
. "$top_srcdir/tests/system/pool_common.sh"
mkdir "$work/home"
cd "$work/home" || exit
cat >eater.c <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    size_t all = (size_t)atoi(argv[1]) << 20;
    char *p = malloc(all);
    memset(p, 'x', all);
    printf("%d\n", p[all / 2]);
    sleep(argc > 2 ? 1000 : 0);
    return 0;
}
END
ckpt-cc -O1 -o eater eater.c
# The directories of a control group of that name.
group() { find /sys/fs/cgroup -maxdepth 6 -type d -name "$1" 2>/dev/null || true; }

# What a starter that was killed left long ago (no process has such a number).
left=/sys/fs/cgroup/pids/ckpt-job-4194304
if mkdir "$left" 2>/dev/null; then
    touch -d '1 hour ago' "$left"
else
    left=
fi

pool_start 1 --set job_memory=160M
job=$(ckpt submit --out small -- ./eater 32 | tr -dc 0-9)
timeout 60 ckpt wait "$job" || fail "32 MB are too much: $(ckpt why "$job")"
[ "$(cat small)" = 120 ] || fail "wrong output"
[ -z "$left" ] || [ ! -e "$left" ] || fail "what a killed starter left is still there"

# The group of a job goes with it.
job=$(ckpt submit -- ./eater 32 stay | tr -dc 0-9)
runs() { grep -oP "job $job runs, process \K\d+" "$CKPT_POOL"/station.*/log >"$work/pid"; }
until_true runs
name=$(grep -o 'ckpt-job-[0-9]*' "/proc/$(cat "$work/pid")/cgroup" | head -n 1 || true)
echo "group: ${name:-none}"
ckpt rm "$job" >/dev/null
gone() { [ -z "$(group "$name")" ]; }
[ -z "$name" ] || until_true gone

job=$(ckpt submit --out large -- ./eater 400 | tr -dc 0-9)
ended() { job_is "$job" held || job_is "$job" completed; }
until_true ended
if job_is "$job" completed; then
    skip "no control group with a limit on memory can be had here"
fi
ckpt why "$job" | grep -q "more memory than the station's job_memory of 160 MB" ||
    fail "held without the reason: $(ckpt why "$job")"
ckpt why "$job" | tail -1
ckpt rm "$job" >/dev/null
ckpt pool stop >/dev/null
