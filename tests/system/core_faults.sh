#!/bin/bash
# core_faults.sh - faults while a checkpoint is made: the program goes on, the
# image before stays good, and the user is told
#
# A file that may not grow; a directory that is gone; errors of the calls that
# write and commit; kill -9 at the Nth system call of the program or of its
# writing child, counted together (kill_at.c).  strace injects the errors; where
# nobody may trace both are left out, which is said.  FAULTS_STEP (9) is how far
# apart the Ns are, up to the last call of a checkpoint: `make check-long` tries
# every one.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"
need_command ckpt ckpt-cc cc prlimit
step=${FAULTS_STEP:-9} kill_at=$top_builddir/tests/system/kill_at
[ -x "$kill_at" ] || skip "no $kill_at: make check builds it"
cd "$work"

cat >still.c <<'X'
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
static unsigned char block[3 << 20];
int main(void)
{
    struct timespec ms = {0, 1000000};
    unsigned char round = 0;

    for (; access("go", F_OK) != 0; round++) {
        for (unsigned k = 0; k < sizeof block; k += 509)
            block[k] = (unsigned char)(round + k);
        nanosleep(&ms, NULL);
    }
    for (unsigned k = 0; k < sizeof block; k += 509)
        if (block[k] != (unsigned char)(round - 1 + k))
            return puts("wrong"), 1;
    return puts("right"), 0;
}
X
ckpt-cc -O1 -D_GNU_SOURCE -o still still.c
tracer='' pid=''
trap 'kill -9 $tracer $pid 2>/dev/null || true; cleanup' EXIT

start() {
    CKPT_LOG=$work/log ckpt run --image "$work/d/image" ./still >>out 2>>err &
    pid=$!
}

# The program itself, where ckpt stays as its parent.
program() {
    if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = ckpt-parent ]; then
        pgrep -P $pid | head -n 1
    else
        echo $pid
    fi
}

alive() {
    [ -e "/proc/$pid" ] && ! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null
}

good() {
    ckpt image verify d/image >verdict 2>&1 || fail "$1: the image: $(cat verdict)"
}

only_image() {
    local left
    left=$(find d ! -name d ! -name image 2>/dev/null || true)
    [ -z "$left" ] || fail "$1: left behind: $left"
}

# A checkpoint that must fail, with words; the program goes on.
must_fail() { # WHAT PATTERN
    local before
    before=$(sha256sum d/image 2>/dev/null || true)
    ! timeout 30 ckpt checkpoint $pid >said 2>&1 || fail "$1: it succeeded"
    grep -qE "$2" said || fail "$1: says $(cat said)"
    grep -qE "checkpoint (failed|refused).*($2)" log || fail "$1: not in the log"
    : >log
    alive || fail "$1: the program ended"
    [ ! -e d/image ] || [ "$before" = "$(sha256sum d/image)" ] || fail "$1: the image changed"
    only_image "$1"
    echo "$1: $(cat said)"
}

mkdir d
start
ckpt checkpoint $pid >said
prlimit --pid "$(program)" --fsize=200000:
must_fail "a limit of file size" "File too large"
prlimit --pid "$(program)" --fsize=unlimited:
mv d gone
must_fail "the directory is gone" "No such file"
mv gone d
ckpt checkpoint $pid >said || fail "it does not recover: $(cat said)"
good "recovered"

# --- with strace --------------------------------------------------------------

attach() { # INJECTION
    strace -f -qq -o /dev/null -e "inject=$1" -p "$(program)" 2>trace.err &
    tracer=$!
    for ((i = 0; i < 500; i++)); do
        ! grep -q '^TracerPid:.[1-9]' "/proc/$(program)/status" 2>/dev/null || return 0
        kill -0 $tracer 2>/dev/null || return 1
        sleep 0.01
    done
    return 1
}

detach() {
    kill $tracer 2>/dev/null || true
    wait $tracer 2>/dev/null || true
    tracer=''
}

finish() {
    touch go
    wait $pid || fail "the program ended with $?: $(cat err)"
    pid=''
    [ "$(cat out)" = right ] || fail "it found its memory $(cat out)"
}

if ! command -v strace >/dev/null || ! attach getxattr:error=EIO; then
    detach
    finish
    echo "errors and kills are left out: no strace, or it may not trace"
    exit 0
fi
detach

# One checkpoint under an injection: it succeeds or says why not; the program
# goes on.
errors=0 told=0
with_error() { # CALL ERROR N
    attach "$1:error=$2:when=$3" || fail "cannot trace: $(cat trace.err)"
    local status=0
    timeout 60 ckpt checkpoint $pid >said 2>&1 || status=$?
    detach
    errors=$((errors + 1))
    [ $status -le 1 ] || fail "$1 fails by $2, $3: exit status $status: $(cat said)"
    [ -s said ] || fail "$1 fails by $2, $3: nothing is said"
    told=$((told + status))
    alive || fail "$1 fails by $2, $3: the program ended"
    good "$1 fails by $2, $3"
}
for call in write pwrite64 pwritev splice vmsplice io_submit fsync renameat ftruncate \
    fallocate openat mmap pipe2 clone; do
    with_error $call EIO 1
    with_error $call ENOSPC 2
done
echo "errors: $errors injected, $told refused with a word, none fatal"

kills=0 died=0
for ((n = 1; ; n += step)); do
    alive || fail "the program has ended before kill $n: $(cat err)"
    "$kill_at" $n -p "$(program)" \
        sh -c "timeout 60 ckpt checkpoint $pid >said 2>&1 || true" 2>killed || true
    [ -s said ] || fail "killed at call $n: nothing is said"
    good "killed at call $n"
    grep -q '^killed' killed || break # it took less calls than that
    kills=$((kills + 1))
    if ! alive || [ ! -e "/proc/$(program)" ]; then
        wait $pid 2>/dev/null || true
        died=$((died + 1))
        start
    fi
done
echo "kills: at $kills steps, the last before call $((n - step)); the program died of $died," \
    "its writer of the others"
[ $kills -gt 5 ] || fail "few steps: $(cat killed)"
ckpt checkpoint $pid >said 2>&1 || fail "after all kills: $(cat said)"
good "after all kills"
only_image "after all kills"
finish
