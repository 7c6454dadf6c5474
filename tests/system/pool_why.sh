#!/bin/bash
# pool_why.sh - ckpt why in every state that a job can stay in
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc ckpt-shadow ckpt-station
. "$(dirname "$0")/pool_common.sh"
chmod 711 "$work"
ckpt-cc -O2 -o "$work/counter" "$top_srcdir/tests/progs/remote_counter.c"
mkdir "$work/home"
cd "$work/home"
touch owner
pool_start 1 --set owner_devices="$work/home/owner" --set idle_start=2s \
    --set suspend_grace=10h --set lease=3s

says() { # JOB PATTERN
    ckpt why "$1" | grep -qE "$2"
}
why() { # JOB PATTERN: what it says, once it does
    local i
    for ((i = 0; i < 150; i++)); do
        if says "$1" "$2"; then
            echo "$(job_member "$1" state): $(ckpt why "$1" | grep -m 1 -E "$2")"
            return
        fi
        sleep 0.2
    done
    fail "no word of '$2': $(ckpt why "$1")"
}
submit() { ckpt submit "$@" | tr -dc 0-9; }

# It waits: nothing suits, for another job, all stations are taken.
odd=$(submit --require 'name == "nowhere"' -- /bin/true)
why "$odd" 'none of them suits.*it requires name == "nowhere"'
waits=$(submit --after "$odd" -- /bin/true)
why "$waits" "waits for job $odd"
job=$(submit -- ../counter 100000)
why "$job" '^running on s1'
why "$job" 'checkpoints as often as loses the least time'
second=$(submit -- /bin/true)
why "$second" 'none of 1 stations is idle'

# Its owner is back.
touch owner
why "$job" '^suspended on s1'
until_true job_is "$job" running

# Held: by its owner; for what is wrong with it.
ckpt hold "$job" >/dev/null
why "$job" '^held: by its owner \(code 1\)'
files=$(submit --out none/there -- /bin/true)
why "$files" '^held: files \(code 3\)'
why "$files" 'none/there: No such file'
timeout 60 ckpt wait "$second" || fail "it ended with $?"
why "$second" '^completed'

# Nobody answers: the master would start it again.
kill -9 "$(tr -cd 0-9 <"$CKPT_POOL/master/lock")"
kill -9 "$(tr -cd 0-9 <"$CKPT_POOL/coordinator/lock")"
third=$(submit -- /bin/true)
why "$third" '^coordinator: connecting to .*: Connection refused'

ckpt rm "$odd" "$job" "$third" >/dev/null
why "$odd" '^removed'
why "$waits" "^held: after \(code 9\)"
