#!/bin/bash
# image_tools.sh - ckpt image, and gdb, on images of a program with threads
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc
cd "$work"

cat >worker.c <<'END'
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static volatile unsigned long count;

__attribute__((noinline)) void busy_inside(int depth)
{
    if (depth > 0)
        busy_inside(depth - 1);
    else
        for (;;)
            usleep(1000);
    count++;
}

static void *worker(void *arg)
{
    busy_inside(3);
    return arg;
}

int main(void)
{
    pthread_t threads[2];

    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], 0, worker, 0);
    puts("ready");
    fflush(stdout);
    pause();
}
END
ckpt-cc -g -O1 -o dynamic worker.c -lpthread
ckpt-cc -static -g -O1 -o static worker.c -lpthread
ln -s dynamic worker

# take CODEC IMAGE: an image of a fresh run
take() {
    local pid
    CKPT_CODEC=$1 CKPT_IMAGE=$PWD/unused ./worker >"$2.out" </dev/null &
    pid=$!
    for _ in $(seq 100); do
        ! grep -q ready "$2.out" || break
        sleep 0.05
    done
    sleep 0.2
    ckpt checkpoint --exit --image "$PWD/$2" "$pid" >/dev/null
    local status=0
    wait "$pid" || status=$?
    [ "$status" -eq 85 ] || fail "the program ended with $status"
}

check_image() {
    ckpt image verify "$1" >verdict
    grep -q good verdict
    ckpt image show "$1" >shown
    grep -q "^program .*/$3$" shown || fail "$1: no program in show"
    ckpt image show --json "$1" >shown.json
    grep -Eq '"codec": ?"'"$2"'"' shown.json || fail "$1: not of codec $2"
    ckpt image backtrace "$1" >stacks
    [ "$(grep -c '^thread' stacks)" -eq 3 ] || fail "$1: not three threads"
    [ "$(grep -c 'busy_inside' stacks)" -ge 6 ] || fail "$1: frames are missing"
    [ "$(grep -c 'worker+0x' stacks)" -ge 2 ] || fail "$1: stacks are cut"
    grep -q ' main+' stacks || fail "$1: main is missing"
    ckpt image backtrace --json "$1" >stacks.json
    grep -q busy_inside stacks.json
}

codecs="none zlib"
! grep -q '^#define HAVE_ZSTD' "$top_builddir/config.h" || codecs="$codecs zstd"
for codec in $codecs; do
    take "$codec" "$codec.ckpt"
    check_image "$codec.ckpt" "$codec" dynamic
    ckpt image core "$codec.ckpt" "$codec.core"
    cmp -s <(ckpt image core "$codec.ckpt") "$codec.core"
    [ "$(stat -c %a "$codec.core")" = 600 ] || fail "core file is not private"
    ! ckpt image core "$codec.ckpt" "$codec.core" 2>/dev/null ||
        fail "an existing file was overwritten"
done
cmp none.ckpt none.core
ckpt image core --json none.ckpt json.core >json
grep -q '"core_bytes": *'"$(stat -c %s json.core)" json || fail "core --json: $(cat json)"
cmp json.core none.core
gunzip -c <zlib.ckpt | cmp - zlib.core

ln -sf static worker
take none static.ckpt
check_image static.ckpt none static
ln -sf dynamic worker

# Errors: one line, exit 1; wrong usage: 2.
refuse() {
    local status=0
    ckpt image verify "$2" >out 2>err || status=$?
    [ "$status" -eq 1 ] || fail "$2: exit $status"
    [ "$(wc -l <err)" -eq 1 ] || fail "$2: $(cat err)"
    grep -q "$1" err || fail "$2: $(cat err)"
}
head -c 100000 none.ckpt >short.ckpt
refuse 'cut short' short.ckpt
cp none.ckpt bad.ckpt
printf 'x' | dd of=bad.ckpt bs=1 seek=500000 conv=notrunc status=none
refuse 'damaged.*offset' bad.ckpt
refuse 'not a checkpoint image' worker
refuse 'not a checkpoint image' worker.c
refuse 'No such file' nothing.ckpt
status=0
ckpt image frobnicate none.ckpt 2>/dev/null || status=$?
[ "$status" -eq 2 ] || fail "wrong usage: exit $status"
! ckpt restart bad.ckpt 2>/dev/null || fail "a damaged image was restarted"

# gdb sees the threads and their frames.
if command -v gdb >/dev/null; then
    for core in none.ckpt zlib.core; do
        gdb -nx -batch -ex 'thread apply all bt' ./worker "$core" >gdb.out 2>&1
        [ "$(grep -c '^Thread ' gdb.out)" -eq 3 ] || fail "gdb: $(cat gdb.out)"
        [ "$(grep -c 'busy_inside (depth' gdb.out)" -ge 8 ] ||
            fail "gdb: $(cat gdb.out)"
    done
else
    echo "no gdb on this machine: not tried"
fi
