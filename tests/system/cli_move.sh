#!/bin/bash
# cli_move.sh - vacate, migrate, hold and release a running job: it goes on
# from its checkpoint, and its output is that of an undisturbed run
# shellcheck disable=SC2016
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/pool_common.sh"
need_command ckpt-shadow ckpt-cc cc

same() { # WHAT EXPECTED GOT
    [ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"
}
lines_more_than() { # FILE N
    [ "$(wc -l <"$1")" -gt "$2" ]
}

cd "$work"
cat >count.c <<'C'
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
    unsigned long n = strtoul(argv[argc - 1], NULL, 10), x = 1;
    FILE *out = fopen("count.out", "w");
    for (unsigned long i = 0; i < n; i++) {
        for (int k = 0; k < 20000000; k++)
            x = x * 6364136223846793005UL + 1442695040888963407UL;
        fprintf(out, "%lu %lu\n", i, x);
        fflush(out);
    }
    return 7;
}
C
ckpt-cc -O1 -o count count.c
mkdir plain moved
(cd plain && ../count 120) || true

pool_start 2
cd moved
job=$(ckpt submit ../count 120)
until_true job_is "$job" running
first=$(job_member "$job" station)
until_true lines_more_than count.out 5
ckpt vacate "$job"
moved() {
    [ "$(job_member "$job" evictions)" -ge "$1" ] && job_is "$job" running
}
until_true moved 1
ckpt q "$job" | grep -qE ' [0-9.]+[KMG] +0\+00:00:[0-9]+ +[0-9.]+% ' ||
    fail "no size, age and goodput: $(ckpt q "$job")"

# Where it is not.
target=s1
[ "$(job_member "$job" station)" = s1 ] && target=s2
ckpt migrate "$job" "$target"
until_true moved 2
same "station" "$target" "$(job_member "$job" station)"

# Everything off a station.
ckpt vacate "$target"
until_true moved 3

ckpt hold "$job"
until_true job_is "$job" held
ckpt release "$job"

status=0
timeout 120 ckpt wait "$job" || status=$?
same "exit status" 7 "$status"
cmp count.out ../plain/count.out || fail "the output differs"
ckpt log "$job" >log.txt
for event in 001 003 004 012 013 005; do
    grep -q "^$event (" log.txt || fail "no event $event: $(cat log.txt)"
done
[ "$(grep -c '(1) Job was checkpointed' log.txt)" -ge 3 ] ||
    fail "evictions without a checkpoint: $(cat log.txt)"
same "goodput" 1 "$(job_member "$job" goodput)"
echo "first on $first"
