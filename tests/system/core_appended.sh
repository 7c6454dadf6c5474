#!/bin/bash
# core_appended.sh - what a killed program had appended since its checkpoint is
# cut off before it goes on
set -euo pipefail
# shellcheck source=tests/system/common.sh
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc
cd "$work"

cat >lines.c <<'END'
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
int main(void)
{
    int appended = open("appended", O_WRONLY | O_CREAT | O_APPEND, 0600);
    int written = open("written", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    for (int i = 0; i < 150; i++) {
        dprintf(appended, "line %d\n", i);
        if (i < 100 || access("again", F_OK) != 0)
            dprintf(written, "line %d\n", i); /* the second run writes less */
        usleep(10000);
    }
    return 0;
}
END
ckpt-cc -O1 -o lines lines.c
mkdir undisturbed
(cd undisturbed && ../lines)

lines() { [ -e appended ] && [ "$(wc -l <appended)" -ge "$1" ]; }
await_lines() {
    local i
    for ((i = 0; i < 1000; i++)); do
        lines "$1" && return
        sleep 0.01
    done
    fail "no $1 lines"
}
./lines &
pid=$!
await_lines 20
ckpt checkpoint $pid >/dev/null
await_lines 120
kill -9 $pid
wait $pid 2>/dev/null || true
longer=$(stat -c %s written)
touch again
ckpt restart lines.ckpt || fail "exit status $?"
cmp appended undisturbed/appended || fail "appended: $(sort appended | uniq -d | head -3)"
head -n 100 undisturbed/written | cmp - written ||
    fail "written: $(wc -c <written) bytes, $longer before the restart"
echo "appended to, written to: as if nothing had happened"
