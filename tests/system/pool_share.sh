#!/bin/bash
# pool_share.sh - a user with a better claim gets a station, through a
# checkpoint
#
# One user's jobs hold both stations.  Another home asks for one (played by
# coord_play over the real protocol): it waits at most a cycle and a vacate;
# the job that made room loses nothing and ends with the right output.  A job
# that makes no checkpoint stays and goes on.
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/pool_common.sh"
play=$top_builddir/tests/bench/coord_play
need_command ckpt ckpt-cc ckpt-shadow ckpt-station "$play"

ckpt-cc -O2 -o "$work/counter" "$top_srcdir/tests/progs/remote_counter.c"
mkdir "$work/undisturbed" "$work/run1" "$work/run2" "$work/run3"
(cd "$work/undisturbed" && "$work/counter" 500 >stdout)

# Times are long enough for a slow machine, and short against preempt_after's
# default.
pool_start 2 --set preempt_after=1s --set updown_interval=100ms
cd "$work/run1"
one=$(ckpt submit --out stdout -- "$work/counter" 500 | tr -dc 0-9)
cd "$work/run2"
two=$(ckpt submit --out stdout -- "$work/counter" 500 | tr -dc 0-9)
until_true job_is "$one" running
until_true job_is "$two" running

read -r station waited <<<"$("$play" wait "$CKPT_POOL" light 25)"
echo "another user got $station after $waited ms"
evictions=$(($(job_member "$one" evictions) + $(job_member "$two" evictions)))
[ "$evictions" = 1 ] || fail "$evictions jobs made room"
grep -q "light of light has had less than its share" \
    "$CKPT_POOL/coordinator/log" || fail "the coordinator does not say why"
for job in "$one" "$two"; do
    timeout 90 ckpt wait "$job" || fail "job $job ended with $?"
    ckpt log "$job" >"$work/log"
    if grep -q '^004' "$work/log"; then
        grep -q '(1) Job was checkpointed' "$work/log" ||
            fail "it lost its work: $(cat "$work/log")"
    fi
done
for run in run1 run2; do
    for file in stdout counter.log counter.tab counter.bin; do
        cmp "$work/undisturbed/$file" "$work/$run/$file"
    done
done

# A program that will not be checkpointed now is left alone before vacate_limit
# would kill it: it is in a critical section.
cat >"$work/stubborn.c" <<'C'
#include "ckpt.h"
#include <stdio.h>
#include <unistd.h>
int main(void)
{
    ckpt_disable();
    for (int i = 0; i < 90; i++) {
        printf("%d\n", i);
        fflush(stdout);
        usleep(100000);
    }
    return 0;
}
C
ckpt-cc -I"$top_srcdir/lib" -o "$work/stubborn" "$work/stubborn.c"
ckpt pool stop >/dev/null
rm -rf "$CKPT_POOL"
pool_start 1 --set vacate_limit=4s --set preempt_after=1s --set updown_interval=100ms
cd "$work/run3"
job=$(ckpt submit --out stdout -- "$work/stubborn" | tr -dc 0-9)
until_true job_is "$job" running
if "$play" wait "$CKPT_POOL" light 6 2>/dev/null; then
    fail "a job that cannot be checkpointed lost its station"
fi
grep -q "leaves s1" "$CKPT_POOL/coordinator/log" || fail "it was not asked"
grep -q "stays: its checkpoint was refused" "$CKPT_POOL/home/log" ||
    fail "it did not say that it stays"
timeout 60 ckpt wait "$job" || fail "it ended with $?"
[ "$(job_member "$job" evictions)" = 0 ] || fail "it was evicted"
seq 0 89 | cmp - stdout
