#!/bin/bash
# pool_net.sh - machines whose cables are pulled while jobs run: a station, and
# the home
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/net_common.sh"
. "$(dirname "$0")/net_pool.sh"

# A station with its job is cut off from everybody.
submit station
link_down "$host"
until_true is "$job" epoch 2
until_true is "$job" state running
[ "$(member "$job" station)" != "$at" ] || fail "it is where nobody can reach it"
[ -d "/proc/$pid" ] || fail "the old incarnation did not outlive the lease"
echo "station cut off: runs elsewhere after $(seconds)"
link_up "$host"
mark
until_true is_gone
echo "  the old incarnation ended $(seconds) after the line was back"
ends_well station 2

# The home is cut off from everybody, for longer than the lease.
submit home_away
link_down home
until_true is_stopped
echo "home cut off: suspended after $(seconds)"
sleep 6
lines=$(wc -l <"$work/home_away/journal")
link_up home
mark
until_true has_lines home_away "$lines"
echo "  it went on $(seconds) after the line was back"
[ -d "/proc/$pid" ] || fail "the job did not go on in its process"
ends_well home_away 1
