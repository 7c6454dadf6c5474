#!/bin/bash
# pool_scratch.sh - scratch directories on another file system than the programs
#
# An unmodified program has libckpt.so brought to it there, at its start, and
# its image at the next.
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-shadow ckpt-station gawk
. "$(dirname "$0")/pool_common.sh"

other=$(mktemp -d /dev/shm/ckpt-test.XXXXXX) || skip "/dev/shm: not writable"
trap 'rm -rf "$other"; pool_end' EXIT
chmod 711 "$work" "$other"
[ "$(stat -c %d "$other")" != "$(stat -c %d "$(command -v ckpt)")" ] ||
    skip "/dev/shm is no file system of its own"

pool_start 2 --set "scratch=$other"
id=$(cd "$work" && ckpt submit --out out -- "$(command -v gawk)" '
    BEGIN { for (; (getline < "end") < 0; n++) system(""); print "ended" }')
until_true job_is "$id" running
ls "$other"/*/* >/dev/null || fail "nothing in the scratch directory"
ckpt vacate "$id"
runs_again() { [ "$(ckpt log "$id" | grep -c '^001 ')" -ge 2 ]; }
until_true runs_again
touch "$work/end"
timeout 60 ckpt wait "$id" || fail "the job: $(ckpt log "$id")"
[ "$(cat "$work/out")" = ended ] || fail "it wrote: $(cat "$work/out")"
ckpt log "$id" | grep -q "was checkpointed" ||
    fail "not checkpointed: $(ckpt log "$id")"
echo "scratch on another file system: started, moved, ended"
