#!/bin/bash
# pool_quiet.sh - a job that makes no calls for longer than the lease is not lost
#
# The starter's pings alone must keep it; a shadow that counted only calls of
# substance gave such jobs up every lease.
# shellcheck source=tests/system/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/system/pool_common.sh
. "$(dirname "$0")/pool_common.sh"
need_command ckpt ckpt-cc

cat >"$work/quiet.c" <<'END'
#include <stdio.h>
#include <time.h>
int main(void)
{
    time_t start = time(NULL);
    while (time(NULL) < start + 9)
        ;
    puts("done");
    return 0;
}
END
cd "$work"
ckpt-cc -o quiet quiet.c
pool_start 1 --set lease=3s
job=$(ckpt submit --out out -- ./quiet)
timeout 60 ckpt wait "$job" || fail "the job ended with $?"
[ "$(cat out)" = "done" ] || fail "its output is wrong"
[ "$(ckpt log "$job" | grep -c '^004')" -eq 0 ] ||
    fail "it was evicted: $(ckpt log "$job")"
[ "$(ckpt log "$job" | grep -c '^001')" -eq 1 ] ||
    fail "it was started more than once"
