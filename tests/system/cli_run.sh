#!/bin/bash
# cli_run.sh - jobs through the commands: output, exit status, log, history
# shellcheck disable=SC2016
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/pool_common.sh"
command -v ckpt-shadow >/dev/null || skip "ckpt-shadow is not built"

same() { # WHAT EXPECTED GOT
    [ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"
}
ends() { # EXPECTED JOB...
    local want=$1 got=0
    shift
    timeout 60 ckpt wait "$@" 2>"$work/err" || got=$?
    [ "$got" = "$want" ] || {
        ckpt why "$1" || true
        ckpt log "$1" | tail -n 40 || true
        fail "wait $*: $got, not $want: $(cat "$work/err")"
    }
}

pool_start 2
cd "$work"

ends 0 "$(ckpt submit /bin/true)"
ends 3 "$(ckpt submit sh -c 'exit 3')"
ends 139 "$(ckpt submit sh -c 'kill -SEGV $$')"

echo "from home" >in.txt
job=$(ckpt submit --in in.txt --out out.txt --err err.txt --log job.log \
    sh -c 'read -r a; echo "$a"; echo "to err" >&2; echo "$0"' last)
ends 0 "$job"
same "out" "from home last" "$(tr '\n' ' ' <out.txt | sed 's/ $//')"
same "err" "to err" "$(cat err.txt)"
ckpt log -f "$job" >log.txt
until_true cmp job.log log.txt
same "events" "000 001 005 " "$(sed -nE 's/^([0-9]{3}) \(.*/\1/p' job.log |
    tr '\n' ' ')"
grep -q 'Normal termination (return value 0)' log.txt || fail "$(cat log.txt)"

# A submit file; each process has its own output.
cat >j.sub <<'SUB'
executable = /bin/sh
arguments  = "-c 'echo ""$0 $A"" $(pwd)' $(Process)"
environment = "A='x y'"
initialdir = sub
output     = out.$(Process)
queue 3
SUB
sed -i 's/ \$(pwd)//' j.sub
mkdir sub
# shellcheck disable=SC2046
ends 0 $(ckpt submit j.sub)
same "out.2" "2 x y" "$(cat sub/out.2)"

# What cannot start is held, and says why; removed while it runs.
job=$(ckpt submit --out no/such/dir/out /bin/true)
until_true job_is "$job" held
ckpt why "$job" | grep -q "no/such/dir" || fail "why: $(ckpt why "$job")"
job=$(ckpt submit sleep 1000)
until_true job_is "$job" running
ckpt status | grep -qE "Claimed .* $job " || fail "status: $(ckpt status)"
ckpt rm "$job"
until_true job_is "$job" removed
ends 1 "$job"

# Nothing runs on a station that does not match.
job=$(ckpt submit --require 'name == "s2"' sleep 1000)
until_true job_is "$job" running
same "station" s2 "$(job_member "$job" station)"
ckpt rm "$job"
job=$(ckpt submit --require 'memory > 100T' /bin/true)
sleep 1
same "state" idle "$(job_member "$job" state)"
