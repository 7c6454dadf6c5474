#!/bin/bash
# pool_logs.sh - the user's event log tells what a job cost, lost incarnations
# too; daemons' logs are put aside when they are large
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc ckpt-shadow ckpt-station
. "$(dirname "$0")/pool_common.sh"
chmod 711 "$work"
mkdir "$work/home"
cd "$work/home"
# Burns 4 s of processor time in two threads, reads 1 MB and writes 2 MB; ends
# when it may.
cat >burn.c <<'END'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
static void *burn(void *arg)
{
    struct timespec t;
    do
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    while (t.tv_sec < 2);
    return arg;
}
int main(void)
{
    static char buf[1 << 20];
    pthread_t thread;
    FILE *in = fopen("input", "r"), *out = fopen("output", "w");
    if (!in || !out || fread(buf, 1, sizeof buf, in) != sizeof buf)
        return 1;
    if (fwrite(buf, 1, sizeof buf, out) != sizeof buf ||
        fwrite(buf, 1, sizeof buf, out) != sizeof buf || fclose(out))
        return 1;
    pthread_create(&thread, NULL, burn, NULL);
    burn(NULL);
    pthread_join(thread, NULL);
    while (access("enough", F_OK) < 0)
        usleep(20000);
    return 0;
}
END
ckpt-cc -O2 -pthread -o burn burn.c
head -c 1048576 /dev/urandom >input
pool_start 1 --set log_max=64K
job=$(ckpt submit --every 0 --log job.log -- ./burn)
has_used() { # SECONDS
    awk -v used="$(job_member "$job" cpu)" -v least="$1" \
        'BEGIN { exit !(used >= least) }'
}
until_true has_used 1.5
# Its starter is killed: what was used until then is lost, and is counted.
starter=$(sed -n 's/.*starter\[\([0-9]*\)\].*/\1/p' \
    "$CKPT_POOL/station.s1/log" | tail -n 1)
kill -9 "$starter"
touch enough
timeout 90 ckpt wait "$job" || fail "ended with $?"

seconds() { # WHAT, in the last record that has it
    sed -n "s/.*Usr \([0-9]*\) \([0-9]*\):\([0-9]*\):\([0-9]*\), .*-  $1 Usage/\4/p" \
        job.log | tail -n 1
}
number() { # WHAT
    sed -n "s/^\t\([0-9]*\)  -  $1\$/\1/p" job.log | tail -n 1
}
until_true grep -q '^005' job.log
grep -q '^004' job.log || fail "no record of the loss: $(cat job.log)"
run=$(seconds 'Run Remote') total=$(seconds 'Total Remote')
[ $((10#$run)) -ge 4 ] || fail "the last run took $run s: $(cat job.log)"
[ $((10#$total)) -ge $((10#$run + 1)) ] ||
    fail "$total s in all, $run s in the last run: $(cat job.log)"
sent=$(number 'Run Bytes Sent By Job')
got=$(number 'Run Bytes Received By Job')
# Its output goes home; its program and input come.
[ "$sent" -ge 2097152 ] || fail "sent $sent bytes"
[ "$sent" -lt 4000000 ] || fail "sent $sent bytes"
[ "$got" -ge 1048576 ] || fail "received $got bytes"
[ "$(number 'Total Bytes Sent By Job')" -ge "$sent" ] || fail "the total"
ckpt log "$job" | cmp - job.log

# Some hundred jobs that are held and released fill a log.
ids=$(ckpt submit --count 200 --require 'name == "nowhere"' -- /bin/true)
first=${ids%%$'\n'*} last=${ids##*$'\n'}
for _ in 1 2 3 4; do
    ckpt hold "$first-$last" >/dev/null
    ckpt release "$first-$last" >/dev/null
done
ckpt rm "$first-$last" >/dev/null
until_true test -s "$CKPT_POOL/home/log.old"
[ "$(stat -c %s "$CKPT_POOL/home/log")" -lt 100000 ] || fail "not rotated"
[ "$(stat -c %s "$CKPT_POOL/home/log.old")" -lt 100000 ] || fail "too large"
grep -q "job $last: remove" "$CKPT_POOL/home/log" || fail "the last line is lost"
