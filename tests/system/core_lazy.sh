#!/bin/bash
# core_lazy.sh - a large program goes on while its memory is still in the image
#
# Killed, asked for a checkpoint and made to change its mappings meanwhile; from
# images that are whole, that somebody has written to, and that are damaged.
# The result is always that of an undisturbed run.
# shellcheck source=tests/system/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/system/lazy_common.sh
. "$(dirname "$0")/lazy_common.sh"

cat >mix.c <<'END'
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    size_t n = (size_t)atoi(argv[1]) << 17;
    uint64_t *p = malloc(n * 8), x = 88172645463325252u, sum = 0;
    (void)argc;
    for (size_t i = 0; i < n; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        p[i] = x;
    }
    puts("filled");
    fflush(stdout);
    for (size_t k = 0, at = 0; k < 3000; k++) {
        for (int i = 0; i < 3000; i++) {
            at = (at + 104729 * 64) % n;
            p[at] = p[at] * 6364136223846793005u + k;
        }
        usleep(500);
    }
    for (size_t i = 0; i < n; i++)
        sum = sum * 31 + p[i];
    printf("%016llx\n", (unsigned long long)sum);
    return 0;
}
END
ckpt-cc -O1 -o mix mix.c
MB=192

expected=$(./mix $MB </dev/null | tail -1)
cat pipe >out &
./mix $MB </dev/null >pipe 2>&1 &
pid=$!
for ((i = 0; i < 1000; i++)); do
    grep -q filled out && break
    sleep 0.02
done
sleep 0.3
ckpt checkpoint "$pid" --exit >/dev/null || fail "no checkpoint"
wait $pid || [ $? -eq 85 ] || fail "exit status $?"
wait
image=$work/mix.ckpt

ckpt restart "$image" </dev/null 2>&1 | cat >out
if [ "$(lines 'memory is being loaded')" -eq 0 ]; then
    echo "skipped: memory is not mapped from images here (file system, or kernel)"
    exit 77
fi
is_right out "restart"

# killed as early as can be, ten times
for i in 1 2 3 4 5 6 7 8 9 10; do
    cat pipe >/dev/null &
    ckpt restart "$image" </dev/null >pipe 2>&1 &
    pid=$!
    sleep 0.0"$i"
    kill -9 $pid
    wait $pid 2>/dev/null || true
done
ckpt restart "$image" </dev/null 2>&1 | cat >out
is_right out "killed ten times"

# a checkpoint that is asked for at once comes when all is there
before=$(lines 'memory is being loaded')
cat pipe >out &
ckpt restart "$image" </dev/null >pipe 2>&1 &
pid=$!
await_line 'memory is being loaded' "$before"
ckpt checkpoint $pid --exit --image "$work/second" >/dev/null || fail "no second checkpoint"
wait $pid || [ $? -eq 85 ] || fail "exit status $?"
ckpt image verify second >/dev/null
ckpt restart --verify=no second </dev/null 2>&1 | cat >out
is_right out "a second checkpoint, at once"

# a copy does not know that it is whole; it is checked first, and then known
cp mix.ckpt copy
before=$(lines restarted)
ckpt restart copy </dev/null 2>&1 | cat >out
is_right out "a copy"

# damage: refused, or found while the program runs
size=$(stat -c %s copy)
printf 'damaged!' | dd of=copy bs=1 seek=$((size - 3000000)) conv=notrunc 2>/dev/null
status=0
ckpt restart copy </dev/null >out 2>&1 || status=$?
if [ $status -ne 1 ] || ! grep -q "damaged: checksum" out || grep -q "was ended" out; then
    fail "damage: exit status $status: $(cat out)"
fi
status=0
(set -o pipefail && ckpt restart --verify=lazy copy </dev/null 2>&1 | cat >out) || status=$?
if [ $status -ne 1 ] || ! grep -q "damaged: checksum.*was ended" out; then
    fail "damage, lazily: exit status $status: $(cat out)"
fi
echo "damage: $(tail -1 out)"

# everything that could tell the difference, before all is loaded
make_lazy
export PROG_READY=$work/ready PROG_GO=$work/go
cat pipe >out &
ckpt run --fresh --image "$work/lazy.ckpt" ./lazy </dev/null >pipe 2>&1 &
pid=$!
for ((i = 0; i < 3000; i++)); do
    [ -e ready ] && break
    sleep 0.01
done
ckpt checkpoint $pid --exit >/dev/null || fail "lazy: no checkpoint"
wait $pid || [ $? -eq 85 ] || fail "lazy: exit status $?: $(cat out)"
touch go
for i in 1 2 3; do
    ckpt restart lazy.ckpt </dev/null 2>&1 | cat >out
    [ "$(tail -1 out)" = OK ] || fail "lazy: $(cat out)"
done
echo "changing mappings at once: as ever"
[ "$(lines 'memory loaded')" -gt 0 ] || fail "never loaded: $(cat log)"
