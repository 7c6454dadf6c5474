#!/bin/bash
# core_writer.sh - the child that writes an image while the program goes on
#
# A request to exit that comes while an image is in flight waits for it; a
# writer that is killed is a failed checkpoint and nothing worse; what the
# program does to its memory meanwhile is not in the image.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"
cd "$work" || exit
pid=
trap '[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null || true; cleanup' EXIT

cat >program.c <<'END'
/* Every page counts rounds, at both of its ends. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
enum { PAGES = 8000, WORDS = 512 };
int main(void)
{
    size_t len = (size_t)PAGES * 4096;
    unsigned long *m = mmap(NULL, len, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned long round = 1, at = 0;

    for (size_t i = 0; i < PAGES; i++)
        for (size_t k = 0; k < WORDS; k++)
            m[i * WORDS + k] = k == 0 || k == WORDS - 1 ? 1 : i * k * 2654435761;
    puts("ready");
    fflush(stdout);
    for (;; round++) {
        for (at = 0; at < PAGES; at++) {
            unsigned long *p = m + at * WORDS;
            if (p[0] != round || p[WORDS - 1] != round)
                return printf("page %lu in round %lu: %lu, %lu\n", at, round,
                              p[0], p[WORDS - 1]), 1;
            p[0]++;
            p[WORDS - 1]++;
        }
        if (round % 64 == 0 && access("end", F_OK) == 0)
            break;
    }
    puts("OK");
    return 0;
}
END
ckpt-cc -O1 -o program program.c

start() {
    rm -f end log image out
    CKPT_IMAGE=$work/image CKPT_LOG=$work/log "$@" >out 2>err &
    pid=$!
    for ((i = 0; i < 1000; i++)); do
        grep -q ready out && return
        sleep 0.01
    done
    fail "the program did not start: $(cat err)"
}

# The writing child of $pid, once there is one; the last one may not have been
# waited for yet.
writer() {
    local i child children
    for ((i = 0; i < 2000; i++)); do
        read -ra children <"/proc/$pid/task/$pid/children" || true
        for child in "${children[@]}"; do
            grep -q '^State:.[RSD]' "/proc/$child/status" 2>/dev/null &&
                echo "$child" && return
        done
        sleep 0.005
    done
    fail "no child writes"
}

# The last one has ended; it goes on for a moment when all have been told.
alone() {
    local i child children
    for ((i = 0; i < 2000; i++)); do
        read -ra children <"/proc/$pid/task/$pid/children" || true
        for child in "${children[@]}"; do
            grep -q '^State:.[RSD]' "/proc/$child/status" 2>/dev/null &&
                sleep 0.005 && continue 2
        done
        return 0
    done
    fail "a writer does not end"
}

restart() { # it finds its output file again, and ends well
    touch end
    ckpt restart image >told 2>&1 || fail "restart: $(cat told out)"
    [ "$(cat out)" = "ready
OK" ] || fail "restart: $(cat told out)"
    rm -f end
}

# one image in flight, and a request to exit
export CKPT_CODEC=zlib # takes long enough
start ./program
ckpt checkpoint "$pid" >first 2>&1 &
asker=$!
writer >/dev/null
ckpt checkpoint --exit "$pid" >second 2>&1 || fail "exit: $(cat second)"
wait $asker || fail "the one in flight: $(cat first)"
status=0
wait "$pid" || status=$?
[ $status = 85 ] || fail "ended with $status"
[ "$(grep -c '^checkpoint of' log)" = 2 ] || fail "$(cat log)"
grep -q 'copied meanwhile' log || fail "$(cat log)"
ckpt image verify image >/dev/null || fail "damaged"
restart
echo "a request to exit waits for the image in flight"

# the writer is killed
start ./program
killed=0
for ((i = 0; i < 20 && !killed; i++)); do # it may have done before
    ckpt checkpoint "$pid" >/dev/null || fail "first image"
    ln -f image before
    alone
    ckpt checkpoint "$pid" >first 2>&1 &
    asker=$!
    kill -9 "$(writer)" 2>/dev/null || true
    wait $asker || killed=1
done
[ $killed = 1 ] || fail "no writer could be killed"
kill -0 "$pid" || fail "the program ended: $(cat out err)"
[ image -ef before ] || fail "the last image was touched"
ckpt checkpoint "$pid" >/dev/null || fail "the next image"
grep -q 'writer was killed by signal 9' log || fail "$(cat log)"
[ -z "$(find . -name 'image.tmp*')" ] || fail "left behind: $(ls)"
ckpt image verify image >/dev/null || fail "damaged"
touch end
wait "$pid" || fail "the program: $(cat out err)"
grep -q OK out || fail "the program: $(cat out err)"
restart
echo "a writer that is killed: the program and the last image stay"
