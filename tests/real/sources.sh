#!/bin/bash
# sources.sh - programs built by their own build systems with CC=ckpt-cc
#
# The sources are Debian's, fetched with apt-get source and lists of its own in
# a private directory; REAL_SOURCES names one to keep and use again.  Skipped
# where sources cannot be had.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"
. "$top_srcdir/tests/real/real.sh"
. "$top_srcdir/tests/real/fetch.sh"

if unpack bc bc; then
    steps() {
        ./configure CC=ckpt-cc CFLAGS='-O2 -g' MAKEINFO=true &&
            make -j2 MAKEINFO=true
    }
    if build bc steps; then
        echo 'scale=900; for (i = 1; i < 30; i++) { 4*a(1)+i; e(1/i); sqrt(i) }' >stdin
        go bc "$work/build/bc/bc" -l
    fi
fi

if unpack lua lua5.4; then # static, no PIE
    steps() {
        make -C src lua CC='ckpt-cc -std=gnu99' MYLDFLAGS='-static -no-pie' \
            MYCFLAGS='-O3 -march=native -fno-pie'
    }
    if build lua steps; then
        cat >prog.lua <<'X'
local t, x = {}, 42
for i = 1, 9000000 do
    x = (x * 16807) % 2147483647
    t[x % 5000] = (t[x % 5000] or "") .. (i % 500 == 0 and "z" or "")
    if i % 100000 == 0 then print(i, x) end
end
local n = 0
for _, v in pairs(t) do n = n + #v end
print(n)
X
        go lua "$work/build/src/lua" prog.lua
    fi
fi

# A formula that is hard enough: $1 variables, the same everywhere.
sat_formula() {
    awk -v n="$1" 'BEGIN { m = int(4.26 * n); x = 5; print "p cnf", n, m
        for (i = 0; i < m; i++) { for (j = 0; j < 3; j++) { x = (x * 16807) % 2147483647
            v = x % n + 1; x = (x * 16807) % 2147483647; printf "%d ", x % 2 ? v : -v }
            print 0 } }'
}
if unpack minisat minisat2; then # C++
    steps() {
        # a default argument where the standard no longer has it
        sed -i 's/friend Lit mkLit(Var var, bool sign = false)/friend Lit mkLit(Var var, bool sign)/
            s/^inline  Lit  mkLit *(Var var, bool sign)/inline Lit mkLit(Var var, bool sign = false)/' \
            minisat/core/SolverTypes.h
        make r CXX=ckpt-c++ VERB=
    }
    if build minisat steps; then
        sat_formula 215 >data.cnf
        solver=$(find "$work/build" -name 'minisat*' -type f -executable | head -1)
        go minisat "$solver" -verb=0 -no-pre data.cnf result
    fi
fi

if unpack bzip2 bzip2; then
    steps() { make CC=ckpt-cc bzip2; }
    if build bzip2 steps; then
        awk 'BEGIN { x = 11; for (i = 0; i < 900000; i++) {
            x = (x * 16807) % 2147483647; printf "%d %x\n", x % 100000, x } }' >data
        go bzip2 "$work/build/bzip2" -k data
    fi
fi

if command -v clang >/dev/null && unpack bzip2-clang bzip2; then # static, by clang
    steps() { CKPT_CC=clang make CC=ckpt-cc LDFLAGS=-static bzip2; }
    if build bzip2-clang steps; then
        awk 'BEGIN { x = 11; for (i = 0; i < 900000; i++) {
            x = (x * 16807) % 2147483647; printf "%d %x\n", x % 100000, x } }' >data
        go bzip2-clang "$work/build/bzip2" -k data
    fi
fi

if unpack bc-lto bc; then # link-time optimization
    steps() {
        ./configure CC=ckpt-cc CFLAGS='-O2 -flto' LDFLAGS=-flto MAKEINFO=true &&
            make -j2 MAKEINFO=true
    }
    if build bc-lto steps; then
        echo 'scale=900; for (i = 1; i < 30; i++) { 4*a(1)+i; e(1/i); sqrt(i) }' >stdin
        go bc-lto "$work/build/bc/bc" -l
    fi
fi

if unpack glpk glpk; then # libtool: a program in place of a shared library
    steps() {
        ./configure CC=ckpt-cc CFLAGS=-O2 --disable-shared && make -j2
    }
    if build glpk steps; then
        cat >prog.mod <<'X'
