#!/bin/bash
# cli_many.sh - many jobs over a few stations, thrown off at random and with
# the home station and a station killed meanwhile: every output is right, none
# is lost, none is run twice
#
# JOBS, STATIONS and ROUNDS make it larger; CKPT_SEED repeats an order of
# evictions.
# shellcheck disable=SC2016
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/pool_common.sh"
need_command ckpt-shadow ckpt-cc cc

jobs=${JOBS:-8}
stations=${STATIONS:-3}
rounds=${ROUNDS:-40}
RANDOM=${CKPT_SEED:-$$}
echo "CKPT_SEED=${CKPT_SEED:-$$}"

cd "$work"
# Appends a line at its end: a second run would append a second one.
cat >count.c <<'C'
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
    unsigned long n = strtoul(argv[1], NULL, 10), x = strtoul(argv[2], NULL, 10);
    FILE *out = fopen(argv[3], "w");
    for (unsigned long i = 0; i < n; i++) {
        for (int k = 0; k < 10000000; k++)
            x = x * 6364136223846793005UL + 1442695040888963407UL;
        fprintf(out, "%lu %lu\n", i, x);
        fflush(out);
    }
    FILE *end = fopen("ended", "a");
    fprintf(end, "%s\n", argv[2]);
    return fclose(end) || fclose(out);
}
C
ckpt-cc -O1 -o count count.c
mkdir plain moved
for ((i = 0; i < jobs; i++)); do
    (cd plain && ../count "$rounds" "$i" "out.$i")
done

pool_start "$stations"
cd moved
first=$(ckpt submit --count "$jobs" ../count "$rounds" '$(Process)' \
    'out.$(Process)' | head -n 1)
last=$((first + jobs - 1))
kills=0
left() {
    ckpt q | sed -nE 's/^([0-9]+) jobs; .*/\1/p'
}
while [ "$(left)" != 0 ]; do
    sleep 0.$((RANDOM % 7 + 2))
    ckpt vacate "s$((RANDOM % stations + 1))" >/dev/null 2>&1 || true
    if [ "$kills" -lt 4 ] && [ $((RANDOM % 4)) -eq 0 ]; then
        kills=$((kills + 1))
        victim=home
        [ $((kills % 2)) -eq 0 ] && victim=station.s$((RANDOM % stations + 1))
        kill -9 "$(tr -cd 0-9 <"$CKPT_POOL/$victim/lock")" || true
    fi
    [ "$SECONDS" -lt 150 ] || fail "not finished in time: $(ckpt q)"
done
ckpt wait "$first-$last" || fail "a job failed: $(ckpt history)"
for ((i = 0; i < jobs; i++)); do
    cmp "out.$i" "../plain/out.$i" || fail "job $((first + i)): wrong output"
done
cmp <(sort ended) <(sort ../plain/ended) ||
    fail "some jobs ended twice: $(sort ended | uniq -d)"
ckpt history --json | sed -nE 's/^ *"evictions": ([0-9]+),$/\1/p' |
    awk -v kills="$kills" \
        '{n += $1} END {print NR " jobs, " n " evictions, " kills " kills"}'
