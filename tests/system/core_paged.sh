#!/bin/bash
# core_paged.sh - a large program goes on while a pager brings its memory from a
# compressed image, or from an increment and its bases
#
# Killed, asked for a checkpoint and made to change its mappings meanwhile; the
# kernel touches memory that is missing; images are damaged, the pager dies.
# The result is always that of an undisturbed run, or the program is ended.
# shellcheck source=tests/system/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/system/lazy_common.sh
. "$(dirname "$0")/lazy_common.sh"

# Numbers of few bits: they shrink, but not to nothing.
cat >mix.c <<'END'
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    size_t n = (size_t)atoi(argv[1]) << 17;
    uint64_t *p = malloc(n * 8), x = 88172645463325252u, sum = 0;
    for (size_t i = 0; i < n; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        p[i] = x & 0xffffffff;
    }
    puts("filled");
    fflush(stdout);
    for (size_t k = 0, at = 0; k < 1200; k++) {
        for (int i = 0; i < 3000; i++) {
            at = (at + 104729 * 64) % n;
            p[at] = p[at] * 6364136223846793005u + k;
        }
        char gate[32]; /* it waits to be checkpointed, 100 steps on each time */
        snprintf(gate, sizeof gate, "gate.%zu", k / 100);
        while (k % 100 == 99 && k < 400 && argc == 2 && access(gate, F_OK) != 0)
            usleep(2000);
        usleep(500);
    }
    for (size_t i = 0; i < n; i++)
        sum = sum * 31 + p[i];
    printf("%016llx\n", (unsigned long long)sum);
    return 0;
}
END

# Its stack, its signal stack and what it reads into are in memory that is
# missing at first: there the kernel meets it.
cat >kernel.c <<'END'
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>
enum { MB = 1 << 20, SIZE = 96 * MB };
static unsigned char *area;
static ucontext_t back, in[8];
static volatile sig_atomic_t signals;
static int bad;
static unsigned char at(size_t i) { return (unsigned char)(i * 31 + (i >> 12)); }
static void on_alarm(int sig)
{
    char room[4096];
    (void)sig;
    memset(room, (int)signals, sizeof room);
    signals += room[17] == (char)signals;
}
static int is_right(size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (area[i] != at(i))
            return 0;
    return 1;
}
static void deeper(int n)
{
    volatile char room[2000];
    room[n] = (char)n;
    if (n > 0)
        deeper(n - 1);
    bad |= room[n] != (char)n;
}
static void on_other_stack(int k)
{
    deeper(200);
    swapcontext(&in[k], &back);
    for (int i = 0; i < 20; i++) {
        deeper(200);
        usleep(200);
    }
}
int main(void)
{
    struct sigaction sa = {.sa_handler = on_alarm, .sa_flags = SA_ONSTACK | SA_RESTART};
    struct itimerval often = {{0, 900}, {0, 900}};
    int fd = open("/proc/self/exe", O_RDONLY);
    char want[70000];
    area = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; i < SIZE; i++)
        area[i] = at(i);
    stack_t stack = {.ss_sp = area + 5 * MB, .ss_size = MB};
    sigaltstack(&stack, NULL);
    for (int k = 0; k < 8; k++) {
        getcontext(&in[k]);
        in[k].uc_stack.ss_sp = area + (10 + 3 * k) * MB;
        in[k].uc_stack.ss_size = MB;
        in[k].uc_link = &back;
        makecontext(&in[k], (void (*)(void))on_other_stack, 1, k);
        swapcontext(&back, &in[k]);
    }
    if (pread(fd, want, sizeof want, 0) != sizeof want)
        return 2;
    sigaction(SIGALRM, &sa, NULL);
    puts("filled");
    fflush(stdout);
    while (access("go", F_OK) != 0)
        ;
    setitimer(ITIMER_REAL, &often, NULL);
    for (int k = 0; k < 8; k++) {
        unsigned char *to = area + (50 + k) * MB + 12345;
        struct iovec two[] = {{to, 30000}, {to + 300000, 40000}};
        if (preadv(fd, two, 2, 0) != sizeof want || memcmp(to, want, 30000) != 0 ||
            memcmp(to + 300000, want + 30000, 40000) != 0)
            bad = 1;
        swapcontext(&back, &in[7 - k]);
    }
    often.it_interval.tv_usec = often.it_value.tv_usec = 0;
    setitimer(ITIMER_REAL, &often, NULL);
    for (int k = 0; k < 8; k++)
        bad |= !is_right((50 + (size_t)k) * MB + 400000, (51 + (size_t)k) * MB);
    bad |= !is_right(0, 5 * MB) || !is_right(60 * MB, SIZE) || signals == 0;
    puts(bad ? "bad" : "OK");
    return bad;
}
END
ckpt-cc -O1 -o mix mix.c
ckpt-cc -O1 -D_GNU_SOURCE -o kernel kernel.c
make_lazy
export PROG_READY=$work/ready PROG_GO=$work/progress
MB=128
expected=$(./mix $MB at once </dev/null | tail -1)

