#!/bin/bash
# pool_clock.sh - the time of day jumps, forwards and back, while jobs run and
# wait: no lease ends, no job is lost, evicted or kept waiting
#
# A preloaded library moves the time of day of all daemons (CLOCK_REALTIME);
# what they time, they must time by the monotonic clock.
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc ckpt-shadow ckpt-station
. "$(dirname "$0")/pool_common.sh"
chmod 711 "$work"

"${CC:-cc}" -shared -fPIC -O2 -o "$work/jump.so" \
    "$top_srcdir/tests/progs/clock_jump.c"
ckpt-cc -O2 -o "$work/counter" "$top_srcdir/tests/progs/remote_counter.c"
mkdir "$work/undisturbed" "$work/long" "$work/other" "$work/scratch"
(cd "$work/undisturbed" && ../counter 700 >stdout) &
export CLOCK_JUMP=$work/seconds
echo 0 >"$CLOCK_JUMP"
LD_PRELOAD=$work/jump.so pool_start 2 --set lease=5s --set checkpoint_every=2s \
    --set suspend_grace=3s
long=$(cd "$work/long" &&
    ckpt submit --out stdout -- ../counter 700 | tr -dc 0-9)
until_true job_is "$long" running
for seconds in 86400 -86400 400000000 -3600 0; do
    echo "$seconds" >"$CLOCK_JUMP"
    sleep 0.5
    start=$SECONDS
    id=$(ckpt submit -- /bin/true | tr -dc 0-9)
    timeout 60 ckpt wait "$id" || fail "by $seconds s: a job ended with $?"
    [ $((SECONDS - start)) -le 30 ] || fail "by $seconds s: it waited too long"
    job_is "$long" running || job_is "$long" completed ||
        fail "by $seconds s: the job is $(ckpt q "$long")"
    # one that has failed, and waits before it may try again
    [ "$(job_member "$long" epoch)" = 1 ] || fail "by $seconds s: started anew"
    echo "clock wrong by $seconds s: a job was done after $((SECONDS - start)) s"
done
timeout 100 ckpt wait "$long" || fail "the job ended with $?"
wait
for file in stdout counter.log counter.tab counter.bin; do
    cmp "$work/undisturbed/$file" "$work/long/$file"
done
[ "$(job_member "$long" evictions)" = 0 ] || fail "it was evicted"
grep -q 'the clock was set by' "$CKPT_POOL/home/log" ||
    fail "the clock did not jump"
run=$(job_member "$long" run_time)
[ "${run%.*}" -lt 300 ] || fail "its home says that it ran for $run s"
echo "the long job ran for $run s by its home's books"
