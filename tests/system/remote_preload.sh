#!/bin/bash
# remote_preload.sh - unmodified programs of the system, preloaded with libckpt,
# work on files at home
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/remote_common.sh"
library=$top_builddir/lib/libckpt.so
[ -e "$library" ] || skip "libckpt.so is not built"

# A little tree to work on, the same for both runs.
prepare() {
    rm -rf "$1"
    mkdir -p "$1/tree/sub"
    seq 20000 | awk '{print ($1 * 7919) % 20011, $1}' >"$1/numbers"
    for i in 1 2 3; do echo "file $i" >"$1/tree/sub/$i"; done
    ln -s sub/1 "$1/tree/link"
}

try() {
    local side
    command -v "$1" >/dev/null || return 0
    for side in local remote; do
        prepare "$work/$side"
        local launcher=()
        [ $side = local ] || launcher=("$fake_shadow" "$(command -v env)"
            "LD_PRELOAD=$library")
        (cd "$work/$side" && timeout 60 ${launcher[@]+"${launcher[@]}"} \
            "$(command -v "$1")" "${@:2}" >"$work/$side.out" \
            2>"$work/$side.err" </dev/null) ||
            fail "$side: $* ends with $?: $(cat "$work/$side.err")"
    done
    if ! cmp "$work/local.out" "$work/remote.out" ||
        ! diff -r --no-dereference "$work/local" "$work/remote"; then
        fail "$* differs"
    fi
    echo "same: $*"
}

try cat numbers
try sort -n -o sorted numbers
try cp -r tree copy
try find tree -type f
try grep -rn file tree/sub
try sed -i s/file/FILE/ tree/sub/2
# shellcheck disable=SC2016  # awk's own dollar
try awk '{s += $1} END {print s}' numbers
try tail -n 3 numbers
try wc numbers tree/sub/1
try md5sum numbers
try mv tree/sub/1 tree/moved
try rm -r tree
try ls tree/sub
try /usr/bin/python3 -c 'import os
open("py.txt", "w").write("x" * 100000)
print(os.path.getsize("py.txt"), sorted(os.listdir("tree")))'
