#!/bin/bash
# pool_full.sh - the disk is full: at home, and on the station
#
# Small file systems in memory, mounted in a user and mount namespace of our
# own.  Nothing that was queued is lost, what cannot be kept is refused with a
# sentence that says so, and all goes on when there is room again.
set -euo pipefail
if [ -z "${FULL_INSIDE:-}" ]; then
    # Mounted by the namespace's root, used by who we are.
    enter=(unshare --user --map-root-user --mount bash -c)
    back=(unshare --user "--map-user=$(id -u)" "--map-group=$(id -g)")
    if [ "$(id -u)" -eq 0 ]; then
        enter=(unshare --mount bash -c)
        back=(env)
    fi
    "${enter[@]}" '"$@"' sh "${back[@]}" true 2>/dev/null || {
        echo "skipped: no user and mount namespaces here"
        exit 77
    }
    dir=$(mktemp -d "${TMPDIR:-/tmp}/ckpt-full.XXXXXX")
    trap 'rm -rf "$dir"' EXIT
    mkdir -m 700 "$dir/pool"
    mkdir -m 711 "$dir/scratch"
    chmod 711 "$dir"
    # shellcheck disable=SC2016
    FULL_INSIDE=$dir TMPDIR=$dir "${enter[@]}" '
        mount -t tmpfs -o size=24m,mode=700 none "$FULL_INSIDE/pool" &&
        mount -t tmpfs -o size=24m,mode=711 none "$FULL_INSIDE/scratch" &&
        exec "$@"' sh "${back[@]}" bash "$0"
    exit
fi
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc ckpt-shadow ckpt-station
. "$(dirname "$0")/pool_common.sh"
chmod 711 "$work"

fill() { dd if=/dev/zero of="$1/filler" bs=4k 2>/dev/null || true; }
pool=$FULL_INSIDE/pool scratch=$FULL_INSIDE/scratch
export CKPT_POOL=$pool/p
mkdir "$work/undisturbed" "$work/run"
ckpt-cc -O2 -o "$work/counter" "$top_srcdir/tests/progs/remote_counter.c"
(cd "$work/undisturbed" && ../counter 400 >stdout) &
pool_start 1 --set "scratch=$scratch" --set checkpoint_every=1s \
    --set lease=5s --set start_attempts=100

counter() {
    (cd "$1" && ckpt submit --out stdout -- ../counter 400) | tr -dc 0-9
}
right() {
    for file in stdout counter.log counter.tab counter.bin; do
        cmp "$work/undisturbed/$file" "$1/$file" || fail "another $file"
    done
}

# At home: the queue, the images and the shadow's journal are in the pool's
# directory.
cd "$work"
job=$(counter run)
until_true job_is "$job" running
fill "$pool"
sleep 3
if ckpt submit -- /bin/true >"$work/said" 2>&1; then
    for ((i = 0; i < 2000; i++)); do
        ckpt submit --name "job $i" -- /bin/true >"$work/said" 2>&1 || break
    done
fi
grep -qiE 'disk|space' "$work/said" ||
    fail "a full disk at home is not named: $(cat "$work/said")"
echo "home full: $(tail -n 1 "$work/said")"
queued=$(ckpt q --json | grep -c '"id"') || true
[ "$queued" -ge 1 ] || fail "the queue is lost: $(ckpt q)"
ckpt why "$job"
rm "$pool/filler"
timeout 100 ckpt wait "$job" || {
    [ "$(job_member "$job" state)" = held ] || fail "the job did not end well"
    echo "held: $(ckpt why "$job" | tail -n 1)"
    ckpt release "$job"
    timeout 100 ckpt wait "$job" || fail "released, it did not end well"
}
wait
right run
echo "the job that ran meanwhile ended with its files right"

# On the station: no room for the program.
fill "$scratch"
mkdir "$work/later"
job=$(counter later)
until_true eval "ckpt log $job | grep -qi 'space'"
ckpt why "$job" | tee "$work/why"
ckpt log "$job" | grep -qi 'space' ||
    fail "a full disk on the station is not named: $(ckpt log "$job")"
rm "$scratch/filler"
timeout 100 ckpt wait "$job" || {
    [ "$(job_member "$job" state)" = held ] || fail "the job did not end well"
    ckpt release "$job"
    timeout 100 ckpt wait "$job" || fail "released, it did not end well"
}
right later
echo "station full: tried again when there was room, files right"
