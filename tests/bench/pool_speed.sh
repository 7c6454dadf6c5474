#!/bin/bash
# pool_speed.sh - what a pool must manage, against its goals: `make bench-pool`
#
#     STATIONS (10000), HOMES (100), JOBS_EACH (1000), SECONDS_LONG (30)
#
# Stations and homes are played over the real protocol, a connection each
# (coord_play); all else are the real daemons.  Goals are for two quiet cores:
# the load of the machine is printed with the figures.
set -euo pipefail
. "$(dirname "$0")/../system/common.sh"
. "$(dirname "$0")/../system/pool_common.sh"
chmod 711 "$work"
play=$top_builddir/tests/bench/coord_play
clock=$top_builddir/tests/bench/owner_clock
need_command ckpt "$play" "$clock"

ms() { date +%s%3N; }
row() { printf '%-52s %14s   %s\n' "$@"; }
pid_of() { tr -cd 0-9 <"$CKPT_POOL/$1/lock"; }
cpu_ns() { cut -d' ' -f1 "/proc/$1/schedstat"; }
field() { sed -nE "s/^$1:[[:space:]]*([0-9]+) kB/\1/p" "/proc/$2/status"; }
fresh() {
    ckpt pool stop >/dev/null 2>&1 || true
    rm -rf "$CKPT_POOL"
    ckpt pool start "$@" >/dev/null
}
rate() { # JOBS START: per second since then
    echo $(($1 * 1000 / ($(ms) - $2 + 1)))
}

echo "$(nproc) cores, load $(cut -d' ' -f1-3 /proc/loadavg)"
row "what" "measured" "goal"

fresh --stations 1 --set idle_start=1d
start=$(ms)
ckpt submit --count 100000 -- /bin/true >/dev/null
row "submitted with --count, durable: jobs/s" "$(rate 100000 "$start")" ">= 1000"
home=$(pid_of home)
row "home with 100000 jobs queued: MB" $(($(field VmHWM "$home") / 1024)) ""
before=$(cpu_ns "$home")
sleep 10
row "the same, idle: percent of a core" \
    "$(awk -v ns=$(($(cpu_ns "$home") - before)) \
        'BEGIN { printf "%.3f", ns / 1e8 }')" ""
for ((i = 0; i < 1000; i++)); do
    printf 'executable = /bin/true\narguments = %d\nqueue\n' "$i"
done >"$work/many.sub"
start=$(ms)
ckpt submit "$work/many.sub" >/dev/null
row "1000 submissions of one file, durable: jobs/s" "$(rate 1000 "$start")" ">= 1000"
start=$(ms)
for ((i = 0; i < 100; i++)); do ckpt submit -- /bin/true >/dev/null; done
row "ckpt submit, one by one: jobs/s" "$(rate 100 "$start")" ">= 100"

fresh --stations 2 --set idle_start=0 --set load_start=1000
sleep 4
station=$(pid_of station.s1)
before=$(cpu_ns "$station")
sleep 20
row "an idle station (poll=5s): percent of a core" \
    "$(awk -v ns=$(($(cpu_ns "$station") - before)) \
        'BEGIN { printf "%.3f", ns / 2e8 }')" "< 0.1"
start=$(ms)
ckpt submit --count 1000 -- /bin/true >/dev/null
# shellcheck disable=SC2046
timeout 300 ckpt wait $(seq 1 1000)
row "1000 jobs of /bin/true, two stations: jobs/s" "$(rate 1000 "$start")" ">= 30"
spent=0
for name in home coordinator station.s1 station.s2; do
    spent=$((spent + $(cut -d' ' -f14-17 "/proc/$(pid_of "$name")/stat" |
        tr ' ' '+')))
done
row "the same, processor time of all daemons: ms a job" \
    "$((spent * 1000 / $(getconf CLK_TCK) / 1000))" ""

RETURNS=${RETURNS:-60} "$top_srcdir/tests/system/pool_return.sh" >"$work/return"
returned() { sed -nE "s/.*$1 ([0-9]+).*/\1/p" "$work/return"; }
row "owner back to job stopped, busy machine: median us" \
    "$(returned stopped_median_us)" ""
row "the same: 90 of 100 within us" "$(returned stopped_p90_us)" "<= 100000"
row "the same: longest us" "$(returned stopped_max_us)" "<= 100000"
row "to the job's last use of a processor: median us" \
    "$(returned last_use_median_us)" ""
row "the same: longest us" "$(returned last_use_max_us)" "<= 100000"
row "processor time used after the key: longest us" \
    "$(returned used_max_us)" ""

fresh --stations 1 --set poll=60s --set negotiation_cycle=5s
coordinator=$(pid_of coordinator)
"$play" load "$CKPT_POOL" "${STATIONS:-10000}" "${HOMES:-100}" \
    "${JOBS_EACH:-1000}" "${SECONDS_LONG:-30}" >"$work/play"
last() { tail -n 1 "$work/play" | sed -nE "s/.* $1 ([0-9]+).*/\1/p"; }
row "stations and jobs that the coordinator knows" \
    "$(tail -n 1 "$work/play" | sed -nE 's/^stations ([0-9]+).*/\1/p')/$(last queued)" \
    "10000/100000"
row "let in: ms" "$(sed -nE 's/^connected .* ([0-9]+) ms/\1/p' "$work/play")" ""
row "advertisements/s (2000 are due)" "$(last 'adverts\/s')" ">= 2000"
row "longest negotiation: ms" "$(last cycle_max_ms)" "<= 1000"
row "coordinator: MB" $(($(field VmHWM "$coordinator") / 1024)) "<= 500"
echo "load $(cut -d' ' -f1-3 /proc/loadavg)"
