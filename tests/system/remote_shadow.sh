#!/bin/bash
# remote_shadow.sh - programs do the same at home and under ckpt-shadow; one
# that is killed goes on from its image, and its files have gone back with it
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/remote_common.sh"
need_command ckpt ckpt-cc pgrep
export CKPT_SHADOW=$top_builddir/ckpt-shadow
[ -x "$CKPT_SHADOW" ] || skip "ckpt-shadow is not built"
real_shadow=$top_builddir/tests/unit/real-shadow
job=$work/job

# under EPOCH COMMAND...: in $work/remote; output of the job is appended to
# $job.out and $job.err.
under() {
    (cd "$work/remote" && timeout 120 "$real_shadow" "$job" "$@") || return $?
}

same() {
    if ! cmp "$work/local.out" "$job.out" || ! cmp "$work/local.err" "$job.err" ||
        ! diff -r "$work/local" "$work/remote"; then
        cat "$job/shadow.log"
        fail "$1 differs under ckpt-shadow"
    fi
    echo "$1: same under ckpt-shadow"
}

for program in remote_stdio.c remote_rw.c remote_fds.c remote_mmap.c \
    remote_threads.c remote_cancel.c remote_names.c; do
    build $program dynamic || continue
    run_in "$work/local" "$work/bin/$program.dynamic"
    rm -rf "$work/remote" "$job" "$job".*
    mkdir "$work/remote"
    status=0
    under 1 "$work/bin/$program.dynamic" || status=$?
    echo "status $status" >>"$job.out"
    same $program
done

# Checkpoint, go on, kill -9; the next incarnation starts from the image.  The
# program lasts long enough for a machine that is short of processors.
steps=300
rm -rf "$work/local"
for mode in dynamic static; do
    flags=()
    [ $mode = dynamic ] || flags=(-static)
    counter=$work/counter.$mode
    ckpt-cc -O1 -w "${flags[@]}" "$top_srcdir/tests/progs/remote_counter.c" \
        -o "$counter"
    [ -d "$work/local" ] || run_in "$work/local" "$counter" $steps
    rm -rf "$work/remote" "$job" "$job".*
    mkdir "$work/remote"
    under 1 "$counter" $steps &
    launcher=$!
    for _ in $(seq 200); do
        grep -qx 'at 25' "$job.out" 2>/dev/null && break
        sleep 0.05
    done
    pid=$(pgrep -nf "^$counter $steps") || fail "the program is not running"
    ckpt checkpoint "$pid"
    for _ in $(seq 200); do
        grep -qx 'at 50' "$job.out" && break
        sleep 0.05
    done
    kill -9 "$pid"
    wait $launcher || true
    image=$(find "$job/images" -name 'image.[0-9]*' | head -n 1)
    [ -n "$image" ] || fail "no image at home"
    status=0
    # shellcheck disable=SC2016  # for the inner shell
    under 2 /bin/sh -c 'exec "$0" restart --remote-fd "$CKPT_REMOTE_FD" "$1"' \
        "$(command -v ckpt)" "$image" || status=$?
    echo "status $status" >>"$job.out"
    same "counter $mode, killed and restarted,"
done
