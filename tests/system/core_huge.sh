#!/bin/bash
# core_huge.sh - memory of reserved huge pages, and a machine that has none free
# shellcheck source=tests/system/common.sh
. "$(dirname "$0")/common.sh"
need_command cc
pool=/proc/sys/vm/nr_hugepages
before=$(cat $pool)
reserve() {
    { echo "$1" >$pool; } 2>/dev/null || skip "huge pages cannot be reserved here"
}
give_back() {
    echo "$before" >$pool
    cleanup
}
reserve $((before + 6))
trap give_back EXIT
free=$(awk '/^HugePages_Free/ { print $2 }' /proc/meminfo)
[ "$free" -ge 6 ] || skip "6 huge pages wanted, $free free"

bash "$top_srcdir/tests/system/core_prog.sh" "$top_srcdir/tests/progs/hugepages.c"

# nobody is told a lie: ordinary memory, and the log says so
cd "$work"
ckpt-cc -D_GNU_SOURCE -I"$top_srcdir" -o prog "$top_srcdir/tests/progs/hugepages.c"
export PROG_READY=$work/ready PROG_GO=$work/go CKPT_LOG=$work/log
./prog >out &
pid=$!
for ((i = 0; i < 1000; i++)); do [ -e ready ] || sleep 0.01; done
ckpt checkpoint $pid --exit --image "$work/image" >/dev/null
wait $pid || true
reserve 0
touch go ordinary
ckpt restart image || fail "restart on ordinary memory"
[ "$(cat out)" = OK ] || fail "restart on ordinary memory: $(cat out)"
grep "reserved huge pages .* cannot be had here" log || fail "the log: $(cat log)"
