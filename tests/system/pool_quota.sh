#!/bin/bash
# pool_quota.sh - the room that images take is bounded for jobs that are held,
# too, and all jobs share the home's bandwidth
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc ckpt-shadow ckpt-station
. "$(dirname "$0")/pool_common.sh"
chmod 711 "$work"
ckpt-cc -O2 -o "$work/counter" "$top_srcdir/tests/progs/remote_counter.c"
mkdir "$work/undisturbed" "$work/a" "$work/b" "$work/c"
(cd "$work/undisturbed" && ../counter 400 >stdout)

submit() { # DIRECTORY STEPS
    (cd "$work/$1" && ckpt submit --every 1s --out stdout -- ../counter "$2" |
        tr -dc 0-9)
}
images() { # JOB: their number
    find "$CKPT_POOL/home/jobs/$1/images" -name 'image.[0-9]*' | wc -l
}
has_images() { [ "$(images "$1")" = "$2" ]; }

# Three images of some 3.6 MB have room, four have not.
pool_start 2 --set image_quota=13M --set keep_images=3
held=$(submit a 400)
until_true has_images "$held" 3
ckpt hold "$held" >/dev/null
until_true job_is "$held" held
[ "$(images "$held")" = 3 ] || fail "$(images "$held") images before the quota"
other=$(submit b 100000)
until_true has_images "$held" 1
current=$(cut -d " " -f 3 "$CKPT_POOL/home/jobs/$held/images/current")
[ -s "$CKPT_POOL/home/jobs/$held/images/image.$current" ] ||
    fail "image $current is the newest, and is not there"
[ "$(images "$other")" -ge 1 ] || fail "the other one has no image"
ckpt rm "$other" >/dev/null
ckpt release "$held" >/dev/null
timeout 100 ckpt wait "$held" || fail "the job ended with $?"
diff -r "$work/undisturbed" "$work/a" || fail "other files than undisturbed"
[ "$(job_member "$held" starts)" = 2 ] || fail "it did not go on from its image"
ckpt log "$held" | grep -q '^013' || fail "it was not released"

# Two jobs through a line of 2 MiB/s: neither waits for the other's whole image.
ckpt pool stop
pool_start 2 --set home_bandwidth=2M --set image_quota=0
one=$(submit b 100000)
two=$(submit c 100000)
took() { # JOB: ms
    ckpt why "$1" | sed -n 's/^last checkpoint .* in home: \([0-9]*\) ms.*/\1/p'
}
have_both() { [ -n "$(took "$one")" ] && [ -n "$(took "$two")" ]; }
until_true have_both
size=$(job_member "$one" size)
for job in "$one" "$two"; do # the last MiB does not wait for itself
    [ "$(took "$job")" -ge $(((size - 1048576) * 1000 / 2097152)) ] ||
        fail "$size bytes went home in $(took "$job") ms"
done
echo "images of $size bytes at 2 MiB/s for all: $(took "$one") ms, $(took "$two") ms"
ckpt rm "$one" "$two" >/dev/null
