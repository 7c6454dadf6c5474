#!/bin/bash
# pool_net_split.sh - machines that hear only some of the others, or are heard
# by them only: the coordinator, a station, the home
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/net_common.sh"
. "$(dirname "$0")/net_pool.sh"

# The coordinator and the stations do not hear of each other; the home hears of
# all of them, and so does the stand-by.
submit split
for station in a b c; do
    one_way coord $station
    one_way $station coord
done
goes_on() { ! is_stopped; }
knows() { # HOW MANY of the stations
    [ "$(on home ckpt status | grep -c '^[abc]-s1')" = "$1" ]
}
until_true knows 0
mark
second=$(cd "$work/split" && on home ckpt submit --out second -- /bin/echo hello | tr -dc 0-9)
until_true is "$second" state completed
echo "coordinator cut off from the stations: a new job was done after $(seconds)"
is "$job" epoch 1 || fail "the job that ran was begun again"
mkdir "$work/burst"
# shellcheck disable=SC2016
many=$(cd "$work/burst" && on home ckpt submit --count 12 -- /bin/sh -c \
    'echo "$1" >>lines' sh '$(Process)' | grep -o '[0-9]*' | head -n 1)
for station in a b c; do
    both_ways coord $station
    both_ways $station coord
done
mark
until_true knows 3
echo "  it knew all stations $(seconds) after the line was back"
rm "$work/split/second"
for ((i = 0; i < 12; i++)); do
    until_true is $((many + i)) state completed
    is $((many + i)) epoch 1 || fail "job $((many + i)) was begun twice"
done
cmp <(seq 0 11) <(sort -n "$work/burst/lines") || fail "not each job ran once"
ends_well split 1

# What the home says to the station is lost, but not what it hears; then the
# other way round.
submit deaf_station
one_way home "$host"
until_true is "$job" epoch 2
until_true is "$job" state running
echo "station hears nothing: runs elsewhere after $(seconds)"
both_ways home "$host"
mark
until_true is_gone
echo "  the old incarnation ended $(seconds) after the line was back"
ends_well deaf_station 2
submit deaf_home
one_way "$host" home
until_true is "$job" epoch 2
until_true is "$job" state running
echo "home hears nothing: runs elsewhere after $(seconds)"
both_ways "$host" home
mark
until_true is_gone
echo "  the old incarnation ended $(seconds) after the line was back"
ends_well deaf_home 2

# A station that calls a coordinator in vain sees its owner all the same.
job=$(on home ckpt submit -- /bin/sleep 1000 | tr -dc 0-9)
until_true is "$job" state running
find_job
link_down coord
link_down other
sleep 12 # what was said before is given up, and it is called anew
[ "$(state_of "$pid")" != T ] || fail "the job is stopped for nobody"
times=()
for _ in 1 2 3 4 5 6 7; do
    touch "$work/$host.owner"
    mark
    for ((i = 0; i < 500; i++)); do
        ! is_stopped || break
        sleep 0.01
    done
    times+=("$(seconds)")
    is_stopped || fail "the owner was not seen"
    until_true goes_on
done
echo "owner seen while no coordinator answers after: ${times[*]}"
median=$(printf '%s\n' "${times[@]}" | sort -n | sed -n '4s/ .*//p')
[ "$median" -lt 300 ] || fail "the station waits for a coordinator"
link_up coord
link_up other
on home ckpt rm "$job" >/dev/null
