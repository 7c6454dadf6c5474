# remote_mount.sh - one unmodified program by the three ways to its files:
# trapped, on ckpt-mount, on sshfs
#
# Sourced by remote_speed.sh.  All three encrypted.  The program measures itself.
#
# shellcheck shell=bash disable=SC2154
mount_rows="statfs rnd4k stat r64k r1m w64k w1m r64b w64b l64b files=$files"
on_mount=$top_builddir/tests/bench/on_mount
no_mount=

try_mount() {
    mkdir -p "$work/onmount"
    if [ ! -x "$top_builddir/ckpt-mount" ] || [ ! -x "$on_mount" ]; then
        no_mount="built without libfuse3-dev"
    elif ! remote "$on_mount" "$top_builddir/ckpt-mount" "$work/onmount" \
        /bin/true >"$work/onmount.log" 2>&1; then
        no_mount=$(tail -n 1 "$work/onmount.log")
    fi
}

run_mount() {
    [ "$round" != 1 ] || try_mount
    # shellcheck disable=SC2086 # lists of rows
    {
        remote /usr/bin/env "LD_PRELOAD=$top_builddir/lib/libckpt.so" \
            "$work/plain" $mount_rows | take trapped
        [ -n "$no_mount" ] || remote "$on_mount" "$top_builddir/ckpt-mount" \
            "$work/onmount" "$work/plain" $mount_rows 2>&1 | take mounted
        over_sshfs "${ssh_port-0}" $mount_rows | take besidesshfs
    }
}
