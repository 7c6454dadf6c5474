#!/bin/bash
# releases.sh - images made here go on under other releases of Debian, whose libc
# is another, with nothing there but the image and a static ckpt
#
# RELEASES (default "bullseye trixie") below REAL_ROOTS (default: a temporary
# directory) are roots made by debootstrap, and made where they are missing.
# shellcheck source=tests/system/common.sh
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"
need_command ckpt-c++ c++ unshare chroot debootstrap
[ "$(id -u)" = 0 ] || skip "needs root"
unshare -m true 2>/dev/null || skip "no mount namespaces here"
roots=${REAL_ROOTS:-$work/roots}
mkdir -p "$roots" "$work/static"
here=$PWD

# what the system's static libraries allow
make -s -C "$top_builddir" ckpt-static >"$work/static.log" 2>&1 ||
    skip "no static ckpt: $(tail -1 "$work/static.log")"

cd "$work"
cat >calc.cc <<'END'
#include <cmath>
#include <cstdio>
#include <ctime>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

static thread_local double mine;
static double work(int k)
{
    std::map<std::string, double> m;
    for (int i = 0; i < 4000; i++)
        m[std::to_string(i * k)] += std::sin(i * 0.1) * std::exp(-i * 1e-4);
    double sum = 0;
    for (auto &p : m)
        sum += p.second * double(p.first.size());
    if (k % 3 == 0)
        throw std::runtime_error("three");
    return sum;
}
int main()
{
    double total = 0;
    for (int r = 0; r < 40; r++) {
        std::vector<std::thread> threads;
        double part[4] = {0};
        for (int i = 0; i < 4; i++)
            threads.emplace_back([&part, i, r] {
                try {
                    part[i] = mine = work(r * 4 + i + 1);
                } catch (std::exception &e) {
                    part[i] = e.what()[1];
                }
            });
        for (auto &t : threads)
            t.join();
        for (double p : part)
            total += p;
        char day[64];
        time_t t = 86400 * r;
        struct tm tm;
        gmtime_r(&t, &tm);
        strftime(day, sizeof day, "%F", &tm);
        printf("%s %.12g\n", day, total);
        fflush(stdout);
        usleep(50000);
    }
}
END
ckpt-c++ -O2 -o calc calc.cc
cat >squares.py <<'END'
import decimal, json, threading, time
try:
    import numpy
except ImportError:
    numpy = None
def work(out, i):
    x = i + 2
    for k in range(60):
        x = x * x % 1000003
        if numpy:
            a = numpy.arange(40000.0).reshape(200, 200) % 7 + x % 5
            x += int((a @ a.T).sum()) % 7
        time.sleep(0.02)
    out[i] = x
print("begun", flush=True) # there is no numpy to be imported elsewhere
out = {}
threads = [threading.Thread(target=work, args=(out, i)) for i in range(3)]
for t in threads: t.start()
for t in threads: t.join()
print(json.dumps(out, sort_keys=True), decimal.Decimal(2).sqrt(), flush=True)
END

# The directory "/" is the one that all roots have.
move() { # RELEASE NAME COMMAND...: half here, half there
    local root=$roots/$1 name=$2 pid i
    shift 2
    (cd / && exec "$@" </dev/null 2>/dev/null) >"$work/want"
    rm -f image out
    mkfifo out
    cat out >got &
    local reader=$!
    (cd / && exec ckpt run --fresh --image "$work/image" "$@" </dev/null \
        2>/dev/null) >out &
    pid=$!
    for ((i = 0; i < 600; i++)); do [ -s got ] || sleep 0.05; done
    sleep 0.4
    ckpt checkpoint --exit "$pid" >/dev/null || fail "$name: no image"
    wait "$pid" || true
    wait $reader
    mkdir -p "$root/mnt/ckpt"
    cp image "$top_builddir/ckpt-static" "$root/mnt/ckpt/"
    # shellcheck disable=SC2016 # for the inner shell
    unshare -m sh -c 'mount -t proc proc "$1/proc" &&
        exec chroot "$1" /mnt/ckpt/ckpt-static restart /mnt/ckpt/image' \
        sh "$root" </dev/null 2>err | cat >>got || true
    rm -rf "$root/mnt/ckpt"
    cmp -s want got || fail "$name under $release: $(cat err; diff want got | head -5)"
    echo "$name under $release ($(chroot "$root" ldd --version | head -1)): the same"
}

moved=0
for release in ${RELEASES:-bullseye trixie}; do
    if [ ! -x "$roots/$release/usr/bin/ldd" ] &&
        ! debootstrap --variant=minbase "$release" "$roots/$release" \
            >"$work/made" 2>&1; then
        echo "$release: left out: $(tail -1 "$work/made")"
        continue
    fi
    move "$release" calc "$work/calc"
    [ ! -x /usr/bin/python3 ] ||
        move "$release" python3 /usr/bin/python3 "$work/squares.py"
    moved=$((moved + 1))
done
cd "$here"
[ $moved -gt 0 ] || skip "no other release could be had"
