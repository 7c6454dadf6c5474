#!/bin/bash
# pool_outage.sh - a shadow away for longer than its lease: the job is
# suspended, and goes on; a station cut off with its job: the old incarnation
# is fenced off when it comes back.  The output is that of an undisturbed run.
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc ckpt-shadow ckpt-station
. "$(dirname "$0")/pool_common.sh"
. "$(dirname "$0")/pool_victims.sh"
chmod 711 "$work"
stopped=()
restart_stopped() {
    [ ${#stopped[@]} -eq 0 ] || kill -CONT "${stopped[@]}" 2>/dev/null || true
    pool_end
}
trap restart_stopped EXIT

mkdir "$work/scratch" "$work/undisturbed" "$work/away" "$work/cut"
chmod 711 "$work/scratch"
ckpt-cc -O2 -w -o "$work/changes" "$top_srcdir/tests/progs/remote_changes.c"
(cd "$work/undisturbed" && ../changes 1500 7 >stdout) &
pool_start 2 --set checkpoint_every=1s --set lease=3s \
    --set "scratch=$work/scratch"
submit() {
    (cd "$1" && ckpt submit --out stdout -- ../changes 1500 7)
}
has_lines() { [ "$(wc -l <"$1")" -gt "$2" ]; }
job_process() {
    local pids
    pids=$(children_of "$(find_processes '[^ ]*ckpt-starter' | head -n 1)")
    echo "${pids%% *}"
}
state_of() { sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$1/status"; }

# The home station stands still, so nobody starts the shadow again.
job=$(submit "$work/away")
until_true has_lines "$work/away/journal" 100
pid=$(job_process)
home=$(tr -cd 0-9 <"$CKPT_POOL/home/lock")
kill -STOP "$home"
stopped+=("$home")
kill -9 "$(find_processes ckpt-shadow)"
is_stopped() { [ "$(state_of "$pid")" = T ]; }
until_true is_stopped
lines=$(wc -l <"$work/away/journal")
kill -CONT "$home"
until_true has_lines "$work/away/journal" "$lines"
[ -d "/proc/$pid" ] || fail "the job did not go on in its process"
[ "$(job_member "$job" epoch)" = 1 ] || fail "a new epoch for an outage"
timeout 120 ckpt wait "$job" >/dev/null || fail "the job failed after an outage"
diff -r "$work/undisturbed" "$work/away" || fail "other files after an outage"
grep -q 'goes on: the shadow is back' "$CKPT_POOL"/station.s?/log
echo "suspended beyond the lease, went on in process $pid, epoch 1"

# Station, starter and job stand still: for home they are gone.
job=$(submit "$work/cut")
until_true has_lines "$work/cut/journal" 300
name=$(job_member "$job" station)
pid=$(job_process)
mapfile -t stopped < <(
    tr -cd 0-9 <"$CKPT_POOL/station.$name/lock"
    echo
    find_processes '[^ ]*ckpt-starter'
    echo "$pid"
)
kill -STOP "${stopped[@]}"
second() { [ "$(job_member "$job" epoch)" -ge 2 ] && job_is "$job" running; }
for ((i = 0; i < 360; i++)); do
    second && break
    sleep 0.5
done
second || fail "the job is not started anew: $(ckpt why "$job")"
kill -CONT "${stopped[@]}"
stopped=()
is_gone() { [ ! -d "/proc/$pid" ]; }
until_true is_gone
job_is "$job" completed || second || fail "the new incarnation is disturbed"
timeout 120 ckpt wait "$job" >/dev/null || fail "the job failed after a cut"
diff -r "$work/undisturbed" "$work/cut" || fail "other files after a cut"
echo "cut off, started anew; the old incarnation, process $pid, ended itself"
