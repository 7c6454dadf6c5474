#!/bin/bash
# remote_speed.sh - remote files against their limits: requests and replies
# over bare TCP, local calls, the line, and sshfs
#
#     remote_speed.sh                  (make bench-remote)
#
# The sides take turns in every round; ratios are medians over the rounds.
# $BENCH_ROUNDS (3), $BENCH_FILES (1000; small files over the line, which takes
# 10 to 40 s for each thousand), $BENCH_SECTIONS (calls line files mount leverage).
# Ten minutes.  Leaves remote.tsv, remote.txt
# and remote.json in tests/bench/remote.out.  sshfs is left out, by name, where
# it, sshd or /dev/fuse is missing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../system/common.sh"
. "$here/remote_leverage.sh"
rounds=${BENCH_ROUNDS:-3}
files=${BENCH_FILES:-1000}
sections=${BENCH_SECTIONS:-calls line files mount leverage}
delay_ms=5 # one way
mbit=1000
export OMP_WAIT_POLICY=passive # threads that spin measure the others here
export CKPT_SHADOW=$top_builddir/ckpt-shadow
real_shadow=$top_builddir/tests/unit/real-shadow
raw=$top_builddir/tests/bench/remote_raw
link="$top_builddir/tests/bench/delay_link $delay_ms $mbit"
for program in "$CKPT_SHADOW" "$real_shadow" "$raw" "${link%% *}"; do
    [ -x "$program" ] || skip "$program is not built: make bench-remote"
done

out=$top_builddir/tests/bench/remote.out
samples=$out/remote.tsv
home=$work/home
mount=$work/mount
mkdir -p "$out" "$home/small" "$mount"
: >"$samples"
ckpt-cc -O2 "$here/remote_work.c" -o "$work/relinked"
ckpt-cc -static -O2 "$here/remote_work.c" -o "$work/static"
cc -O2 "$here/remote_work.c" -o "$work/plain"
cd "$home"
head -c 67108864 /dev/urandom >data
for ((i = 0; i < files; i++)); do
    head -c 1024 data >"small/$i"
done

# take SIDE: "ROW VALUE" lines become samples
take() {
    awk -v s="$1" '{print $1 "." s "\t" $2}' >>"$samples"
}

job=0
remote() { # PROGRAM ROW...
    job=$((job + 1))
    "$real_shadow" "$work/job.$job" 1 "$@" || fail "$*: $(cat \
        "$work/job.$job.err")"
    cat "$work/job.$job.err"
    rm -rf "$work/job.$job"*
}

# --- sshfs: a server of our own, with keys that live as long as this does -----

sshd_pid=
end() {
    [ -z "$sshd_pid" ] || kill "$sshd_pid"
    [ ! -d "$work/pool" ] || CKPT_POOL=$work/pool ckpt pool stop
    mountpoint -q "$mount" && fusermount3 -u -z "$mount"
    cleanup
}
trap end EXIT

start_sshd() {
    local dir=$work/ssh
    mkdir -m 700 "$dir"
    ssh-keygen -q -t ed25519 -N '' -f "$dir/host"
    ssh-keygen -q -t ed25519 -N '' -f "$dir/user"
    cp "$dir/user.pub" "$dir/authorized"
    ssh_port=$((20000 + $$ % 20000))
    [ "$(id -u)" != 0 ] || mkdir -p /run/sshd
    "$(command -v sshd || echo /usr/sbin/sshd)" -D -e -f /dev/null \
        -p $ssh_port -h "$dir/host" -o ListenAddress=127.0.0.1 \
        -o PidFile=none -o StrictModes=no -o UsePAM=no \
        -o AuthorizedKeysFile="$dir/authorized" -o PermitRootLogin=yes \
        -o Subsystem='sftp internal-sftp' 2>"$dir/log" &
    sshd_pid=$!
}

mount_sshfs() { # PORT
    sshfs -p "$1" -o IdentityFile="$work/ssh/user",IdentitiesOnly=yes \
        -o StrictHostKeyChecking=no,UserKnownHostsFile=/dev/null \
        -o LogLevel=ERROR "$(id -un)@127.0.0.1:$home" "$mount"
}
umount_sshfs() {
    fusermount3 -u "$mount" || fusermount3 -u -z "$mount"
}

no_sshfs=
try_sshfs() {
    if ! command -v sshfs >/dev/null || { ! command -v sshd >/dev/null &&
        [ ! -x /usr/sbin/sshd ]; }; then
        no_sshfs="sshfs or openssh-server is not installed"
        return
    fi
    start_sshd
    sleep 0.5
    if mount_sshfs "$ssh_port" 2>"$work/mount.log"; then
        umount_sshfs
    else
        no_sshfs="sshfs cannot mount: $(tail -n 1 "$work/mount.log")"
    fi
}
try_sshfs

over_sshfs() { # PORT ROW...
    [ -z "$no_sshfs" ] || return 0
    mount_sshfs "$1"
    (cd "$mount" && "$work/plain" "${@:2}" 2>&1)
    umount_sshfs
}

. "$here/remote_mount.sh"

# --- the sections -----------------------------------------------------------------

calls="null rnd4k stat r64k r1m w64k w1m"
streams="r64k r1m w64k w1m"
small="r64b w64b l64b"
run_calls() {
    local row
    # shellcheck disable=SC2086 # lists of rows
    for row in $calls; do
        "$raw" aead "$row" 2>&1 | take aead
        remote "$work/relinked" "$row" | take remote
    done
    for row in $streams; do
        "$raw" plain "$row" 2>&1 | take plain
        REAL_SHADOW_PLAIN=1 remote "$work/relinked" "$row" | take remoteplain
    done
    for row in $small; do
        "$work/plain" "$row" 2>&1 | take local
        remote "$work/relinked" "$row" | take remote
        remote "$work/static" "$row" | take static
    done
    remote "$work/relinked" statfs | take remote
    # shellcheck disable=SC2086
    over_sshfs "${ssh_port-0}" statfs ${calls#null } r64b | take sshfs
    # a minute of small writes is enough of it
    [ "$round" != 1 ] || over_sshfs "${ssh_port-0}" w64b | take sshfs
}

# over_line ROW...: all sides over the delaying line
over_line() {
    REAL_SHADOW_LINK=$link remote "$work/relinked" "$@" | take line
    [ -z "$no_sshfs" ] || return 0
    coproc LINE { exec $link 127.0.0.1 "$ssh_port"; }
    local port
    read -r port <&"${LINE[0]}"
    over_sshfs "$port" "$@" | take linesshfs
    eval "exec ${LINE[1]}>&-"
    wait "$LINE_PID" || true
}

for round in $(seq "$rounds"); do
    for section in $sections; do
        echo "round $round: $section" >&2
        case $section in
        calls) run_calls ;;
        line) over_line r64k w64k r1m w1m ;;
        files) [ "$round" != 1 ] || over_line "files=$files" ;;
        mount) run_mount ;;
        leverage) [ "$round" != 1 ] || examples ;;
        *) fail "no section $section" ;;
        esac
    done
done

awk -f "$here/remote_report.awk" -v json="$out/remote.json" \
    -v sshfs="$no_sshfs" -v nomount="$no_mount" -v rounds="$rounds" -v files="$files" \
    -v line=$((mbit / 8)) -v machine="$(uname -srm); $(nproc) CPUs, $(sed -n \
        's/^model name[^:]*: //p' /proc/cpuinfo | head -1); load $(cut -d' ' \
        -f1 /proc/loadavg)" "$samples" | tee "$out/remote.txt"
