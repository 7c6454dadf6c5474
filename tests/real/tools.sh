#!/bin/bash
# tools.sh - unmodified tools and solvers, stopped at random instants
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"
. "$top_srcdir/tests/real/real.sh"

# $1 megabytes that compress a little, the same everywhere.
text() {
    awk -v n="$1" 'BEGIN { x = 11; for (i = 0; i < n * 60000; i++) {
        x = (x * 16807) % 2147483647; printf "%d %x\n", x % 100000, x } }'
}

if begin sqlite3-memory sqlite3; then
    cat >stdin <<'X'
create table t(a integer primary key, b text, c integer);
with recursive n(i, x) as (select 1, 7 union all select i + 1, x * 16807 % 2147483647 from n where i < 400000)
  insert into t select i, printf('%x', x), x % 1000 from n;
create index tc on t(c, b);
select c, count(*), min(b), max(b) from t group by c order by 2 desc, 1 limit 20;
select count(*) from t a join t b on a.c = b.c and a.a % 100 = 0 and b.b like '%f';
select sum(length(group_concat(b))) over () from t group by c limit 1;
X
    go sqlite3-memory sqlite3 :memory:
fi

if begin sqlite3-file sqlite3; then # rewrites its files in place
    {
        echo 'create table t(a integer primary key, b text);'
        for ((i = 0; i < 60; i++)); do
            echo "with recursive n(i, x) as (select 1, $i + 7 union all select i + 1, x * 16807 % 2147483647 from n where i < 8000) insert into t(b) select x from n;"
            echo "update t set b = b || 'u' where a % 60 = $i; select $i, count(*) from t;"
        done
        echo 'pragma integrity_check; select sum(b), count(*) from t;'
    } >stdin
    ONLY_EXIT=1 go sqlite3-file sqlite3 t.db
fi

if begin bc bc; then
    echo 'scale=900; for (i = 1; i < 22; i++) { 4*a(1)+i; e(1/i); sqrt(i) }' >stdin
    go bc bc -l
fi

if begin dc dc; then
    echo '[lb*1-d0<a]sa 3000 sn 2 20001^ 3 9001^ * v p 7 40001^ 11 9999^ | p' >stdin
    go dc dc
fi

if begin xz xz; then
    text 2 >data
    go xz xz -k -6 data
fi
if begin xz-threads xz; then
    text 5 >data
    go xz-threads xz -k -2 -T3 --block-size=1MiB data
fi
if begin zstd zstd; then
    text 4 >data
    go zstd zstd -q -k -17 --single-thread data
fi
if begin zstd-threads zstd; then
    text 8 >data
    go zstd-threads zstd -q -k -15 -T3 data
fi
if begin gzip gzip; then
    text 10 >data
    go gzip gzip -k -9 data
fi
if begin bzip2 bzip2; then
    text 8 >data
    go bzip2 bzip2 -k data
fi
if begin sort sort; then
    text 30 >data
    go sort sort --parallel=2 -S 300M -k2 -o sorted data
fi
if begin sort-merge sort; then # temporary files come and go
    text 20 >data
    mkdir tmp
    ONLY_EXIT=1 go sort-merge sort -T tmp --parallel=2 -S 4M -k2 -o sorted data
fi
if begin factor factor; then
    go factor factor 1267650600228201595702478963633 \
        2535301200456252763310454214043 81129638414606663681390495662081
fi
if begin sha256sum sha256sum; then
    text 1 >part
    for ((i = 0; i < 700; i++)); do cat part; done >data
    go sha256sum sha256sum data
fi
if begin openssl-dgst openssl; then
    text 1 >part
    for ((i = 0; i < 700; i++)); do cat part; done >data
    go openssl-dgst openssl dgst -sha3-512 data
fi
if begin openssl-prime openssl; then
    go openssl-prime openssl prime -checks 3000 \
        115792089237316195423570985008687907853269984665640564039457584007913129639747 \
        "$(echo '2^4423-1' | BC_LINE_LENGTH=0 bc)"
