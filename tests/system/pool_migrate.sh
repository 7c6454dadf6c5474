#!/bin/bash
# pool_migrate.sh - a job asks to be moved by ckpt_migrate(): to a station, then
# anywhere; outside of a pool it is told that there is none
# shellcheck disable=SC2016
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/pool_common.sh"
need_command ckpt-shadow ckpt-cc cc

cd "$work"
cat >wanderer.c <<'C'
#include "ckpt.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
static void ask(FILE *out, const char *station)
{
    int rc = ckpt_migrate(station);
    fprintf(out, "asked: %s\n", rc == 0 ? "yes" : strerror(errno));
}
int main(int argc, char **argv)
{
    FILE *out = fopen("out", "w");
    (void)argc;
    for (int i = 0; i < 300; i++) {
        struct timespec ms = {0, 20000000};
        fprintf(out, "%d\n", i);
        fflush(out);
        if (i == 5)
            ask(out, "no such name");
        if (i == 20)
            ask(out, argv[1]);
        nanosleep(&ms, NULL);
    }
    return 0;
}
C
ckpt-cc -I"$top_srcdir/lib" -D_GNU_SOURCE -o wanderer wanderer.c
mkdir plain moved
(cd plain && timeout 60 ../wanderer s2)
[ "$(grep -c 'asked: Operation not supported' plain/out)" = 1 ] ||
    fail "outside of a pool: $(grep asked plain/out)"
[ "$(grep -c 'asked: Invalid argument' plain/out)" = 1 ] ||
    fail "a name that cannot be: $(grep asked plain/out)"

pool_start 2
cd moved
# wherever it begins, it wants to the other one
job=$(ckpt submit -- ../wanderer s2)
until_true job_is "$job" running
status=0
timeout 100 ckpt wait "$job" || status=$?
[ "$status" = 0 ] || fail "ended with $status: $(ckpt log "$job")"
sed 's/asked: .*/asked/' out >out.plain
sed 's/asked: .*/asked/' ../plain/out | cmp - out.plain || fail "the output differs"
grep -q 'asked: yes' out || fail "home did not agree: $(grep asked out)"
[ "$(job_member "$job" evictions)" -ge 1 ] || fail "it was not moved"
[ "$(job_member "$job" station)" = s2 ] || fail "it ended on $(job_member "$job" station)"
echo "moved on its own wish"
