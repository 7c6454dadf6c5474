#!/bin/bash
# pool_rough.sh - a pool whose machines speak to each other through a program
# that holds up, repeats, swaps and cuts what they say
#
# SECONDS_OF (20): how long jobs of STEPS (300) are sent about meanwhile;
# CKPT_SEED repeats the order of harm.
set -euo pipefail
. "$(dirname "$0")/common.sh"
ROUGH=$top_builddir/tests/system/rough_link
CKPT_SEED=${CKPT_SEED:-$$} STEPS=${STEPS:-300}
export CKPT_SEED
[ -x "$ROUGH" ] || skip "no $ROUGH: make check builds it"
. "$(dirname "$0")/net_common.sh"
. "$(dirname "$0")/net_pool.sh"
echo "CKPT_SEED=$CKPT_SEED"

ids=()
for name in one two three; do
    mkdir "$work/$name"
    ids+=("$(cd "$work/$name" && on home ckpt submit --out stdout -- \
        "$work/changes" "$STEPS" 7 | tr -dc 0-9)")
done
# shellcheck disable=SC2016
many=$(mkdir "$work/burst" && cd "$work/burst" &&
    on home ckpt submit --count 20 -- /bin/sh -c 'echo "$1" >>lines' sh \
        '$(Process)' | grep -o '[0-9]*' | head -n 1)
RANDOM=$CKPT_SEED
end=$((SECONDS + ${SECONDS_OF:-20}))
while [ $SECONDS -lt $end ]; do
    sleep 2
    on home ckpt vacate "${ids[RANDOM % 3]}" >/dev/null 2>&1 || true
done
kill -USR1 "$net_rough_pid"
on home timeout 200 ckpt wait "${ids[@]}" >/dev/null ||
    fail "a job ended with $?: $(on home ckpt history)"
for name in one two three; do
    diff -r "$work/undisturbed" "$work/$name" || fail "$name: other files"
done
for ((i = 0; i < 20; i++)); do until_true is $((many + i)) state completed; done
cmp <(seq 0 19) <(sort -n "$work/burst/lines") || fail "not each job ran once"

kill "$net_rough_pid"
wait "$net_rough_pid" || true
net_rough_pid=
read -r line <"$work/rough"
echo "$line"
said() { grep -oE "[0-9]+ $1" <<<"$line" | tr -dc 0-9; }
[ $(($(said repeated) + $(said swapped))) -gt 0 ] || fail "no harm was done"
[ "$(said overlooked)" = 0 ] || fail "a record too many was taken"
[ "$(said admitted)" = 0 ] || fail "an old first message let somebody in"
[ "$(said noticed)" = $(($(said repeated) + $(said swapped))) ] ||
    fail "not every harm ended its connection"
epochs=$(for id in "${ids[@]}"; do member "$id" epoch; done | paste -sd+)
echo "3 jobs of $STEPS steps in $((epochs)) incarnations, 20 short ones: all files" \
    "as undisturbed"