# Start, take $BEFORE increments, checkpoint and end.
take() { # IMAGE PROGRAM...
    local image=$1 i
    shift
    rm -f gate.* out
    cat pipe >out &
    CKPT_IMAGE=$image "$@" </dev/null >pipe 2>&1 &
    pid=$!
    for ((i = 0; i < 2000; i++)); do
        if grep -q filled out || [ -e ready ]; then break; fi
        sleep 0.02
    done
    for ((i = 0; i < BEFORE; i++)); do
        ckpt checkpoint $pid >/dev/null || fail "no increment"
        touch gate.$i
        sleep 0.2
    done
    ckpt checkpoint $pid --exit >/dev/null || fail "no checkpoint"
    wait $pid || [ $? -eq 85 ] || fail "exit status $?: $(cat out)"
    wait
    touch gate.0 gate.1 gate.2 gate.3
}

# Restart, with another standard output, in the background; at once.
again() { # IMAGE [OPTION...]
    local image=$1 before
    shift
    before=$(lines 'memory is being loaded')
    cat pipe >out &
    ckpt restart "$@" "$image" </dev/null >pipe 2>&1 &
    pid=$!
    await_line 'memory is being loaded' "$before"
}

# A program that is ended says why, and with what status it is restarted.
is_ended() { # WHAT PATTERN
    local status=0
    wait $pid || status=$?
    wait
    if [ $status -ne 1 ] && [ $status -ne 137 ]; then fail "$1: exit status $status: $(cat out)"; fi
    grep -q "$2.*was ended" out || fail "$1: $(cat out)"
    echo "$1: $(tail -1 out)"
}

# False when it has done its work already.
kill_pager() { # IMAGE
    local pager
    for pager in $(pgrep -x ckpt-pager); do
        find "/proc/$pager/fd" -lname "$1" 2>/dev/null | grep -q . || continue
        kill -9 "$pager" 2>/dev/null && return 0
    done
    return 1
}

go_through() { # NAME
    local image=$work/$1.image i before status
    take "$image" ./mix $MB
    before=$(lines 'memory is being loaded')
    ckpt restart "$image" </dev/null 2>&1 | cat >out
    is_right out "$1: restart"
    if [ "$(lines 'memory is being loaded')" -eq "$before" ]; then
        echo "skipped: no pager here: it needs userfaultfd for the kernel's" \
            "faults, too (root, or vm.unprivileged_userfaultfd = 1)"
        exit 77
    fi
    for i in 1 2 4 6; do
        cat pipe >/dev/null &
        ckpt restart "$image" </dev/null >pipe 2>&1 &
        pid=$!
        sleep 0.0"$i"
        kill -9 $pid
        wait $pid 2>/dev/null || true
    done
    wait
    again "$image"
    ckpt checkpoint $pid --exit --image "$work/second" >/dev/null || fail "$1: no second checkpoint"
    wait $pid || [ $? -eq 85 ] || fail "$1: exit status $?: $(cat out)"
    wait
    ckpt restart second </dev/null 2>&1 | cat >out
    is_right out "$1: killed four times; a second checkpoint, at once"

    # whoever brings the memory dies
    again "$image"
    if kill_pager "$image"; then
        is_ended "$1: no pager" "pager of its memory has died"
    else
        wait
        is_right out "$1: all was loaded before the pager could be killed"
    fi

    # damage: refused, or found before the program sees it
    cp -a "$image" whole
    printf 'damaged!' | dd of="$image" bs=1 seek=$(($(stat -c %s whole) * 2 / 3)) \
        conv=notrunc 2>/dev/null
    status=0
    if [ "$BEFORE" = 0 ]; then # else the last whole one would be taken
        ckpt restart "$image" </dev/null >out 2>&1 || status=$?
        if [ $status -ne 1 ] || ! grep -q damaged: out || grep -q "was ended" out; then
            fail "$1: damage: exit status $status: $(cat out)"
        fi
        again "$image" --verify=lazy
        is_ended "$1: damage" "damaged:"
    fi
    cp -a whole "$image"
    rm -rf "$image"* whole second
}

# What could tell the difference, before all is loaded.
changing() { # NAME
    local i
    rm -f ready progress
    take "$work/lazy.image" ckpt run --fresh --image "$work/lazy.image" ./lazy
    touch progress
    for i in 1 2; do
        ckpt restart lazy.image </dev/null 2>&1 | cat >out
        is_right out "$1: changing mappings at once" OK
    done
    rm -f ready progress go
    take "$work/kernel.image" ./kernel
    touch go
    for i in 1 2; do
        ckpt restart kernel.image </dev/null 2>&1 | cat >out
        is_right out "$1: the kernel meets missing memory" OK
    done
    rm -rf ready go ./*.image*
}

codecs=zlib
! grep -q '^#define HAVE_ZSTD' "$top_builddir/config.h" || codecs=zstd
for codec in $codecs; do
    export CKPT_CODEC=$codec BEFORE=0
    go_through "$codec"
    changing "$codec"
    export CKPT_INCREMENTAL=on BEFORE=3
    go_through "$codec-increments"
    changing "$codec-increments"
done
export CKPT_CODEC=none
go_through increments
[ "$(lines 'memory loaded')" -gt 0 ] || fail "never loaded: $(cat log)"
