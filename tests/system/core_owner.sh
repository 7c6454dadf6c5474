#!/bin/bash
# core_owner.sh - a held lock that knows its owner's id keeps the ids, also from
# an increment that says nothing of it; nobody goes on without it unasked
# shellcheck source=tests/system/common.sh
. "$(dirname "$0")/common.sh"
need_command cc
cd "$work"
cat >owner.c <<'END'
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static char far[1 << 20]; /* the lock's page does not change later */
static volatile int beat;
int main(void)
{
    struct timespec ms = {0, 1000000};
    pthread_mutex_lock(&lock);
    for (puts("ready"), fflush(stdout); access("go", F_OK) < 0; beat++) {
        far[beat % sizeof far] = 1;
        nanosleep(&ms, NULL);
    }
    puts(pthread_mutex_unlock(&lock) == 0 ? "released" : "not mine");
    return 0;
}
END
ckpt-cc -D_GNU_SOURCE -O1 -pthread -o owner owner.c
export CKPT_IMAGE=$work/image CKPT_INCREMENTAL=on CKPT_LOG=$work/log
./owner >out &
pid=$!
trap 'kill -9 $pid 2>/dev/null || true; cleanup' EXIT
for ((i = 0; i < 500; i++)); do grep -q ready out || sleep 0.02; done
ckpt checkpoint $pid >/dev/null
sleep 0.1
ckpt checkpoint $pid >/dev/null
sleep 0.1
ckpt checkpoint --exit $pid >/dev/null
wait $pid || true
grep -q '^increment of' log || skip "no increments here: $(cat log)"
touch go
resume() { # WANTED OPTION...
    local wanted=$1
    shift
    echo ready >out
    ckpt restart "$@" >/dev/null 2>err || fail "restart $*: $(cat err)"
    [ "$(tail -1 out)" = "$wanted" ] || fail "restart $*: $(tail -1 out)"
    echo "restart $*: $wanted"
}
resume released image
resume "not mine" --ids new image # so it matters
ckpt image merge image >/dev/null
resume released image
