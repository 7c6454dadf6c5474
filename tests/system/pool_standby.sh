#!/bin/bash
# pool_standby.sh - a stand-by takes over from a coordinator that died or hangs
#
# Jobs that run go on, waiting ones start through the stand-by; when the
# coordinator is back everybody goes back to it.
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/pool_common.sh"
need_command ckpt ckpt-cc ckpt-shadow ckpt-station

pid_of() {
    tr -cd 0-9 <"$CKPT_POOL/$1/lock"
}
milli() {
    date +%s%3N
}
run_one() { # WHAT: how long until a new job runs
    local start job
    start=$(milli)
    job=$(ckpt submit -- /bin/true | tr -dc 0-9)
    timeout 60 ckpt wait "$job" || fail "$1: the job ended with $?"
    echo "$1: a job was done after $(($(milli) - start)) ms"
}
all_known() {
    [ "$(ckpt status | grep -c '^s[0-9]')" = 3 ]
}

ckpt-cc -O2 -o "$work/counter" "$top_srcdir/tests/progs/remote_counter.c"
mkdir "$work/undisturbed" "$work/run"
(cd "$work/undisturbed" && "$work/counter" 1500 >stdout)
pool_start 3 --set standby=on
cd "$work/run"
job=$(ckpt submit --out stdout -- "$work/counter" 1500 | tr -dc 0-9)
until_true job_is "$job" running
run_one "with the coordinator"

# It hangs: handshakes with it take their time to fail.
kill -STOP "$(pid_of coordinator)"
run_one "while it hangs"
kill -CONT "$(pid_of coordinator)"

# It dies, and nobody starts it again.
kill -9 "$(pid_of master)"
kill -9 "$(pid_of coordinator)"
run_one "when it is dead"
run_one "and again"
until_true all_known
grep -q 'cycle: 1 matches' "$CKPT_POOL/standby/log" ||
    fail "the stand-by matched nothing"
job_is "$job" running || fail "the running job did not go on"

# A new master starts a new coordinator; the stations come back to it.
pool_start 3
sleep 3
until_true all_known
before=$(grep -c 'cycle: 1 matches' "$CKPT_POOL/standby/log")
run_one "with a new coordinator"
[ "$(grep -c 'cycle: 1 matches' "$CKPT_POOL/standby/log")" -eq "$before" ] ||
    fail "the stand-by was asked though the coordinator is back"
timeout 60 ckpt wait "$job" || fail "the job ended with $?"
[ "$(job_member "$job" evictions)" = 0 ] || fail "the job was moved"
for file in stdout counter.log counter.tab counter.bin; do
    cmp "$work/undisturbed/$file" "$file"
done
