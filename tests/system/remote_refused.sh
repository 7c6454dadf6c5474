#!/bin/bash
# remote_refused.sh - calls that a remote job cannot make fail, and its log
# names them
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/remote_common.sh"

build remote_refused.c dynamic || skip "no compiler"
FAKE_SHADOW_LOG=$work/log run_in "$work/remote" "$fake_shadow" \
    "$work/bin/remote_refused.c.dynamic"
cat "$work/remote.err" "$work/remote.out" "$work/log"
diff - "$work/remote.out" <<'OUT'
fork -1 ENOSYS
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
