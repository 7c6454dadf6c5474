#!/bin/bash
# keep_files.sh - --files save: databases, names, temporary files; conflicts
#
# CYCLES (default 2) stops of each, from SEED.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"
cycles=${CYCLES:-2} seed=${SEED:-1}
progs=$top_srcdir/tests/progs
here=$(cd "$(dirname "$0")" && pwd)
python=$(python3 -c 'import sys, sqlite3; print(sys.executable)' 2>/dev/null) ||
    python=

# A program that was slow undisturbed, and then so quick that no stop fell into
# its time, is stopped sooner.
try() { # NAME DIR COMMAND...
    local name=$1 dir=$2 nap status
    shift 2
    for nap in '' 30; do
        status=0
        NAP_MS=$nap timeout $((120 + cycles * 20)) bash "$here/keep_cycles.sh" \
            "$cycles" "$seed" "$name" "$dir" "$@" >"$work/tried" 2>&1 || status=$?
        grep -q 'no cycle after' "$work/tried" || break
    done
    cat "$work/tried"
    return $status
}

rounds=$((60 + cycles * 40))
empty=$work/empty
mkdir "$empty"
ran=0

if [ -n "$python" ]; then
    for mode in delete truncate persist wal; do
        try "python-sqlite-$mode" "$empty" \
            "$python" "$progs/keep_sqlite.py" $mode $((rounds * 6))
    done
    try names "$empty" "$python" "$progs/keep_names.py" $((rounds * 4))
    ran=$((ran + 5))
else
    echo "left out: python3 with sqlite3 is not here"
fi

if command -v sqlite3 >/dev/null; then
    for mode in delete wal; do
        dir=$work/shell-$mode
        mkdir "$dir"
        {
            echo "pragma journal_mode=$mode; create table t(a integer primary key, b text);"
            for ((i = 0; i < rounds; i++)); do
                echo "with recursive n(i, x) as (select 1, $i + 7 union all select i + 1, x * 16807 % 2147483647 from n where i < 300) insert into t(b) select x from n;"
                echo "update t set b = b || 'u' where a % 60 = $i % 60; select $i, count(*) from t;"
            done
            echo 'pragma integrity_check; select sum(b), count(*) from t;'
        } >"$dir/stdin"
        try "sqlite3-$mode" "$dir" sqlite3 t.db
    done
    ran=$((ran + 2))
else
    echo "left out: sqlite3 is not here"
fi

dir=$work/sort
mkdir -p "$dir/tmp"
awk 'BEGIN { x = 11; for (i = 0; i < 400000; i++) {
    x = (x * 16807) % 2147483647; printf "%d %x\n", x % 100000, x } }' >"$dir/data"
try sort "$dir" sort -T tmp --parallel=2 -S 1M -k2 -o sorted data

# shellcheck disable=SC2016
try bash-log "$empty" bash -c 'for ((i = 0; i < 3000; i++)); do
    echo "line $i" >>log; for ((k = 0; k < 200; k++)); do :; done; done'
echo "$((ran + 2)) programs, $cycles cycles each"
