#!/bin/bash
# core_merge.sh - ckpt image merge: a chain becomes one image while its program
# goes on, the merger is killed at any step, and the disk is full
#
# MERGE_STEP: kill at every Nth system call (`make check-long`: 1).
#
# Whatever happens, every image that has a name is whole and restarts.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"
need_command ckpt ckpt-cc prlimit
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/chain_common.sh"

is() { # WHAT WANTED GOT
    [ "$2" = "$3" ] || fail "$1: $3 instead of $2: $(cat log; ls -l image*)"
}

increments() { grep -c '^increment' log || true; }
wholes() { grep -c '^checkpoint of' log || true; }
members() { find image.bases -type f 2>/dev/null | wc -l; }
leftovers() { find . -name '*.tmp.*' | wc -l; }

# --- in the middle of a run, nothing else kept
start 64 40 CKPT_KEEP=1
take 5
is "members" 5 "$(members)"
ckpt image merge image >said || fail "$(cat said)"
grep -q "whole now.* 4 bases removed" said || fail "merge: $(cat said)"
is "members, merged" 1 "$(members)"
is "temporary files" 0 "$(leftovers)"
good image
ckpt image merge image | grep -q "stands by itself" || fail "merged twice"
take 3 # they build on the merged one
is "whole images" 1 "$(wholes)"
is "increments" 7 "$(increments)"
is "members, later" 4 "$(members)"
good image
ckpt image merge --json image >said
grep -q '"bases_removed": *3' said || fail "json: $(cat said)"
take 1
end
carry_on image
echo "merged twice while the program went on with increments: restarted"

# --- kept generations keep what they need; a second name, too
start 4 10 CKPT_KEEP=3
take 5
ln image other
ckpt image merge image >/dev/null
good image image.1 image.2 other
is "members, kept" 5 "$(members)"
take 2
good image image.1 image.2 other
rm other
ckpt image merge image >/dev/null
ckpt image merge image.1 >/dev/null
good image image.1 image.2
end
carry_on image.2
carry_on image.1
carry_on image
echo "kept generations: all restarted"

# --- compressed, and merged again and again while checkpoints are written
start 16 60 CKPT_KEEP=2 CKPT_CODEC=zlib
take 2
(
    while [ ! -e enough ]; do
        ckpt image merge image >>merges 2>&1 || echo "failed" >>merges
    done
) &
merger=$!
take 14
touch enough
wait $merger
! grep -v "whole now\|stands by itself" merges || fail "merging beside a program: $(cat merges)"
good image image.1
end
carry_on image
echo "$(grep -c "whole now" merges) merged beside 14 checkpoints: restarted"

# --- killed, and no room
start 8 40 CKPT_KEEP=2
take 5
end
mkdir save
cp -a image image.1 image.bases save/
again() {
    rm -rf image*
    cp -a save/. .
}
before=$(sha256sum image)
(ulimit -f 100 && ckpt image merge image) >said 2>&1 && fail "merged into nothing"
grep -q "large\|File size" said || fail "no room: $(cat said)"
is "the image" "$before" "$(sha256sum image)"
is "temporary files" 0 "$(leftovers)"
good image image.1

if command -v strace >/dev/null && strace -o trace true 2>/dev/null; then
    for call in write splice vmsplice pwritev fsync renameat2 link fallocate; do
        again
        strace -f -qq -o /dev/null -e "inject=$call:error=ENOSPC" \
            ckpt image merge image >said 2>&1 || true
        good image image.1
        ckpt image merge image >/dev/null || fail "after ENOSPC of $call: $(cat said)"
        good image image.1
    done
    echo "no room at any of 8 calls: always whole"
else
    echo "errors of single calls are left out: no strace, or it may not trace"
fi

again
kill_at=$top_builddir/tests/system/kill_at
[ -x "$kill_at" ] || fail "no $kill_at: make check builds it"
"$kill_at" 0 ckpt image merge image >/dev/null 2>killed || true
calls=$(sed -n 's/ calls$//p' killed) kills=0
if [ -n "$calls" ]; then
    step=${MERGE_STEP:-$((calls / 25 + 1))}
    for ((n = 1; ; n += step)); do
        again
        "$kill_at" $n ckpt image merge image >/dev/null 2>killed || true
        grep -q "^killed" killed || break
        kills=$((kills + 1))
        good image image.1
        [ $((kills % 9)) != 0 ] || carry_on image
        ckpt image merge image >/dev/null 2>err || fail "after a kill at call $n: $(cat err)"
        is "temporary files" 0 "$(leftovers)"
        good image image.1
    done
    [ $kills -ge 20 ] || fail "only $kills kills: $(cat killed)"
    echo "killed at $kills of $calls calls: always whole"
else
    echo "kills are left out: $(cat killed)"
fi
again
carry_on image
again
ckpt image merge image >/dev/null
carry_on image