param n := 22; set I := 1..n; set J := 1..n;
param c{i in I, j in J} := ((i * 7919 + j * 104729) mod 97) + ((i * j) mod 13);
param w{i in I} := (i * 37) mod 41 + 5;
var x{I, J} binary; var y{J} binary;
minimize z: sum{i in I, j in J} c[i,j] * x[i,j] + sum{j in J} 20 * y[j];
s.t. one{i in I}: sum{j in J} x[i,j] = 1;
s.t. cap{j in J}: sum{i in I} w[i] * x[i,j] <= 90 * y[j];
solve; printf "%d\n", z; end;
X
        FILTER='/^Time used/d; /^Memory used/d; /^[+ ].*mip =/d' go glpk \
            "$work/build/examples/glpsol" --mipgap 0.02 -m prog.mod -o out.txt
    fi
fi

if unpack gawk gawk; then
    steps() { ./configure CC=ckpt-cc --disable-extensions --disable-nls && make -C support && make -j2 gawk; }
    if build gawk steps; then
        go gawk "$work/build/gawk" 'BEGIN { x = 7; for (i = 1; i <= 2500000; i++) {
            x = (x * 16807) % 2147483647; c[sprintf("%x", x % 4096)]++
            if (i % 50000 == 0) { print i, x; print x > "out.txt" } }
            n = asorti(c, d); for (i = 1; i <= n; i++) print d[i], c[d[i]] }'
    fi
fi

if unpack nauty nauty; then
    steps() { { [ -x configure ] || autoreconf -i; } && ./configure CC=ckpt-cc CFLAGS='-O3 -march=native' && make -j2 geng; }
    if build nauty steps; then
        go nauty "$work/build/geng" -q -c 10 10:14 out.g6
    fi
fi

if unpack xz xz-utils; then # libtool, a shared library of its own
    steps() {
        ./configure CC=ckpt-cc --disable-nls --disable-doc --disable-scripts &&
            make -j2
    }
    if build xz steps; then
        awk 'BEGIN { x = 11; for (i = 0; i < 120000; i++) {
            x = (x * 16807) % 2147483647; printf "%d %x\n", x % 100000, x } }' >data
        LD_LIBRARY_PATH=$work/build/src/liblzma/.libs \
            go xz "$work/build/src/xz/.libs/xz" -k -6 data
    fi
fi

if unpack sqlite3 sqlite3; then
    steps() {
        ./configure CC=ckpt-cc --disable-tcl --disable-readline CFLAGS=-O2 &&
            make sqlite3
    }
    if build sqlite3 steps; then
        cat >stdin <<'X'
create table t(a integer primary key, b text, c integer);
with recursive n(i, x) as (select 1, 7 union all select i + 1, x * 16807 % 2147483647 from n where i < 400000)
  insert into t select i, printf('%x', x), x % 1000 from n;
create index tc on t(c, b);
select c, count(*), min(b), max(b) from t group by c order by 2 desc, 1 limit 20;
select count(*) from t a join t b on a.c = b.c and a.a % 100 = 0 and b.b like '%f';
X
        go sqlite3 "$(find "$work/build" -name sqlite3 -type f -executable | head -1)" :memory:
    fi
fi

if unpack lapack lapack; then # Fortran, CMake
    steps() {
        cmake -S . -B out -DCMAKE_Fortran_COMPILER=ckpt-fc \
            -DCMAKE_C_COMPILER=ckpt-cc -DBUILD_TESTING=ON -DBUILD_SHARED_LIBS=OFF \
            -DCMAKE_POLICY_DEFAULT_CMP0037=OLD
        cmake --build out -j2 --target xblat3d xblat3z
    }
    if command -v cmake ckpt-fc gfortran >/dev/null && build lapack steps; then
        sed -e 's/DBLAT3.SUMM/dblat3.summ/; s/^6 .*NUMBER OF VALUES OF N/7  NUMBER OF VALUES OF N/' \
            -e 's/^0 1 2 3 5 9 .*/0 1 2 3 5 35 65/' "$work/build/BLAS/TESTING/dblat3.in" >stdin
        go lapack "$(find "$work/build/out" -name xblat3d -type f)"
    fi
fi
report
