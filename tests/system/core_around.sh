#!/bin/bash
# core_around.sh - a restart tells of files near the program that changed since
# its checkpoint when that can be the program's doing, and of no others
# shellcheck source=tests/system/common.sh
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc cc
cd "$work"

cat >prog.c <<'END'
#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    if (argc > 1 && setuid(4711) < 0)
        return 1;
    (void)argv;
    for (int i = 0; access("../stop", F_OK) < 0; i++) {
        FILE *log = access("../append", F_OK) < 0 ? NULL : fopen("log", "a");
        if (log) {
            fprintf(log, "%d\n", i);
            fclose(log);
        }
        usleep(10000);
    }
    return 0;
}
END
ckpt-cc -O1 -o prog prog.c
mkdir dir && echo data >dir/data && echo >log && cp -p log dir/log
export CKPT_LOG=$work/dir/messages

start() {
    (cd dir && exec ../prog "$@" >/dev/null 2>&1) &
    pid=$!
    sleep 0.3
}
trap 'kill -9 $pid 2>/dev/null || true; cleanup' EXIT

kill_it() {
    kill -9 "$pid"
    wait "$pid" 2>/dev/null || true
}

# told WHAT [PATTERN]: what the restart of dir/image says; no PATTERN: nothing
told() {
    touch stop
    (cd dir && timeout 20 ckpt restart image) >/dev/null 2>err || fail "$1: $(cat err)"
    rm stop
    if [ -n "${2:-}" ]; then
        grep -q "have changed since.*$2" err || fail "$1: not told: $(cat err)"
        [ "$(wc -l <err)" -eq 1 ] || fail "$1: more than a line: $(cat err)"
    else
        [ ! -s err ] || fail "$1: $(cat err)"
    fi
    echo "$1: as expected"
}

start
ckpt checkpoint "$pid" --image "$work/dir/image" >/dev/null
ckpt checkpoint "$pid" --image "$work/dir/other" >/dev/null
touch append
sleep 0.3
rm append
kill_it
cp -a dir written && cp -p log dir/log
told "our own log and images"
cp -a dir copy && rm -r dir && mv copy dir
told "a directory that was copied"
rm -r dir && mv written dir
told "a log that was written on" /log
rm dir/data
told "a file that was removed" /data

if [ "$(id -u)" -ne 0 ]; then
    echo "files of others: not tried, not root"
    exit 0
fi
chmod 777 . dir
rm -f dir/image* dir/messages
start as-a-user
ckpt checkpoint "$pid" --image "$work/dir/image" >/dev/null
kill_it
echo more >>dir/log
touch dir/strange
told "files of somebody else"
