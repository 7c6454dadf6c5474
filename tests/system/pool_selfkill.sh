#!/bin/bash
# pool_selfkill.sh - a job that kills itself by SIGKILL is started again a few
# times, then held with the reason; it never counts as completed
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc ckpt-shadow ckpt-station
. "$(dirname "$0")/pool_common.sh"
chmod 711 "$work"
mkdir "$work/home"
cd "$work/home"
cat >die.c <<'END'
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
int main(void)
{
    double x = 1;
    for (long i = 0; i < 30000000; i++)
        x = x * 1.0000001 + 1e-9;
    if (x < 0)
        return 1;
    kill(getpid(), SIGKILL);
    return 0;
}
END
ckpt-cc -O2 -o die die.c
pool_start 2 --set start_attempts=3

job=$(ckpt submit --log die.log -- ./die)
held() {
    job_is "$job" held
}
until_true held
ckpt why "$job" >said
grep -q 'held: killed (code 10)' said || fail "$(cat said)"
grep -q 'killed by SIGKILL 3 times in a row' said || fail "$(cat said)"
[ "$(job_member "$job" starts)" = 3 ] || fail "$(ckpt q --json "$job")"
ckpt log "$job" >told
[ "$(grep -c '^004' told)" = 2 ] || fail "$(cat told)"
! grep -q '^005' told || fail "it counts as terminated: $(cat told)"
# The processor time of all its incarnations is in the books.
used=$(job_member "$job" cpu)
awk -v used="$used" 'BEGIN { exit !(used > 0.01) }' ||
    fail "its processor time is $used"
# A human may let it try again.
ckpt release "$job" >/dev/null
until_true held
ckpt rm "$job" >/dev/null
