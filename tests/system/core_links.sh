#!/bin/bash
# core_links.sh - what others put into the link of a program: functions of their
# own under names that libckpt has, libc named before its turn, other languages'
# drivers
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"
need_command ckpt ckpt-cc cc
cd "$work"

# The program ends with 7 when it was moved after its first line.
cat >own.c <<'X'
#include <stdio.h>
#include <time.h>
#include <unistd.h>
int usleep(useconds_t usec) { return 3; }
int pause(void) { return 4; }
int main(int argc, char **argv)
{
    struct timespec ts = {0, 10000000};
    if (argc > 5)
        execvp(argv[0], argv);
    puts("first");
    fflush(stdout);
    for (int i = 0; i < 100; i++)
        nanosleep(&ts, NULL);
    puts("second");
    return usleep(1) + pause();
}
X
moved() { # NAME
    local status=0 pid
    rm -f image out
    CKPT_IMAGE=$work/image ./prog >out &
    pid=$!
    until [ -s out ]; do sleep 0.01; done
    ckpt checkpoint $pid --exit >/dev/null || fail "$1: no checkpoint"
    wait $pid || status=$?
    [ $status = 85 ] || fail "$1: exit status $status"
    status=0
    ckpt restart image >>out || status=$?
    [ $status = 7 ] || fail "$1: exit status $status after the restart"
    [ "$(tr '\n' ' ' <out)" = "first second " ] || fail "$1: $(cat out)"
    echo "$1: moved"
}

for how in "" -lc -static "-static -lc" "-static -pthread -lc"; do
    # shellcheck disable=SC2086 # words
    if ! cc -w $how -o prog own.c 2>/dev/null; then
        echo "${how:-plain}: not tried: cc cannot"
        continue
    fi
    # shellcheck disable=SC2086
    ckpt-cc -w $how -o prog own.c || fail "$how: does not link"
    moved "own functions ${how:-plain}"
done

# Go calls the linker with an object of its own; the way out that is named.
if command -v go >/dev/null; then
    export GO111MODULE=off GOCACHE=$work/gocache GOFLAGS=
    cat >prog.go <<'X'
package main

import (
	"fmt"
	"os"
	"time"
)

func main() {
	fmt.Println("first")
	time.Sleep(time.Second)
	fmt.Println("second")
	os.Exit(7)
}
X
    if CGO_ENABLED=0 go build -o prog prog.go 2>/dev/null; then
        ! ckpt check ./prog >out || fail "static Go: $(cat out)"
        grep -q -- '-extld ckpt-cc' out || fail "static Go: $(cat out)"
    fi
    for how in '' '-extldflags -static'; do
        go build -ldflags "-linkmode external -extld ckpt-cc $how" -o prog prog.go ||
            fail "go build $how"
        moved "Go ${how:-dynamic}"
    done
else
    echo "Go: not tried: no go on this machine"
fi
if command -v rustc >/dev/null; then
    cat >prog.rs <<'X'
fn main() {
    println!("first");
    std::thread::sleep(std::time::Duration::from_secs(1));
    println!("second");
    std::process::exit(7);
}
X
    for how in '' +crt-static; do
        rustc -C "target-feature=$how" -o prog prog.rs 2>/dev/null || {
            echo "Rust $how: not tried: rustc cannot"
            continue
        }
        rustc -C linker=ckpt-cc -C "target-feature=$how" -o prog prog.rs 2>/dev/null ||
            fail "rustc $how"
        moved "Rust ${how:-dynamic}"
    done
else
    echo "Rust: not tried: no rustc on this machine"
fi
