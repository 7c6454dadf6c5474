#!/bin/bash
# remote_refused.sh - calls that a remote job cannot make fail, and its log
# names them
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/remote_common.sh"

# refuse MODE: fork, clone and all other ways to make a process among them
refuse() {
    FAKE_SHADOW_LOG=$work/log run_in "$work/remote" "$fake_shadow" \
        "$work/bin/remote_refused.c.$1"
    cat "$work/remote.err" "$work/log"
    diff - "$work/remote.out" <<'OUT' || fail "$1"
fork -1 ENOSYS
vfork -1 ENOSYS
_Fork -1 ENOSYS
fork call -1 ENOSYS
vfork call -1 ENOSYS
clone call -1 ENOSYS
no signal -1 ENOSYS
sibling -1 ENOSYS
clone3 call -1 ENOSYS
clone -1 ENOSYS
shared -1 ENOSYS
posix_spawn -1 ENOSYS
popen -1 ENOMEM
execve -1 ENOSYS
socket -1 EACCES
mremap -1 ENOMEM
system 32512
setxattr -1 EOPNOTSUPP
setsid -1 EPERM
kill init -1 ESRCH
status 0
OUT
    for call in clone execve socket mremap; do
        grep -q "^refused: $call " "$work/log" || fail "$call is not in the log"
    done
}

for mode in dynamic static relinked relinked-static; do
    build remote_refused.c $mode || { echo "$mode: cannot build"; continue; }
    refuse $mode
done
