#!/bin/bash
# pool_images.sh - how often images are taken and why, how fast they go home, and
# how much room they may take there
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc ckpt-shadow ckpt-station
. "$(dirname "$0")/pool_common.sh"
chmod 711 "$work"
mkdir "$work/home" "$work/home/a" "$work/home/b"
ckpt-cc -O2 -o "$work/counter" "$top_srcdir/tests/progs/remote_counter.c"
cd "$work/home"
pool_start 2 --set image_quota=6M --set checkpoint_bandwidth=8M --set keep_images=3

says() {
    ckpt why "$1" | grep -q "$2"
}
# Nothing was said: chosen, from what is known so far.
chosen=$(cd a && ckpt submit -- ../../counter 100000)
until_true says "$chosen" 'on s[12] a job is lost every 24.0 h on average (0 losses in'
until_true says "$chosen" 'the first checkpoint, after 10 s, measures'
# What the submitter says stands.
given=$(cd b && ckpt submit --every 1s -- ../../counter 100000)
until_true says "$given" 'a checkpoint every 1 s: submitted so (--every)'

# The bandwidth: an image of some 3.6 MB needs 0.4 s, in which the program
# stands still.
took() {
    ckpt why "$given" | sed -n 's/^last checkpoint .* in home: \([0-9]*\) ms.*/\1/p'
}
has_image() {
    [ -n "$(took)" ]
}
until_true has_image
size=$(job_member "$given" size)
least=$((size * 8 / 83886))
[ "$(took)" -ge "$least" ] ||
    fail "$size bytes went home in $(took) ms, less than $least"

# Each checkpoint is one record of the job's log.
checkpoints=$(ckpt log "$given" | grep -c '^003')
[ "$(ckpt log "$given" | grep -c 'heckpoint')" = $((2 * checkpoints)) ] ||
    fail "more than 'Job was checkpointed' and its bytes: $(ckpt log "$given")"

# The quota: both have images, which is more; only the newest of each stays.
until_true says "$chosen" 'next checkpoint in .*: a checkpoint costs'
newest_only() {
    [ "$(find "$CKPT_POOL/home/jobs/$given/images" -name 'image.[0-9]*' |
        wc -l)" = 1 ]
}
until_true grep -q 'image_quota is 6291456: only the newest' "$CKPT_POOL/home/log"
until_true newest_only
[ -e "$CKPT_POOL/home/jobs/$given/images/current" ] || fail "no newest image"

# A loss is in the books of its station, and the job goes on from its image.
station=$(job_member "$chosen" station)
ckpt vacate "$chosen" >/dev/null
on_again() {
    job_is "$chosen" running && [ "$(job_member "$chosen" evictions)" = 1 ]
}
until_true on_again
until_true says "$chosen" ', 1 in [0-9.]* s in the pool)'
until_true says "$chosen" 'mean time to failure .* (given)'
ckpt rm "$chosen" "$given" >/dev/null
[ -n "$station" ] || fail "it ran nowhere"

for wrong in soon 5x; do
    ckpt pool start --dir "$work/other" --set checkpoint_every=$wrong 2>err &&
        fail "checkpoint_every = $wrong"
    grep -q "checkpoint_every = $wrong: is neither" err || fail "$(cat err)"
done
