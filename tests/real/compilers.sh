#!/bin/bash
# compilers.sh - one program of threads, exceptions and thread-local data, by
# every compiler and linked in every way; other allocators and libcs; Go
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"
. "$top_srcdir/tests/real/real.sh"

cat >"$work/prog.cc" <<'X'
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>
static thread_local std::string mine;
struct Start { std::vector<int> v; Start() : v(100, 7) {} };
static Start start;
static std::mutex m;
static std::condition_variable cv;
static unsigned long step(unsigned long x) { return x * 16807 % 2147483647; }
static double deep(int n, unsigned long x)
{
    if (n == 0) { if (x % 3 == 0) throw std::runtime_error(std::to_string(x % 1000)); return std::sin((double)x); }
    return deep(n - 1, step(x)) + 1e-9;
}
static void work(int k, unsigned long *sum)
{
    unsigned long x = k + 3; std::map<int, std::unique_ptr<std::string>> all;
    for (int i = 0; i < 60000; i++) {
        x = step(x);
        auto &p = all[x % 500]; p = std::make_unique<std::string>(x % 2000, 'a' + x % 26);
        try { mine += deep(x % 50, x) > 0 ? "p" : "n"; } catch (const std::exception &e) { mine += e.what(); }
        if (mine.size() > 4000) { for (char c : mine) *sum = *sum * 31 + c; mine.clear(); }
    }
    std::lock_guard<std::mutex> l(m); cv.notify_one();
}
int main()
{
    unsigned long total = 0, x = 9;
    for (int round = 0; round < 12; round++) {
        std::vector<std::thread> t; unsigned long sum[3] = {0, 0, 0};
        for (int k = 0; k < 3; k++) t.emplace_back(work, k + round, &sum[k]);
        for (int i = 0; i < 3000000; i++) x = step(x);
        for (auto &th : t) th.join();
        for (int k = 0; k < 3; k++) total = total * 7 + sum[k];
        std::printf("%d %lu %lu %d\n", round, total, x, start.v[round]); std::fflush(stdout);
    }
}
X
cat >"$work/prog.c" <<'X'
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static __thread unsigned long x;
static unsigned long step(void) { return x = x * 16807 % 2147483647; }
static int compare(const void *a, const void *b) { return *(int *)a - *(int *)b; }
static void *work(void *arg)
{
    jmp_buf env; double s = 0; int *v = malloc(4000 * sizeof *v); volatile int n = 0;
    x = (unsigned long)arg + 3;
    if (setjmp(env) == 0 || n < 60) {
        n++;
        for (int i = 0; i < 4000; i++) v[i] = (int)step();
        qsort(v, 4000, sizeof *v, compare);
        for (int i = 0; i < 4000; i++) { char *t = malloc(step() % 300 + 20); sprintf(t, "%d %.3f", v[i], sin(v[i])); s += atof(strchr(t, ' ')); free(t); }
        longjmp(env, 1);
    }
    free(v); double *r = malloc(sizeof *r); *r = s; return r;
}
int main(void)
{
    for (int round = 0; round < 8; round++) {
        pthread_t t[3]; double sum = 0;
        for (long k = 0; k < 3; k++) pthread_create(&t[k], NULL, work, (void *)(k + round * 3));
        for (int k = 0; k < 3; k++) { void *r; pthread_join(t[k], &r); sum += *(double *)r; free(r); }
        printf("%d %.6f\n", round, sum); fflush(stdout);
    }
    return 0;
}
X
cat >"$work/prog.f90" <<'X'
program prog
  use omp_lib
  implicit none
  integer :: i, j, k, n = 330
  real(8), allocatable :: a(:,:), b(:,:), c(:,:)
  allocate(a(n,n), b(n,n), c(n,n))
  forall (i=1:n, j=1:n) a(i,j) = mod(i*7919+j*104729, 97) / 97d0
  b = a
  open(7, file='out.txt')
  do k = 1, 40
    !$omp parallel do private(i,j)
    do j = 1, n
      do i = 1, n
        c(i,j) = sum(a(i,:) * b(:,j)) / n
      end do
    end do
    !$omp end parallel do
    b = c + 0.5d0 * a
    print '(i4,es24.15)', k, sum(b)
    write(7, *) k, b(k, k)
  end do
end program
X
cat >"$work/omp.c" <<'X'
#include <math.h>
#include <stdio.h>
static double a[1 << 16];
int main(void)
{
    for (int k = 1; k <= 2000; k++) {
        #pragma omp parallel for schedule(dynamic, 512)
        for (int i = 0; i < 1 << 16; i++) a[i] = sin(a[i] + i * 1e-3) + sqrt(k + i);
        if (k % 20 == 0) { double s = 0; for (int i = 0; i < 1 << 16; i++) s += a[i]; printf("%d %.15g\n", k, s); }
    }
}
X

# Build with the command that follows the name, then move the program.
cc_case() { # NAME COMMAND...
    local name=$1
    shift
    begin "$name" "${1##*=}" || return 0
    if ! "$@" -o prog >"$work/build.log" 2>&1; then
        tail -5 "$work/build.log"
        echo "$name: does not build"
        failed+=("$name")
        return 0
    fi
    go "$name" ./prog
}
export OMP_NUM_THREADS=3 OMP_WAIT_POLICY=passive
gcc_lto() { ckpt-cc -O3 -flto -march=native "$work/prog.c" -pthread -lm "$@"; }
clang_cc() { CKPT_CC=clang ckpt-cc -O3 "$work/prog.c" -pthread -lm "$@"; }
clang_cxx() { CKPT_CXX=clang++ ckpt-c++ -O3 -march=native "$work/prog.cc" -pthread "$@"; }
clang_lto() { CKPT_CXX=clang++ ckpt-c++ -O2 -flto -fuse-ld=lld "$work/prog.cc" -pthread "$@"; }
clang_omp() { CKPT_CC=clang ckpt-cc -O2 -fopenmp "$work/omp.c" -lm "$@"; }