fi
if begin gnuplot gnuplot; then
    cat >prog.gp <<'X'
set terminal svg
do for [i=1:12] { set output sprintf("o%d.svg", i)
  set isosamples 120; set samples 300
  splot sin(i*sqrt(x*x+y*y))/(1+x*x+y*y) with pm3d, exp(-x*x/i)*cos(y) with lines }
X
    go gnuplot gnuplot prog.gp
fi
if begin gs gs; then
    cat >prog.ps <<'X'
%!PS
/x 7 def /step { /x x 16807 mul cvi 65521 mod def x } def
1 1 25 { 1 1 4000 { pop step 500 mod step 700 mod moveto step 500 mod step 700 mod lineto
  step 255 mod 255 div setgray stroke } for = showpage } for quit
X
    go gs gs -q -dNOPAUSE -dBATCH -sDEVICE=png16m -r50 -sOutputFile=o%d.png prog.ps
fi
if begin glpsol glpsol; then
    cat >prog.mod <<'X'
param n := 26; set I := 1..n; set J := 1..n;
param c{i in I, j in J} := ((i * 7919 + j * 104729) mod 97) + ((i * j) mod 13);
param w{i in I} := (i * 37) mod 41 + 5;
var x{I, J} binary; var y{J} binary;
minimize z: sum{i in I, j in J} c[i,j] * x[i,j] + sum{j in J} 20 * y[j];
s.t. one{i in I}: sum{j in J} x[i,j] = 1; s.t. cap{j in J}: sum{i in I} w[i] * x[i,j] <= 90 * y[j];
solve; printf "%d\n", z; end;
X
    FILTER='/^Time used/d; /^Memory used/d; /^[+* ].*\(mip\|obj\) =/d' go glpsol glpsol --tmlim 100000 -m prog.mod -o out.txt
fi
if begin gp gp; then
    printf '%s\n' 'default(parisizemax,"400M");' 'for(i=1,64,print(factor(2^(101+2*i)-1))); print(polgalois(x^7-x-1)); print(ellap(ellinit([1,1]),nextprime(10^30)))' >stdin
    go gp gp -q -f
fi
if begin cc1 gcc; then # the compiler proper
    awk 'BEGIN { x = 7; for (i = 0; i < 2500; i++) { x = (x * 16807) % 2147483647
        printf "long f%d(long *a, long n) { long s = %d; for (long i = 0; i < n; i++) { if (a[i] %% %d == 0) s += a[i] * s; else s ^= a[i] << %d; switch (s & 7) { case 1: s++; break; case 2: s *= 3; break; case 5: s -= a[i]; } } return s; }\n", i, x % 1000, x % 97 + 2, x % 31 } }' >prog.c
    go cc1 "$(gcc -print-prog-name=cc1)" -quiet -O2 prog.c -o prog.s
fi
if begin tar tar; then
    text 10 >part
    mkdir files
    for ((i = 0; i < 40; i++)); do cp part files/$i; done
    go tar tar --format=ustar --sort=name --mtime=@1 -cf out.tar files
fi
if begin nim nim; then # a garbage collector of its own
    cat >prog.nim <<'X'
import tables, strutils
var t = initTable[int, seq[string]]()
var x = 7
for i in 1 .. 6000000:
  x = x * 16807 mod 2147483647
  t.mgetOrPut(x mod 3000, @[]).add($x)
  if t[x mod 3000].len > 20: t[x mod 3000] = @[]
  if i mod 100000 == 0: echo i, " ", x, " ", t.len
var s = 0
for k in 0 ..< 3000: s = (s * 31 + t.getOrDefault(k).join(",").len) mod 1000003
echo s
X
    if nim c --hints:off --nimcache:cache -d:release prog.nim >/dev/null 2>&1; then
        rm -rf cache
        go nim ./prog
    else
        echo "nim: not tried: it does not compile here"
        cd "$work"
    fi
fi
report
