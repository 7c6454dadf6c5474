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
int main(int argc, char **argv)
{
    size_t all = (size_t)atoi(argv[1]) << 20;
    char *p = malloc(all);
    (void)argc;
    memset(p, 'x', all);
    printf("%d\n", p[all / 2]);
    return 0;
}
END
ckpt-cc -O1 -o eater eater.c
groups() { find /sys/fs/cgroup -maxdepth 6 -type d -name 'ckpt-job-*' 2>/dev/null | wc -l; }
before=$(groups)

pool_start 1 --set job_memory=160M
job=$(ckpt submit --out small -- ./eater 32 | tr -dc 0-9)
timeout 60 ckpt wait "$job" || fail "32 MB are too much: $(ckpt why "$job")"
[ "$(cat small)" = 120 ] || fail "wrong output"

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
[ "$(groups)" -le "$before" ] || fail "a control group is left"
