#!/bin/bash
# pool_input.sh - ckpt-input, setgid, reads devices that its caller may not
# read, and takes no directory from them
# shellcheck disable=SC2016
. "$(dirname "$0")/common.sh"
need_command ckpt-input
[ "$(id -u)" = 0 ] || skip "only root can give it a group"
unshare -m true 2>/dev/null || skip "no mount namespaces here"

group=47110 user=47111
cp "$(readlink -f "$(command -v ckpt-input)")" "$work/ckpt-input"
chgrp "$group" "$work/ckpt-input"
chmod 2711 "$work/ckpt-input"
chmod 711 "$work"
printf x >"$work/other"

# In a /dev of its own: event0 is its group's alone, event1 nobody's.
as_user() { setpriv --reuid="$user" --regid="$user" --clear-groups "$@"; }
export -f as_user
export work group user
unshare -m bash -euc '
    mount -t tmpfs -o mode=755 none /dev
    mkdir /dev/input
    mknod /dev/null c 1 3
    chmod 666 /dev/null
    mkfifo -m 040 /dev/input/event0
    chgrp "$group" /dev/input/event0
    mkfifo -m 0 /dev/input/event1
    exec 3<>/dev/input/event0
    ! as_user cat /dev/input/event0 2>/dev/null
    as_user timeout 5 "$work/ckpt-input" >"$work/said" &
    for _ in $(seq 50); do
        [ -s "$work/said" ] && break
        sleep 0.1
    done
    # a key: 16 bytes of time, type 1, code 30, value 1
    printf "%016d\\1\\0\\36\\0\\1\\0\\0\\0" 0 >&3
    wait $! || true
    as_user "$work/ckpt-input" "$work" 2>"$work/refused" && exit 1
    [ $? = 2 ]
' || fail "ckpt-input in a /dev of its own"
[ "$(cat "$work/said")" = ra ] || fail "it said: $(cat "$work/said")"
grep -q usage "$work/refused" || fail "it takes a directory"
