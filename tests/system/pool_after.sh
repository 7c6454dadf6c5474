#!/bin/bash
# pool_after.sh - jobs that wait for jobs: by --after and in a submit file; held
# with the name of the one that failed; nothing waits in a circle
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-shadow ckpt-station
. "$(dirname "$0")/pool_common.sh"
chmod 711 "$work"
mkdir "$work/home"
cd "$work/home"
pool_start 2

held() {
    job_is "$1" held
}
# The second sees what the first wrote, the third what both did.
a=$(ckpt submit --name first -- /usr/bin/dd if=/etc/passwd of=one status=none)
b=$(ckpt submit --after "$a" -- /bin/cp one two)
c=$(ckpt submit --after "$a,$b" --after "$b" -- /bin/cp two three)
timeout 60 ckpt wait "$c" || fail "the third ended with $?"
cmp /etc/passwd three

# While the first is held the others wait, and say for what.
a=$(ckpt submit --require 'name == "nowhere"' --name first -- /bin/true)
b=$(ckpt submit --count 2 --after "$a" -- /bin/true | head -n 1)
job_is "$b" waiting || fail "not waiting: $(ckpt q)"
ckpt why "$b" >said
for words in "waits for job $a" "job $a (first) is idle"; do
    grep -qF "$words" said || fail "why does not tell: $(cat said)"
done
[ "$(job_member "$b" st)" = I ] || fail "not shown as I: $(ckpt q)"
# Removed: they are held, by name; released they run without it.
ckpt rm "$a" >/dev/null
until_true held "$b"
ckpt why "$b" | grep -q "job $a (first), which it waited for, was removed" ||
    fail "why does not tell: $(ckpt why "$b")"
ckpt why "$b" | grep -q 'held: after (code 9)' || fail "no code"
ckpt release "$b" $((b + 1)) >/dev/null
timeout 60 ckpt wait "$b" $((b + 1)) || fail "released, it ended with $?"

# One that ends with another code than 0.
a=$(ckpt submit --name bad -- /bin/false)
b=$(ckpt submit --after "$a" -- /bin/true)
until_true held "$b"
ckpt why "$b" | grep -q "job $a (bad).* ended with exit code 1" ||
    fail "why does not tell: $(ckpt why "$b")"
ckpt rm "$b" >/dev/null

# Nothing that is not there can be waited for: not oneself, not a later one.
next=$((b + 1))
for wrong in "$next" $((next + 5)) 999999; do
    ckpt submit --after "$wrong" -- /bin/true 2>err && fail "taken: $wrong"
    grep -q -- "--after: there is no job $wrong" err || fail "$(cat err)"
done
status=0
ckpt submit --after soon -- /bin/true 2>err || status=$?
[ "$status" = 2 ] || fail "exit code $status"
grep -q '"soon" is not a job' err || fail "$(cat err)"

cat >three.sub <<'END'
executable = /bin/cp
arguments = /etc/passwd file.$(Process)
queue 3
executable = /bin/cp
arguments = file.2 last
after = previous
queue
END
rm -f last
last=$(ckpt submit three.sub | tail -n 1)
timeout 60 ckpt wait "$last" || fail "of a submit file: ended with $?"
cmp /etc/passwd last
printf 'executable = /bin/cp\nafter = previous\nqueue\n' >wrong.sub
ckpt submit wrong.sub 2>err && fail "there is none before"
grep -q 'wrong.sub:2: after: there is no queue line before' err ||
    fail "$(cat err)"
