#!/bin/bash
# core_instants.sh [CYCLES [SEED]] - real programs stopped at random instants
#
# A sample for `make check`; `make check-long` asks for more.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"

cycles=${1:-${INSTANTS:-4}} seed=${2:-7}
need_command gfortran c++ python3
export OMP_NUM_THREADS=3 OMP_WAIT_POLICY=passive
driver=$top_srcdir/tests/system/random_instants.sh
mkdir "$work/in"
cd "$work"

go() { # NAME INPUT COMMAND...
    local prog=$1 input=$2
    shift 2
    rm -rf in/*
    cp "$input" in/
    bash "$driver" "$cycles" "$seed" "$prog" "$work/in" "$@"
}

ckpt-fc -O2 -fopenmp -o heat "$top_srcdir/examples/heat-openmp/heat.f90"
go heat "$top_srcdir/examples/heat-openmp/small.in" "$work/heat" small.in
ckpt-c++ -O2 -fopenmp -o walkers "$top_srcdir/examples/walkers-cxx/walkers.cc"
ONLY_EXIT=1 go walkers "$top_srcdir/examples/walkers-cxx/small.in" \
    "$work/walkers" small.in
cat >threads.py <<'END'
import threading
total = [0] * 3
def work(i):
    for k in range(700000):
        total[i] += k * k % 7
        if k % 50000 == 0:
            print("thread", i, "at", k, flush=True) if i == 0 else None
threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
for t in threads: t.start()
for t in threads: t.join()
print(total)
END
[ ! -x /usr/bin/python3 ] ||
    go python3 threads.py /usr/bin/python3 threads.py

# The same with increments, written by a child, one in three compressed, whose
# chains are merged in the background all the time.
export CKPT_INCREMENTAL=on CKPT_MERGE=1 MORE=3
go heat+increments "$top_srcdir/examples/heat-openmp/small.in" "$work/heat" \
    small.in
[ ! -x /usr/bin/python3 ] ||
    go python3+increments threads.py /usr/bin/python3 threads.py
