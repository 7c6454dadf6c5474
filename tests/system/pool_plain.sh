#!/bin/bash
# pool_plain.sh - encrypt_files = off: the same files, over kills of shadow and
# job
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc ckpt-shadow ckpt-station
. "$(dirname "$0")/pool_common.sh"
. "$(dirname "$0")/pool_victims.sh"
chmod 711 "$work"
steps=600

mkdir "$work/scratch" "$work/undisturbed" "$work/job"
chmod 711 "$work/scratch"
ckpt-cc -O2 -w -o "$work/changes" "$top_srcdir/tests/progs/remote_changes.c"
(cd "$work/undisturbed" && ../changes $steps 1 >stdout 2>stderr)

pool_start 1 --set encrypt_files=off --set checkpoint_every=1s \
    --set lease=5s --set "scratch=$work/scratch"
id=$(cd "$work/job" &&
    ckpt submit --out stdout --err stderr -- ../changes $steps 1 | tr -dc 0-9)
until_true job_is "$id" running
until_true test -s "$work/job/journal"
grep -qx 'plain = 1' "$CKPT_POOL"/home/jobs/*/job.conf ||
    fail "the shadow was not told: $(cat "$CKPT_POOL"/home/jobs/*/job.conf)"
for kind in shadow job shadow; do
    sleep 0.7
    for pid in $(victims $kind); do
        kill -9 "$pid"
    done
done
timeout 100 ckpt wait "$id" || fail "the job: $(ckpt history)"
diff -r "$work/undisturbed" "$work/job" ||
    fail "other files than those of an undisturbed run"
echo "encrypt_files = off: killed three times, the same files"
