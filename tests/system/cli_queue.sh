#!/bin/bash
# cli_queue.sh - the queue through the commands; it survives kill -9 of all
# daemons and a stop of the pool
#
# The stations' owners never leave, so nothing runs.
# shellcheck disable=SC2016
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/pool_common.sh"

same() { # WHAT EXPECTED GOT
    [ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"
}
code() { # EXPECTED COMMAND...
    local want=$1 got=0
    shift
    "$@" >"$work/out" 2>"$work/err" || got=$?
    [ "$got" = "$want" ] || fail "$*: exit $got, not $want: $(cat "$work/err")"
}
says() { # TEXT: the last command's message
    grep -qF -- "$1" "$work/err" || fail "expected '$1' in: $(cat "$work/err")"
}

code 1 ckpt q
says "there is no pool in $CKPT_POOL"
code 2 ckpt pool start --stations none
code 1 ckpt pool start --set idle_strat=1h
says "idle_strat is not a key"

ckpt pool start --stations 2 --set idle_start=10000h >"$work/out"
grep -q 'station.s2 *process' "$work/out" || fail "start lists no s2"
ckpt pool start --stations 2 --set idle_start=10000h >/dev/null
code 1 ckpt pool start --set idle_start=1h
says "runs with other settings"
same "mode of the pool" 700 "$(stat -c %a "$CKPT_POOL")"
for file in pool.key pool.conf home/queue.db home/queue.db-wal; do
    same "mode of $file" 600 "$(stat -c %a "$CKPT_POOL/$file")"
done
same "stations" "s1 s2 " "$(ckpt status | awk 'NR > 1 {printf "%s ", $1}')"
same "state" Owner "$(ckpt status s1 | awk '$1 == "s1" {print $2}')"
code 1 ckpt status s9
says "there is no station s9"

code 1 ckpt vacate s9
code 0 ckpt vacate s1

# Submit.
cd "$work"
same "ids" "1" "$(ckpt submit --name one --prio 5 /bin/true)"
same "ids" "2 3 4 " "$(ckpt submit --count 3 --out 'o.$(Process)' \
    sh -c 'echo $0' '$(Process)' | tr '\n' ' ')"
printf 'executable = /bin/echo\narguments = $(Cluster).$(Process)\nqueue 2\n' \
    >j.sub
same "ids" "5 6 " "$(ckpt submit j.sub | tr '\n' ' ')"
code 1 ckpt submit ./nothing
says "nothing: No such file"
code 1 ckpt submit --in missing /bin/true
says "input missing"
code 2 ckpt submit --require 'memory > ' /bin/true
says "column 10"
printf 'executable = /bin/true\nqueueu\n' >bad.sub
code 2 ckpt submit --name x j.sub
code 1 ckpt submit bad.sub
says "bad.sub:2"

ckpt q >q.txt
same "columns" "ID OWNER SUBMITTED RUN_TIME ST PRI SIZE CKPT_AGE GOODPUT CMD" \
    "$(head -n 1 q.txt | tr -s ' ' | sed 's/ $//')"
grep -qE '^1 .* I +5 .* true$' q.txt || fail "job 1: $(cat q.txt)"
grep -qE 'sh -c echo \$0 2$' q.txt || fail "no \$(Process): $(cat q.txt)"
grep -qE '/?echo 5\.1$' q.txt || fail "no \$(Cluster): $(cat q.txt)"
grep -q '^6 jobs; 0 completed, 0 removed, 6 idle, 0 running, 0 held' q.txt ||
    fail "totals: $(tail -n 1 q.txt)"
same "name" one "$(job_member 1 name)"

# Change.
ckpt hold --reason "wrong input" 2
same "state" held "$(job_member 2 state)"
ckpt why 2 | grep -q "wrong input" || fail "why: $(ckpt why 2)"
code 1 ckpt hold 2
code 1 ckpt migrate 1 s9
says "there is no station s9"
ckpt migrate 1 s2
ckpt why 1 | grep -q "run on s2" || fail "why: $(ckpt why 1)"
ckpt prio 3 10
ckpt prio 4 -7
same "prio" "10 -7" "$(job_member 3 pri) $(job_member 4 pri)"
ckpt why 1 | grep -q . || fail "why says nothing"
ckpt rm 5-6
code 1 ckpt rm 77
says "77"
same "history" "5 6 " "$(ckpt history | awk 'NR > 1 {printf "%s ", $1}')"
code 1 ckpt wait 5
says "removed"
code 124 ckpt wait --timeout 100ms 1
code 1 ckpt wait 4711
code 2 ckpt wait nothing

# kill -9 of every daemon; the master first, or it would start them again.
for daemon in master coordinator home station.s1 station.s2; do
    kill -9 "$(tr -cd 0-9 <"$CKPT_POOL/$daemon/lock")"
done
ckpt pool start >/dev/null
ckpt q >q2.txt
grep -qE '^2 .* H ' q2.txt || fail "after kill -9: $(cat q2.txt)"
grep -qE '^4 .* I +-7 ' q2.txt || fail "after kill -9: $(cat q2.txt)"
ckpt release 2
same "state" idle "$(job_member 2 state)"

# A home station that is killed alone is back at once.
kill -9 "$(tr -cd 0-9 <"$CKPT_POOL/home/lock")"
same "state" idle "$(job_member 2 state)"

ckpt log 2 >log.txt
same "events" "000 012 013 " "$(sed -nE 's/^([0-9]{3}) \(.*/\1/p' log.txt |
    tr '\n' ' ')"
grep -q 'wrong input' log.txt || fail "log: $(cat log.txt)"

ckpt pool stop
code 1 ckpt pool status
code 1 ckpt q
says "does not run"
ckpt pool start >/dev/null
same "state" idle "$(job_member 2 state)"
same "next id" 7 "$(ckpt submit /bin/true)"
