#!/bin/bash
# cli_contract.sh - every command has --help with an example and --json, exits
# with 0, 1 or 2 as promised, and names the file, job or host in its errors;
# every setting that others rely on has its default
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-shadow ckpt-station python3
. "$(dirname "$0")/pool_common.sh"
chmod 711 "$work"
mkdir "$work/home"
cd "$work/home"

# EXIT-CODE WORDS-ON-STDERR -- COMMAND...
says() {
    local want=$1 words=$2 got=0
    shift 3
    timeout 30 "$@" >out 2>err </dev/null || got=$?
    [ "$got" = "$want" ] || fail "$*: exit code $got, not $want: $(cat err)"
    [ -z "$words" ] || grep -qF -- "$words" err || fail "$*: no \"$words\" in: $(cat err)"
}

commands='run checkpoint restart image check pool submit q status rm hold
    release vacate migrate prio history why log wait config sim'
for command in $commands; do
    says 0 '' -- ckpt "$command" --help
    grep -qi example out || fail "ckpt $command --help has no example"
    says 2 '' -- ckpt "$command" --no-such-option
    grep -q "ckpt $command" err || fail "who says so? $(cat err)"
done
says 2 frobnicate -- ckpt frobnicate
says 0 '' -- ckpt --help
for command in $commands; do
    grep -qw -- "$command" out || fail "ckpt --help does not list $command"
done

# Without a pool: which one.
says 1 "$CKPT_POOL" -- ckpt q
says 1 "$work/none" -- ckpt submit --pool "$work/none" /bin/true

pool_start 2
json() {
    timeout 30 "$@" --json >out 2>err || fail "$*: $(cat err)"
    python3 -c 'import json; json.load(open("out"))' || fail "$*: $(cat out)"
}
job=$(ckpt submit --name first --require 'name == "nowhere"' -- /bin/true)
json ckpt q
json ckpt q "$job"
json ckpt status
json ckpt status s1
json ckpt history
json ckpt why "$job"
json ckpt log "$job"
json ckpt config
json ckpt pool status
ckpt q | head -n 1 >header
for column in ID OWNER SUBMITTED RUN_TIME ST PRI SIZE CKPT_AGE GOODPUT CMD; do
    grep -qw "$column" header || fail "ckpt q has no $column"
done

# What cannot be printed is a failure, and goes nowhere else.
says 1 stdout -- sh -c 'ckpt q >&-'
says 1 stdout -- sh -c 'ckpt q >/dev/full'
says 0 '' -- sh -c 'ckpt submit -- /bin/true 2>&- <&-'

# What is not there is named, with 1; what makes no sense with 2.
for command in rm hold release vacate why log wait; do
    says 1 999 -- ckpt "$command" 999
    says 2 '' -- ckpt "$command"
done
says 2 '"x"' -- ckpt rm x
says 1 999 -- ckpt q 999
says 1 18446744073709551615 -- ckpt q 18446744073709551615
says 2 'ckpt rm: ' -- ckpt rm -5
says 1 999 -- ckpt migrate 999 s1
says 2 '' -- ckpt migrate 999
says 1 999 -- ckpt prio 999 5
says 1 s9 -- ckpt status s9
says 1 s9 -- ckpt vacate s9
says 1 "job $job" -- ckpt release "$job"
says 1 "there/is/none" -- ckpt submit there/is/none
says 1 none.sub -- ckpt submit none.sub
says 1 /etc/passwd -- ckpt submit /etc/passwd
says 2 --count -- ckpt submit --count 0 /bin/true
says 2 --prio -- ckpt submit --prio high /bin/true
says 2 'column 1' -- ckpt submit --require 'memroy > 1' /bin/true
says 2 'column 10' -- ckpt submit --require 'memory > "x"' /bin/true
says 2 'column 13' -- ckpt submit --require 'memory > 4G &' /bin/true
says 1 /tmp:rx -- ckpt submit --grant /tmp:rx /bin/true
says 1 none.in -- ckpt submit --in none.in /bin/true
says 1 999999 -- ckpt checkpoint 999999
says 1 none.ckpt -- ckpt restart none.ckpt
for what in show verify backtrace core; do
    says 1 none.ckpt -- ckpt image "$what" none.ckpt
done
says 2 '' -- ckpt image frobnicate none.ckpt
says 1 none -- ckpt check none
says 1 none.sim -- ckpt sim none.sim
says 1 nokey -- ckpt config nokey

# wait exits as the job did.
good=$(ckpt submit -- /bin/true)
says 0 '' -- ckpt wait "$good"
three=$(ckpt submit -- /bin/sh -c 'exit 3')
says 3 '' -- ckpt wait "$three"
says 0 '' -- ckpt rm "$job"

# Settings: all that are set from outside, with their defaults; strict.
while read -r key default; do
    ckpt config --json "$key" >out || fail "no key $key"
    grep -q "\"default\": \"$default\"" out || fail "$key: $(cat out)"
done <<'END'
idle_start 15m
load_start 0.3
suspend_grace 5m
vacate_limit 10m
poll 5s
checkpoint_every 1h
policy condor
END
ckpt config owner_devices >out
ckpt pool stop >/dev/null
conf=$CKPT_POOL/pool.conf
cp "$conf" kept
lines=$(wc -l <"$conf")
for wrong in 'idel_start = 1m' 'idle_start = soon' 'poll = -1s' 'nothing' \
    'policy = nice' 'jobs_allowed = sometimes'; do
    { cat kept && echo "$wrong"; } >"$conf"
    says 1 pool.conf -- ckpt pool start
    grep -qE "pool.conf(:$((lines + 1)))?: " err || fail "$wrong: $(cat err)"
done
cp kept "$conf"
says 1 'idel_start' -- ckpt pool start --set idel_start=1m
