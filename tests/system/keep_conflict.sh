#!/bin/bash
# keep_conflict.sh - --files save: one image many times, files that others
# change, rotation, the limit, and what the commands tell
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"
need_command cc flock
cd "$work"
ckpt-cc -O1 -o linked "$top_srcdir/tests/progs/keep_log.c" 2>err ||
    fail "$(cat err)"
cc -O1 -o plain "$top_srcdir/tests/progs/keep_log.c"

# A program that was checkpointed at least $1 lines into its work, and killed
# some lines later; in a directory of its own.
lines() {
    if [ -f log ]; then wc -l <log; else echo 0; fi
}
await_lines() {
    for ((i = 0; i < 1000; i++)); do
        [ "$(lines)" -lt "$1" ] || return 0
        sleep 0.02
    done
    fail "no progress: $(cat err)"
}
checkpoint_and_kill() {
    "$@" >out 2>err &
    pid=$!
    await_lines 50
    ckpt checkpoint $pid --image "$image" >/dev/null 2>err2 ||
        fail "no checkpoint: $(cat err2 err)"
    touch on
    await_lines 80
    kill_it
}
# The keeper ends a moment later: only then it can tell what others change.
kill_it() {
    kill -9 "$pid"
    wait "$pid" 2>/dev/null || true
    flock -w 60 image.files/lock true || fail "the keeper does not end"
}
resume() { # to the end
    touch go
    ckpt restart "$@" 2>err || fail "restart $*: $(cat err)"
    rm go
}
# The log has every line once, in order.
check_log() {
    awk -v n="$1" '$2 != NR - 1 { exit 1 } END { exit NR != n }' log ||
        fail "$2: the log has $(wc -l <log) lines: $(head -c 300 log)"
}
refused() { # TEXT COMMAND...
    local text=$1
    shift
    if "$@" >out 2>err; then fail "not refused: $*"; fi
    grep -q "$text" err || fail "no word of '$text': $(cat err)"
}

# One image, three times; relinked with the environment, and preloaded.
image=
for way in linked plain; do
    mkdir $way.d && cd $way.d
    image=$PWD/image
    case $way in
    linked) checkpoint_and_kill env CKPT_FILES=save CKPT_IMAGE="$image" \
        ../linked 300 ;;
    plain) checkpoint_and_kill ckpt run --files save --image "$image" \
        ../plain 300 ;;
    esac
    ckpt image verify image >/dev/null || fail "$way: image verify"
    ckpt image show "$image" >"$work/show"
    if ! grep -q '^files *kept: .* changed since' "$work/show" ||
        ! grep -q "$PWD/log" "$work/show"; then
        fail "$way: image show: $(cat "$work/show")"
    fi
    for again in 1 2; do
        ckpt restart image >out 2>err &
        pid=$!
        sleep 0.3
        kill_it
        echo "$way: killed $again times after a restart"
    done
    resume image
    check_log 300 "$way"
    [ "$(cat state)" = "line 000200" ] || fail "$way: state"
    resume image
    check_log 300 "$way: after the end"
    cd ..
done

# What others change is named and left alone; --force sets it aside.
mkdir others && cd others
image=$PWD/image
checkpoint_and_kill ckpt run --files save --image "$image" ../plain 200
cp -a log log.was
echo "somebody's" >>log
cp log log.theirs
refused "$PWD/log was changed by another process" ckpt restart image
cmp log log.theirs || fail "a refused restart changed the log"
echo "they said: $(tail -n 1 err)"
cat log.theirs >log
refused "log was changed by another process" ckpt restart image
resume --force image
check_log 200 "--force"
cmp image.files/conflicts/*-log log.theirs || fail "not set aside: $(cat err)"
cd ..
mkdir removed && cd removed
image=$PWD/image
checkpoint_and_kill ckpt run --files save --image "$image" ../plain 200
mv table gone
refused "table was removed by another process" ckpt restart image
cp gone table
refused "table was replaced by another process" ckpt restart image
mv gone table
resume image
check_log 200 removed
cd ..

# The older of two images; the newer one cannot be had any more then.
mkdir older && cd older
image=$PWD/image
ckpt run --keep 2 --files save --image "$image" ../plain 300 2>err &
pid=$!
touch on
for n in 30 60 90; do
    await_lines $n
    ckpt checkpoint $pid >/dev/null 2>err2 || fail "$(cat err2)"
done
refused "still running" ckpt restart image
await_lines 120
kill_it
[ "$(wc -l <image.files/images)" = 2 ] || fail "states: $(cat image.files/images)"
resume image.1
check_log 300 "the older image"
refused "does not have it" ckpt restart image
refused "does not have it" ckpt image verify image
resume image.1
check_log 300 "the older image again"
cd ..

# Damage is found; too much is not kept, and said.
mkdir damaged && cd damaged
image=$PWD/image
checkpoint_and_kill ckpt run --files save --image "$image" ../plain 200
cp -a image.files kept
log=$(echo image.files/journal/[1-9]*/log)
printf 'XXXX' | dd of="$log" bs=1 seek=70 conv=notrunc status=none
refused . ckpt image verify image
refused . ckpt restart image
rm -rf image.files && mv kept image.files
resume image
check_log 200 undamaged
cd ..
mkdir limit && cd limit
image=$PWD/image
head -c 3000000 /dev/zero >table
checkpoint_and_kill ckpt run --files save --files-limit 1K --image "$image" \
    ../plain 200
refused "files-limit" ckpt restart image
cd ..
refused "save or track\|CKPT_FILES=other" ckpt run --files other ./plain 1
echo "every case as it should be"
