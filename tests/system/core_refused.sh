#!/bin/bash
# core_refused.sh - what cannot be restarted is refused in one line, exit 1
#
# Damaged, truncated, foreign and newer images; files that changed; and a
# checkpoint that fails leaves the image before it in use, and the program
# running.
# shellcheck source=tests/system/common.sh
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc cc python3
cd "$work"

cat >count.c <<'END'
#include <stdio.h>
#include <time.h>
int main(void)
{
    FILE *log = fopen("log", "w");
    for (int i = 0; i < 100000; i++) {
        struct timespec ts = {0, 10000000};
        fprintf(log, "%d\n", i);
        fflush(log);
        nanosleep(&ts, NULL);
    }
    return 0;
}
END
ckpt-cc -O1 -o count count.c

# refused WHAT PATTERN COMMAND...: exit 1, one line that matches
refused() {
    local what=$1 pattern=$2 status=0
    shift 2
    timeout 20 "$@" >out 2>err || status=$?
    [ $status -eq 1 ] || fail "$what: exit status $status: $(cat err)"
    [ "$(grep -c '^ckpt' err)" -eq 1 ] || fail "$what: not one line: $(cat err)"
    grep -qiE "$pattern" err || fail "$what: $(cat err)"
    echo "$what: $(cat err)"
}

./count >/dev/null 2>&1 &
pid=$!
trap 'kill -9 $pid 2>/dev/null || true; cleanup' EXIT
sleep 0.3
ckpt checkpoint $pid >/dev/null
good=$(sha256sum <count.ckpt)

# a checkpoint that fails: the directory is gone, the disk is full
refused "no such directory" "No such file" \
    ckpt checkpoint $pid --image "$work/nowhere/image"
if mkdir small && mount -t tmpfs -o size=64k tmpfs small 2>/dev/null; then
    refused "disk full" "No space" ckpt checkpoint $pid --image "$work/small/image"
    [ -z "$(ls -A small)" ] || fail "disk full: $(ls -A small) is left"
    umount small
else
    echo "disk full: not tried, no mount here"
fi
kill -0 $pid || fail "the program did not survive a failed checkpoint"
[ "$(sha256sum <count.ckpt)" = "$good" ] || fail "the image before was touched"
kill -9 $pid
wait $pid 2>/dev/null || true

refused "process gone" "no process" ckpt checkpoint $pid
sleep 100 &
other=$!
refused "not under checkpointing" "not under checkpointing" \
    ckpt checkpoint $other
kill -0 $other || fail "asking a plain process ended it"
kill $other

# more address space than a restart has room for beside it
if ckpt-cc -fsanitize=thread -o tsan count.c 2>/dev/null; then
    CKPT_IMAGE=$work/tsan.ckpt ./tsan >/dev/null 2>&1 &
    pid=$!
    for ((i = 0; i < 100; i++)); do
        ! ckpt check $pid 2>&1 | grep -q 'under checkpointing' || sleep 0.1
    done
    refused "ThreadSanitizer" "TB of address space" ckpt checkpoint $pid
    kill -0 $pid || fail "the program did not survive the refusal"
    kill -9 $pid
    wait $pid 2>/dev/null || true
else
    echo "ThreadSanitizer: not tried, not installed"
fi

size=$(stat -c %s count.ckpt)
for keep in 0 10 4096 $((size / 2)) $((size - 1)); do
    head -c $keep count.ckpt >"cut"
    refused "cut to $keep bytes" "cut" ckpt restart cut
done
for at in 100 5000 $((size / 2)) $((size - 100)); do
    python3 - $at <<'END'
import sys
data = bytearray(open("count.ckpt", "rb").read())
data[int(sys.argv[1])] ^= 0x40
open("flipped", "wb").write(data)
END
    refused "byte $at flipped" "flipped" ckpt restart flipped
done
refused "foreign" "count" ckpt restart ./count
refused "text" "count.c" ckpt restart count.c
refused "missing" "No such file" ckpt restart nothing

# its file is shorter than it was; or other bytes stand in it
cp log log.kept
: >log
refused "file shorter" "shorter" ckpt restart count.ckpt
sed 's/^1$/x/' log.kept >log
refused "file changed in place" "changed in place" ckpt restart count.ckpt
cp log.kept log
[ "$(sha256sum <count.ckpt)" = "$good" ] || fail "the image was touched"

# and the good one still works
timeout 1 ckpt restart count.ckpt || [ $? -eq 124 ] || fail "the good image"
lines=$(wc -l <log)
head -n $((lines - 1)) log | awk '$1 != NR - 1 { exit 1 }' ||
    fail "the log is not that of one run"

# ckpt run resumes the program it is told to run, and no other
cp count other
status=0
ckpt run --image "$work/count.ckpt" ./other >out 2>err || status=$?
if [ $status -ne 1 ] || ! grep -q "image of .*/count, not of .*/other" err; then
    fail "the image of another program: exit status $status: $(cat err)"
fi
timeout 1 ckpt run --image "$work/count.ckpt" ./count >out 2>err || [ $? -eq 124 ] ||
    fail "its own image: $(cat err)"
