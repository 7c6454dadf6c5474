# mount_common.sh - a pool whose stations can mount jobs' files, or a skip
#
# Sourced after pool_common.sh.
#
# shellcheck shell=bash
mount_pool_start() { # N [--set ...]
    need_command ckpt-mount ckpt ckpt-shadow ckpt-station ckpt-starter
    chmod 711 "$work"
    pool_start "$@"
    until_true grep -q 'station .* at ' "$CKPT_POOL/station.s1/log"
    ! grep -q 'cannot be mounted' "$CKPT_POOL/station.s1/log" ||
        skip "no mount here: $(sed -n 's/.*cannot be mounted: //p' \
            "$CKPT_POOL/station.s1/log")"
}

# Nothing of the jobs is left mounted on this machine.
nothing_mounted() {
    ! grep -q 'fuse.ckpt' /proc/mounts ||
        fail "left behind: $(grep fuse.ckpt /proc/mounts)"
}

# same_as_local NAME EXIT PROG ARG...: the job gives what a local run gives, in
# directories of its own: standard output, error, files, exit code.
same_as_local() {
    local name=$1 code=$2 job status=0
    shift 2
    cp -r "$work/seed" "$work/$name.local"
    cp -r "$work/seed" "$work/$name.job"
    cd "$work/$name.local"
    "$@" >stdout 2>stderr </dev/null || status=$?
    [ "$status" = "$code" ] || fail "$name: locally exit code $status"
    cd "$work/$name.job"
    job=$(ckpt submit "${front_end[@]}" --out stdout --err stderr -- "$@")
    status=0
    timeout 120 ckpt wait "$job" >/dev/null || status=$?
    [ "$status" = "$code" ] ||
        fail "$name: exit code $status: $(cat stderr; ckpt log "$job")"
    diff -r --no-dereference "$work/$name.local" "$work/$name.job" || fail "$name: differs"
    cd "$work"
}
