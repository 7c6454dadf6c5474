#!/bin/bash
# pool_return.sh - an owner comes back while the machine is busy: how long the
# job goes on after the key was pressed
#
# RETURNS (12): how often.  RETURN_LIMIT_MS (5000): none may take longer; the
# distribution is printed.  A station that only polled (poll=3s) would take half
# of that on average; the watched terminal tells at once.
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc ckpt-shadow ckpt-station
clock=$top_builddir/tests/bench/owner_clock
need_command "$clock"
. "$(dirname "$0")/pool_common.sh"
. "$(dirname "$0")/pool_victims.sh"
chmod 711 "$work"

busy=()
ends() {
    local status=$?
    [ ${#busy[@]} -eq 0 ] || kill "${busy[@]}" 2>/dev/null || true
    set +e # or the next line ends it all, and the pool stays
    (exit $status)
    pool_end
}
trap ends EXIT

cat >"$work/spin.c" <<'END'
int main(void)
{
    volatile unsigned long n = 0;
    for (;;)
        n++;
}
END
ckpt-cc -O2 -o "$work/spin" "$work/spin.c"
# The owner's programs, in a session of their own as they are.
mkdir "$work/scratch"
chmod 711 "$work/scratch"
mkfifo "$work/in" "$work/out"
"$clock" "${RETURNS:-12}" "${RETURN_LIMIT_MS:-5000}" <"$work/in" >"$work/out" &
clock_pid=$!
busy+=("$clock_pid")
exec {in}>"$work/in" {out}<"$work/out"
read -r -t 10 terminal <&"$out"

# A signal that stops takes effect when the job would run next, which at nice 19
# beside busy owners may take a second: it is not told to go on before.
ckpt pool start --stations 1 --set idle_start=4s --set resume_idle=4s \
    --set load_start=1000 --set poll=3s --set negotiation_cycle=200ms \
    --set suspend_grace=1h --set "owner_devices=$terminal" \
    --set "scratch=$work/scratch" >/dev/null \
    {in}>&- {out}>&-
job=$(cd "$work" && ckpt submit -- ./spin | tr -dc 0-9)
until_true job_is "$job" running
pids=$(children_of "$(find_processes '[^ ]*ckpt-starter' | head -n 1)")
for ((i = 0; i < $(nproc); i++)); do
    setsid "$work/spin" &
    busy+=($!)
done
echo "${pids%% *}" >&"$in"
read -r -t 300 result <&"$out" || fail "no distribution: $(
    ckpt log "$job"
    tail -n 30 "$CKPT_POOL"/*/log
)"
wait "$clock_pid" || fail "an owner waited too long: $result"
echo "$(nproc) other programs at work: $result"
ckpt rm "$job" >/dev/null