cc_case cxx-O0 ckpt-c++ -O0 -g "$work/prog.cc" -pthread
cc_case cxx-static ckpt-c++ -O2 -static "$work/prog.cc" -pthread
cc_case cxx-static-pie ckpt-c++ -O2 -static-pie "$work/prog.cc" -pthread
cc_case cc-no-pie ckpt-cc -O3 -march=native -no-pie "$work/prog.c" -pthread -lm
cc_case cc-static-no-pie ckpt-cc -O2 -static -no-pie "$work/prog.c" -pthread -lm
cc_case cc-lto gcc_lto
cc_case cc-lto-static gcc_lto -static
cc_case f90-openmp ckpt-fc -O3 -march=native -fopenmp "$work/prog.f90"
cc_case f90-static ckpt-fc -O2 -static "$work/prog.f90"
cc_case f90-openmp-static ckpt-fc -O2 -static -fopenmp "$work/prog.f90"
cc_case omp-static ckpt-cc -O2 -fopenmp -static "$work/omp.c" -lm
cc_case omp-static-pie ckpt-cc -O2 -fopenmp -static-pie "$work/omp.c" -lm
cc_case f90-libgfortran ckpt-fc -O2 -static-libgfortran -static-libgcc "$work/prog.f90"
cc_case cxx-libstdcxx ckpt-c++ -O2 -static-libstdc++ -static-libgcc "$work/prog.cc" -pthread
# Other linkers, and what they leave out.
for linker in gold lld mold; do
    ! command -v ld.$linker >/dev/null || for kind in -pie -static; do
        cc_case $linker$kind ckpt-c++ -O2 -fuse-ld=$linker $kind "$work/prog.cc" -pthread
    done
done
cc_case gc-sections ckpt-cc -O2 -s -ffunction-sections -fdata-sections -Wl,--gc-sections "$work/prog.c" -pthread -lm
cc_case gc-sections-static ckpt-cc -O2 -s -static -ffunction-sections -Wl,--gc-sections "$work/prog.c" -pthread -lm
IGNORE=gmon.out cc_case profiled ckpt-cc -O2 -pg "$work/prog.c" -pthread -lm
# Sanitizers stand in front of libc; AddressSanitizer has a shadow of 16 TB.
cc_case asan ckpt-cc -O1 -fsanitize=address,undefined "$work/prog.c" -pthread -lm
cc_case asan-cxx ckpt-c++ -O1 -g -fsanitize=address "$work/prog.cc" -pthread
ASAN_OPTIONS=verify_asan_link_order=0 cc_case asan-preload cc -O1 -fsanitize=address "$work/prog.c" -pthread -lm
cc_case openmp-preload cc -O2 -fopenmp "$work/omp.c" -lm
if command -v clang++ >/dev/null; then
    cc_case clang clang_cc
    cc_case clang-static clang_cc -static
    cc_case clang-cxx clang_cxx
    ! command -v ld.lld >/dev/null || cc_case clang-lto clang_lto
    ! echo 'int main(){}' | clang -x c -fopenmp - -o /dev/null 2>/dev/null ||
        cc_case clang-openmp clang_omp
else
    echo "clang: not tried: not installed"
fi

# Other allocators, preloaded and linked.
for library in libjemalloc.so.2 libmimalloc.so.2.0 libtcmalloc_minimal.so.4; do
    path=/usr/lib/x86_64-linux-gnu/$library
    name=${library%%.*}
    if [ ! -e "$path" ]; then
        echo "$name: not tried: not installed"
        continue
    fi
    if begin "$name-preload"; then
        c++ -O2 -o prog "$work/prog.cc" -pthread
        LD_PRELOAD=$path go "$name-preload" ./prog
    fi
    cc_case "$name-linked" ckpt-c++ -O2 "$work/prog.cc" -pthread "$path"
done

# Go with its own run-time system: cgo makes it dynamic.
if begin go-cgo go cc; then
    cat >prog.go <<'X'
package main

// #include <math.h>
// #cgo LDFLAGS: -lm
import "C"
import ("fmt"; "sort"; "sync")

func step(x uint64) uint64 { return x * 16807 % 2147483647 }
func main() {
	m := map[uint64]uint64{}
	x, mu, wg := uint64(7), sync.Mutex{}, sync.WaitGroup{}
	c := make(chan uint64, 10)
	for k := uint64(0); k < 4; k++ {
		wg.Add(1)
		go func(k uint64) { defer wg.Done(); y := k + 3
			for i := 0; i < 40000000; i++ { y = step(y); if i%100 == 0 { mu.Lock(); m[y%997] += y % 7; mu.Unlock() } }
			c <- y }(k)
	}
	s := []string{}
	for i := 1; i <= 600000000; i++ { x = step(x); if i%20000000 == 0 { s = append(s, fmt.Sprint(x)); fmt.Println(i, x, len(s), float64(C.sin(C.double(x)))) } }
	wg.Wait(); close(c)
	ends := []uint64{}; for y := range c { ends = append(ends, y) }
	sort.Slice(ends, func(a, b int) bool { return ends[a] < ends[b] })
	t := uint64(0); for k := uint64(0); k < 997; k++ { t = (t*31 + m[k]) % 1000003 }
	fmt.Println(ends, t)
}
X
    if GOCACHE=$work/gocache GO111MODULE=off command go build -o prog prog.go >"$work/build.log" 2>&1; then
        go go-cgo ./prog
    else
        tail -5 "$work/build.log"
        echo "go-cgo: does not build"
        failed+=(go-cgo)
    fi
fi
report
