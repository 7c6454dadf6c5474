#!/bin/bash
# cli_check.sh - what `ckpt check` says of programs and processes, and that
# `ckpt run` and ckpt-cc say the same of what cannot be
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"
need_command ckpt ckpt-cc cc
cd "$work"

says() { # STATUS PATTERN COMMAND...
    local want=$1 pattern=$2 status=0
    shift 2
    timeout 30 "$@" >out 2>&1 || status=$?
    [ $status = "$want" ] || fail "$*: exit status $status: $(cat out)"
    grep -qE -- "$pattern" out || fail "$*: $(cat out)"
    echo "$*: $(tail -n 1 out)"
}

cat >wait.c <<'X'
#include <sys/socket.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        socket(AF_INET, SOCK_DGRAM, 0);
    close(0);
    sleep(100);
    return 0;
}
X
cc -o plain wait.c
ckpt-cc -o relinked wait.c
ckpt-cc -static -o relinked-static wait.c
printf '#! /bin/sh -e\nexec ./plain\n' >script
printf '#!%s/script\n' "$work" >scriptscript
printf '\177ELF\002\001\001\000\000\000\000\000\000\000\000\000\002\000\267\000' >foreign
head -c 200 /dev/zero >>foreign
printf '\177ELF\001\001\001\000\000\000\000\000\000\000\000\000\002\000\003\000' >x86
head -c 200 /dev/zero >>x86
echo text >text
chmod +x script scriptscript foreign x86 text
case $(readelf -l /bin/sh 2>/dev/null) in
*ld-linux-x86-64.so.2*) sh=dynamic ;;
*) sh='' ;;
esac

says 0 'yes: relinked' ckpt check ./relinked
says 0 'yes: relinked' ckpt check ./relinked-static
says 0 'yes: libckpt.so is preloaded' ckpt check ./plain
[ -z "$sh" ] || says 0 '/bin/sh: yes' ckpt check ./script
says 1 'no: a script of a script' ckpt check ./scriptscript
says 1 'for 64-bit ARM' ckpt check ./foreign
says 1 'for 32-bit x86' ckpt check ./x86
says 1 'no program for this machine' ckpt check ./text
says 1 'No such file' ckpt check ./nothing
says 1 'not found in PATH' ckpt check nothing-of-this-name
if cc -static -o static wait.c 2>/dev/null; then
    says 1 'no: linked statically and without libckpt: relink' ckpt check ./static
    says 1 'linked statically and without libckpt: relink' ckpt run ./static
fi
if command -v musl-gcc >/dev/null; then
    musl-gcc -o musl wait.c
    says 1 'no: started by .*musl' ckpt check ./musl
    says 1 'musl.*needs glibc' ckpt run ./musl
    says 1 'links with musl' env CKPT_CC=musl-gcc ckpt-cc -o x wait.c
else
    echo "musl: not tried: no musl-gcc"
fi
for setuid in $(command -v passwd su mount); do
    if [ -u "$setuid" ] && [ "$(id -u)" != 0 ]; then
        says 1 'no: setuid' ckpt check "$setuid"
        break
    fi
done

check_process() { # STATUS PATTERN COMMAND...
    "${@:3}" >/dev/null 2>&1 &
    local pid=$!
    sleep 0.3
    says "$1" "$2" ckpt check $pid
    kill $pid
    wait $pid 2>/dev/null || true
}
check_process 0 'yes: a checkpoint would work now' ./relinked
check_process 0 'yes: a checkpoint would work now' ckpt run --image "$work/image" ./plain
check_process 1 'UDP|socket' ./relinked socket
check_process 1 'not under checkpointing' ./plain
says 1 'no process' ckpt check 999999999
[ ! -e image ] || fail "a check left an image"

# An image that could never be written is told at once.
says 1 "$work/none:" ckpt run --image "$work/none/image" ./plain
says 1 "$work/none:" env CKPT_IMAGE="$work/none/image" ckpt run ./plain
check_process 1 "$work/none:" env CKPT_IMAGE="$work/none/image" ./relinked

# A wrong value comes with what is wanted instead; a name is not empty.
says 2 '15m' ckpt run --every soon ./plain
says 2 'CKPT_KEEP=5x' ckpt run --keep 5x ./plain
says 2 'CKPT_EXIT_ON=15x' ckpt run --exit-on 15x ./plain
says 2 'CKPT_EXIT_ON=KILL' ckpt run --exit-on KILL ./plain
says 2 'zstd' ckpt run --codec lzw ./plain
says 2 'CKPT_FILES=all.*save' ckpt run --files all ./plain
says 1 'CKPT_EVERY=soon.*15m' env CKPT_EVERY=soon ./relinked
says 2 --image ckpt run --image '' ./plain
says 2 --image ckpt checkpoint --image '' $$
says 2 --pool ckpt q --pool ''
says 2 --pool ckpt --pool '' q
says 2 --dir ckpt pool status --dir ''

# 2^32 more is no process of ours.
./relinked &
waiting=$!
says 2 'process id' ckpt checkpoint $((4294967296 + waiting))
says 1 $((4294967296 + waiting)) ckpt check $((4294967296 + waiting))
kill $waiting
wait $waiting 2>/dev/null || true

# A program that cannot even answer: said at once, with the way out.
./relinked &
waiting=$!
sleep 0.3
prlimit --nofile=0: --pid $waiting
says 1 "process $waiting has no descriptor left" ckpt checkpoint $waiting
prlimit --nofile=64: --pid $waiting
says 0 'would work now' ckpt check $waiting
kill $waiting
wait $waiting 2>/dev/null || true
