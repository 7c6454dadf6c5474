#!/bin/bash
# core_kinds.sh - what cannot be saved is refused by its name, and the program
# goes on as if nobody had asked
# shellcheck source=tests/system/common.sh
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc cc
cd "$work"
ckpt-cc -O1 -D_GNU_SOURCE -I"$top_srcdir" -o kinds \
    "$top_srcdir/tests/progs/kinds.c" -lrt
export PROG_READY=$work/ready PROG_GO=$work/go
pid=
trap 'kill -9 $pid 2>/dev/null || true; cleanup' EXIT

# refused KIND PATTERN: exit 1, one line with the cause
refused() {
    local status=0
    rm -f ready go
    ./kinds "$1" >prog.out 2>prog.err &
    pid=$!
    for ((i = 0; i < 1000; i++)); do
        [ -e ready ] && break
        kill -0 $pid 2>/dev/null || break
        sleep 0.01
    done
    if [ ! -e ready ]; then
        echo "$1: not tried: $(cat prog.err)"
        return 0
    fi
    ckpt checkpoint $pid --image "$work/image" >out 2>err || status=$?
    [ $status -eq 1 ] || fail "$1: exit status $status"
    [ "$(wc -l <err)" -eq 1 ] || fail "$1: not one line: $(cat err)"
    grep -qE "$2" err || fail "$1: $(cat err)"
    [ ! -e image ] || fail "$1: there is an image"
    touch go
    wait $pid || fail "$1: the program did not go on: $(cat prog.err)"
    echo "$1: $(cat err)"
}

refused io_uring 'descriptor [0-9]+ is an io_uring'
refused pidfd 'reference to a process \(pidfd\)'
refused aio 'asynchronous I/O context'
refused seccomp 'system call filter \(seccomp\)'
refused mqueue 'POSIX message queue'
refused shm 'System V shared memory'
refused lease 'file with a lease: .*/leased'
refused flight 'socket with descriptors in flight'
refused owner 'sends its signals to another process'
refused tcp 'TCP socket to 127\.0\.0\.1:[0-9]+'
refused listens 'TCP socket that listens at 127\.0\.0\.1:[0-9]+'
refused udp 'UDP socket bound to 127\.0\.0\.1:[0-9]+'
refused pty-master 'pseudo-terminal whose other end is not in the program'
refused pty-slave 'terminal whose other end is not in the program'
refused pty-stopped 'pseudo-terminal that is stopped or full'
refused memory-huge 'shared memory or a file of reserved huge pages'
refused memory-huge-file 'memory file of reserved huge pages'
refused memory-secret 'descriptor [0-9]+ is secret memory'
refused memory-secret-closed 'mapping at .* is secret memory'
refused key 'memory protection keys'
