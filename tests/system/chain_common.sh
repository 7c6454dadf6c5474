# chain_common.sh - a program whose images are a chain of increments
#
# Sourced after common.sh.  Works in $work; the program is $pid, its images
# begin with $work/image, what it said is in out and out.err.
#
# shellcheck shell=bash
cd "$work"
ckpt-cc -g -O1 -D_GNU_SOURCE -o pages "$top_srcdir/tests/progs/pages.c"
export CKPT_INCREMENTAL=on CKPT_LOG=$work/log CKPT_IMAGE=$work/image

pid=
trap '[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null; cleanup' EXIT

start() { # MIB CHANGES [VARIABLE=VALUE...]
    local mib=$1 changes=$2
    shift 2
    rm -rf image* stop out log
    env "$@" ./pages "$mib" "$changes" >out 2>out.err &
    pid=$!
    for ((i = 0; i < 500; i++)); do
        ! grep -q ready out 2>/dev/null || return 0
        sleep 0.02
    done
    fail "not ready: $(cat out.err)"
}

take() { # COUNT
    local i
    for ((i = 0; i < $1; i++)); do
        ckpt checkpoint $pid >/dev/null 2>>err || fail "$(cat err log)"
    done
}

end() {
    kill -9 $pid
    wait $pid 2>/dev/null || true
    pid=
}

carry_on() { # IMAGE: it restarts, and every page is what it has to be
    local status=0
    : >stop
    ckpt restart "$1" >again 2>err || status=$?
    rm -f stop
    if [ $status != 0 ] || ! grep -q '^OK' out; then
        fail "$1: $(cat err again out log)"
    fi
}

good() { # IMAGE...
    local image
    for image; do
        ckpt image verify "$image" >verdict 2>&1 || fail "$image: $(cat verdict)"
    done
}
