#!/bin/bash
# core_chain.sh - chains of increments when things go wrong, and when they grow
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/chain_common.sh"

# The image restarts, and every page is what it has to be.
carry_on() { # IMAGE
    local status=0
    : >stop
    ckpt restart "$1" >again 2>err || status=$?
    rm -f stop
    # standard output was a file: the end of it is in there
    if [ $status != 0 ] || ! grep -q '^OK' out; then
        fail "$1: $(cat err again out log)"
    fi
}

end() {
    kill -9 $pid
    wait $pid 2>/dev/null || true
    pid=
}

is() { # WHAT WANTED GOT
    [ "$2" = "$3" ] || fail "$1: $3 instead of $2: $(cat log)"
}

says() { # PATTERN...
    local pattern
    for pattern in "$@"; do
        grep -q "$pattern" err || fail "not said, $pattern: $(cat err)"
    done
}

increments() { grep -c '^increment' log || true; }
wholes() { grep -c '^checkpoint of' log || true; }
members() { find image.bases -type f 2>/dev/null | wc -l; }
member() { echo image.bases/*."$1"; }

# --- kept images and their bases
start 4 3 CKPT_KEEP=3
take 5
is "whole images" 1 "$(wholes)"
is "increments" 4 "$(increments)"
is "members" 5 "$(members)"
ckpt checkpoint $pid --image "$work/elsewhere" >/dev/null
is "whole images" 2 "$(wholes)"
[ ! -e elsewhere.bases ] || fail "an image of its own has bases"
take 1
is "increments" 5 "$(increments)"
end
for image in image.2 image.1 image elsewhere; do carry_on $image; done
ckpt image core image merged
rm -rf image image.*
carry_on merged
echo "kept images, and one that was asked for elsewhere: all restarted"

# --- no chain is longer than it may be, and none stays without need
start 1 1 CKPT_KEEP=1
take 33
is "whole images" 2 "$(wholes)"
is "members" 2 "$(members)"
end
carry_on image
echo "a chain of 30 was followed by a whole image, and removed"

# --- the writer is killed: what it did not finish is no base
start 64 60 CKPT_KEEP=1 CKPT_CODEC=zlib
take 2
is "increments" 1 "$(increments)"
sleep 0.5
ckpt checkpoint $pid >/dev/null 2>killed &
for ((i = 0; i < 1000; i++)); do
    writer=$(pgrep -P $pid -x ckpt-writer || true)
    [ -z "$writer" ] || break
    sleep 0.002
done
if [ -n "$writer" ] && kill -9 "$writer" 2>/dev/null && ! wait $!; then
    ckpt image verify image >/dev/null || fail "the image before was harmed"
    take 1
    is "whole images" 2 "$(wholes)"
else
    echo "the writer was too quick to be killed"
fi
before=$(increments)
take 1
is "increments" $((before + 1)) "$(increments)"
end
carry_on image
echo "after a killed writer: a whole image, an increment, restarted"

# --- bases that are gone
start 2 3 CKPT_KEEP=1
take 2
rm -rf image.bases
take 1
is "whole images" 2 "$(wholes)"
take 2
end
carry_on image
mkdir -p save && cp -a image image.bases save/

rm "$(member 1)"
! ckpt image verify image >verdict 2>&1 || fail "a chain with a gap is good"
grep -q "bases/.*\.1 is missing" verdict || fail "$(cat verdict)"
carry_on image
says "\.1 is missing" "last image that is whole.*\.0"

cp -a save/. . # and now damaged
printf 'xyz' | dd of="$(member 1)" bs=1 seek=20000 conv=notrunc status=none
! ckpt image verify image >verdict 2>&1 || fail "a damaged chain is good"
grep -q "bases/.*\.1: damaged" verdict || fail "$(cat verdict)"
carry_on image
says "damaged" "last image that is whole.*\.0"

rm -rf image image.bases && cp -a save/. .
rm "$(member 0)"
! ckpt restart image >again 2>err || fail "restarted without a base"
grep -q "bases/.*\.0 is missing" err || fail "$(cat err)"
echo "missing and damaged bases: named, and the last whole image carried on"
