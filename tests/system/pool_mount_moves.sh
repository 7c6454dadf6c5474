#!/bin/bash
# pool_mount_moves.sh - jobs with mounted files and what befalls jobs
#
# A shadow that is killed, three times, is a pause.  A script that is evicted
# starts over elsewhere, its files rolled back; so does one whose station's
# starter is killed.  An unmodified dynamic program that is alone is
# checkpointed and moved, and goes back to its image when it is killed.  Files
# are those of a local run each time.
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/pool_common.sh"
. "$(dirname "$0")/mount_common.sh"
. "$(dirname "$0")/pool_victims.sh"
mkdir -m 711 "$work/scratch"
mount_pool_start 2 --set suspend_grace=300ms --set lease=4s \
    --set "scratch=$work/scratch"

# Appends, overwrites, truncates, renames and unlinks; each twice is wrong.
mkdir "$work/seed"
seq 1 300 >"$work/seed/base"
cat >"$work/seed/script" <<'END'
#!/bin/sh
echo changed | dd of=base bs=1 seek=100 conv=notrunc 2>/dev/null
for i in $(seq 1 30); do
    echo "line $i" >>log
    echo "$i" >now.new && mv now.new now
    [ $((i % 10)) -ne 0 ] || { cp log "log.$i" && rm -f "log.$((i - 10))"; }
    wc -l <log | tee -a counts >/dev/null
    [ "$i" -ne 5 ] || mv base base.old
    [ -z "$SLOW" ] || sleep 0.05
done
truncate -s 50 base.old && echo end
END
chmod +x "$work/seed/script"
cp -r "$work/seed" "$work/local"
(cd "$work/local" && SLOW='' ./script >stdout)

begin() { # NAME: starts the job, which runs now
    cp -r "$work/seed" "$work/$1"
    cd "$work/$1"
    job=$(SLOW=1 ckpt submit --out stdout -- ./script)
    until_true grep -q 'line 8' log
}
ends_well() { # NAME
    local status=0
    timeout 120 ckpt wait "$job" >/dev/null || status=$?
    [ "$status" -eq 0 ] || fail "$1: exit $status: $(ckpt log "$job")"
    diff -r "$work/local" "$work/$1" || fail "$1: differs"
}

has_shadow() {
    [ -n "$(victims shadow)" ]
}
begin killed-shadow
for pause in 0.$((RANDOM % 5)) 0.$((RANDOM % 5)) 0; do
    kill -9 "$(victims shadow)"
    until_true has_shadow
    sleep "$pause"
done
ends_well killed-shadow
ckpt log "$job" | grep -q evicted && fail "killed-shadow: it was started over"

begin evicted
station=$(job_member "$job" station)
ckpt vacate "$job" >/dev/null
ends_well evicted
ckpt log "$job" | grep -q 'cannot be checkpointed' ||
    fail "evicted: not said why: $(ckpt log "$job")"
echo "evicted from $station, ended on $(job_member "$job" station)"

begin killed-starter
kill -9 "$(victims starter)"
ends_well killed-starter

# --- a program that can be checkpointed ---
${CC:-cc} -O1 -o "$work/counter" "$top_srcdir/tests/progs/remote_counter.c"
mkdir "$work/count"
(cd "$work/count" && "$work/counter" 150 >stdout)
begin_counting() { # NAME OPTION...
    mkdir "$work/$1"
    cd "$work/$1"
    shift
    job=$(ckpt submit --front-end mount --out stdout "$@" -- "$work/counter" 150)
    until_true grep -q 'at 25' stdout
}
counts_well() { # NAME
    local status=0
    timeout 120 ckpt wait "$job" >/dev/null || status=$?
    [ "$status" -eq 0 ] || fail "$1: exit $status: $(ckpt log "$job")"
    sed -i '/another process/d' stdout # its parent is
    diff -r "$work/count" "$work/$1" || fail "$1: differs"
    ckpt log "$job" | grep -q restarted || fail "$1: $(ckpt log "$job")"
}

begin_counting moved
from=$(job_member "$job" station)
ckpt vacate "$job" >/dev/null
counts_well moved
[ "$(job_member "$job" station)" != "$from" ] || fail "moved: it stayed"

begin_counting gone-back --every 500ms
until_true grep -q 'at 75' stdout
kill -9 "$(victims starter)"
counts_well gone-back

# With children, or files in its /tmp, it is refused by name.
cd "$work/count"
refused() { # WORDS COMMAND
    job=$(ckpt submit --front-end mount -- /bin/sh -c "$2")
    until_true job_is "$job" running
    ckpt vacate "$job" >/dev/null
    until_true logged "$1"
    ckpt rm "$job" >/dev/null
}
logged() {
    ckpt log "$job" | grep -q "refused: .*$1"
}
refused 'child' 'sleep 30; true'
refused '/tmp/kept lies on the station' \
    'echo x >/tmp/kept; while :; do echo; done >/dev/null'
until_true nothing_mounted
