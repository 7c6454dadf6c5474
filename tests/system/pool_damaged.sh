#!/bin/bash
# pool_damaged.sh - an image that was damaged at home is set aside, and the job
# goes on from the one before it, with the same output
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc ckpt-shadow ckpt-station
. "$(dirname "$0")/pool_common.sh"
chmod 711 "$work"

mkdir "$work/undisturbed" "$work/home"
ckpt-cc -O2 -o "$work/counter" "$top_srcdir/tests/progs/remote_counter.c"
(cd "$work/undisturbed" && ../counter 250 >stdout)
cd "$work/home"

pool_start 2 --set checkpoint_every=1s
job=$(ckpt submit --out stdout -- ../counter 250 | tr -dc 0-9)
images=$CKPT_POOL/home/jobs/$job/images
two_images() {
    [ "$(find "$images" -name 'image.[0-9]*' | wc -l)" -ge 2 ]
}
until_true two_images
ckpt hold "$job" >/dev/null
until_true job_is "$job" held
newest=$images/image.$(awk '{print $NF}' "$images/current")
printf damaged | dd of="$newest" bs=1 seek=100000 conv=notrunc status=none
ckpt release "$job" >/dev/null
status=0
timeout 60 ckpt wait "$job" || status=$?
[ "$status" -eq 0 ] || fail "ended with $status"
ckpt log "$job" | grep -q 'damaged' || fail "the log does not tell"
for file in stdout counter.log counter.tab counter.bin; do
    cmp "$work/undisturbed/$file" "$file"
done
