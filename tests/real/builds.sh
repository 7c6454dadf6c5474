#!/bin/bash
# builds.sh - larger programs built by their own build systems with ckpt-cc, many
# of them static; some bring tests of their own, which must pass as well
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"
. "$top_srcdir/tests/real/real.sh"
. "$top_srcdir/tests/real/fetch.sh"
NAP_MS=spread

text() {
    awk -v n="$1" 'BEGIN { x = 11; for (i = 0; i < n * 60000; i++) {
        x = (x * 16807) % 2147483647; printf "%d %x\n", x % 100000, x } }'
}
family() { # $1 sequences of $2 letters
    awk -v n="$1" -v len="$2" 'function r(m) { x = (x * 16807) % 2147483647; return int(x / 8) % m }
        BEGIN { x = 11; for (i = 0; i < n; i++) { printf ">s%d\n", i; from = i - 1 - r(4); line = ""
            for (j = 0; j < len; j++) { if (i == 0 || r(20) == 0) s[i, j] = substr("ACGT", r(4) + 1, 1)
                else s[i, j] = s[from < 0 ? 0 : from, j]; line = line s[i, j] }
            print line } }'
}
built() { find "$work/build" -name "$1" -type f -executable | head -1; }

if unpack fasttree fasttree; then # OpenMP, static
    steps() { ckpt-cc -static -DOPENMP -fopenmp -O3 -funroll-loops -o FastTreeMP ./*.c -lm; }
    if build fasttree steps; then
        family 300 600 >in.fa
        go fasttree "$work/build/FastTreeMP" -nt -gtr -seed 3 -quiet in.fa
    fi
fi
if unpack bwa bwa; then # threads, static
    steps() { sed -i 's/^const uint8_t rle_auxtab/extern &/' rle.h && make CC='ckpt-cc -static -fcommon' bwa; }
    if build bwa steps; then
        family 1 2500000 >ref.fa
        go bwa "$work/build/bwa" index ref.fa
    fi
fi
if unpack cadical cadical; then # C++, configure of its own
    steps() { CXX=ckpt-c++ ./configure && make -C build -j2 cadical; }
    if build cadical steps; then
        awk -v n=205 'BEGIN { m = int(4.26 * n); x = 5; print "p cnf", n, m
            for (i = 0; i < m; i++) { for (j = 0; j < 3; j++) { x = (x * 16807) % 2147483647
                v = x % n + 1; x = (x * 16807) % 2147483647; printf "%d ", x % 2 ? v : -v } print 0 } }' >data.cnf
        go cadical "$(built cadical)" -q data.cnf
    fi
fi
if unpack gzip gzip; then # static
    steps() { ./configure CC=ckpt-cc LDFLAGS=-static && make -j2; }
    if build gzip steps; then
        text 10 >data
        go gzip "$work/build/gzip" -k -9 data
    fi
fi
if unpack zstd libzstd; then # static, threads
    steps() { make -C programs CC=ckpt-cc LDFLAGS=-static HAVE_ZLIB=0 HAVE_LZMA=0 HAVE_LZ4=0 -j2 zstd; }
    if build zstd steps; then
        text 8 >data
        go zstd "$work/build/programs/zstd" -q -k -15 -T2 data
    fi
fi
if unpack perl perl; then # static, with static modules
    steps() { sh ./Configure -des -Dusedevel=n -Dcc=ckpt-cc -Dldflags=-static -Uusedl -Dprefix="$work/p" && make -j2 perl; }
    if build perl steps; then
        cat >prog.pl <<'X2'
my ($x, %h, $s) = 7; open my $o, '>', 'out.txt' or die; $SIG{ALRM} = sub { $s++ }; $| = 1;
for my $i (1 .. 3000000) { $x = ($x * 16807) % 2147483647; $h{$x % 3000} .= chr(97 + $x % 26); $h{$x % 3000} =~ s/(.)\1/$1/g if $x % 50 == 0;
  $h{$x % 3000} = '' if length $h{$x % 3000} > 300; if ($i % 100000 == 0) { print "$i $x\n"; print $o join ',', map { length } @h{1 .. 20}; } }
X2
        go perl "$work/build/perl" prog.pl
    fi
fi
if unpack tcl tcl8.6; then # static
    steps() { cd unix && ./configure CC=ckpt-cc --disable-shared && make -j2 LDFLAGS=-static tclsh; }
    if build tcl steps; then
        cat >prog.tcl <<'X2'
set x 7; for {set i 1} {$i <= 2000000} {incr i} { set x [expr {($x * 16807) % 2147483647}]; append t([expr {$x % 3000}]) [string index abcdefgh [expr {$x % 8}]]; if {$i % 100000 == 0} { puts "$i $x [array size t] [regsub -all {a+} $t(1) b]" } }
X2
        TCL_LIBRARY=$work/build/library go tcl "$work/build/unix/tclsh" prog.tcl
    fi
fi
if unpack stockfish stockfish; then # C++, threads, its net in the program
    steps() { cd src && make -j2 build ARCH=x86-64-modern COMP=gcc COMPCXX=ckpt-c++ CXX=ckpt-c++; }
    if build stockfish steps; then
        FILTER='/^info/d' go stockfish "$work/build/src/stockfish" bench 16 1 11
    fi
fi
if unpack flac flac; then # libtool
    steps() { { [ -x configure ] || ./autogen.sh; } && ./configure CC=ckpt-cc CXX=ckpt-c++ --disable-ogg --disable-shared && make -j2; }
    if build flac steps; then
        perl -e '$n = 44100 * 60; $x = 7; for ($i = 0; $i < $n; $i++) { $x = ($x * 16807) % 2147483647;
            $o .= pack("s<", 9000 * sin($i * 0.013) + $x % 900); } print $o' >in.raw
        go flac "$(built flac)" -s -8 -e -p --force-raw-format --endian=little --sign=signed --channels=1 --bps=16 --sample-rate=44100 -o out.flac in.raw
    fi
fi
if unpack python python3.11; then # modules through dlopen
    steps() { ./configure CC=ckpt-cc CXX=ckpt-c++ --without-ensurepip --disable-test-modules && make -j2; }
    if build python steps; then
        cat >prog.py <<'X2'
import hashlib, json, threading, zlib
x, d, out = 7, {}, {}
def worker(k):
    h = b""
    for i in range(150000): h = hashlib.sha256(h + bytes([k])).digest()
    out[k] = h.hex()
ts = [threading.Thread(target=worker, args=(k,)) for k in (1, 2)]
for t in ts: t.start()
for i in range(1, 1500001):
    x = (x * 16807) % 2147483647; d[x % 3000] = d.get(x % 3000, "") + chr(97 + x % 26)
    if i % 50000 == 0: print(i, x, zlib.crc32(json.dumps(d).encode()))
for t in ts: t.join()
print(sorted(out.items()))
X2
        go python "$work/build/python" prog.py
    fi
fi
report
