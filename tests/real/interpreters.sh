#!/bin/bash
# interpreters.sh - unmodified interpreters, stopped at random instants
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"
. "$top_srcdir/tests/real/real.sh"

if begin python3 /usr/bin/python3; then
    cat >prog.py <<'X'
import hashlib, random, re, json, zlib, threading
random.seed(5)
words = {}
def gen(n):
    for i in range(n):
        yield "%x" % random.getrandbits(20)
lock = threading.Lock()
def count(k):
    h = hashlib.sha256()
    for i in range(150000):
        h.update(b"%d" % (i * k))
        if i % 10000 == 0:
            with lock: words["t%d" % k] = h.hexdigest()
ts = [threading.Thread(target=count, args=(k,)) for k in (3, 5)]
for t in ts: t.start()
out = open("out.txt", "w")
for n, w in enumerate(gen(1000000)):
    words[w[:3]] = words.get(w[:3], 0) + 1
    if n % 20000 == 0:
        out.write("%d %s %d\n" % (n, re.sub("[0-9]", "#", w), len(words)))
        print(n, zlib.crc32(json.dumps(sorted(k for k in words if k[0] != "t")).encode()))
for t in ts: t.join()
print(json.dumps(words, sort_keys=True))
X
    go python3 /usr/bin/python3 prog.py
fi

if begin numpy /usr/bin/python3 && { /usr/bin/python3 -c 'import numpy' 2>/dev/null ||
    { echo "numpy: not tried: not installed" && false; }; }; then
    cat >prog.py <<'X'
import numpy as np
rng = np.random.default_rng(3)
a = rng.standard_normal((300, 300))
for i in range(120):
    q, r = np.linalg.qr(a)
    a = r @ q + 0.01 * rng.standard_normal((300, 300))
    f = np.fft.fft(a[0])
    print(i, float(abs(f).sum()), a.sum(), flush=i % 7 == 0)
np.save("a.npy", a)
X
    OPENBLAS_NUM_THREADS=3 go numpy /usr/bin/python3 prog.py
fi

if begin perl perl; then
    cat >prog.pl <<'X'
use strict; use warnings; use Digest::SHA qw(sha256_hex);
my (%h, $x); $x = 1;
open my $out, '>', 'out.txt' or die;
for my $i (1 .. 1500000) {
    $x = ($x * 1103515245 + 12345) & 0x7fffffff;
    my $k = sprintf "%03x", $x >> 16 & 0xfff;
    $h{$k} .= "a" if $i % 3 == 0;
    if ($i % 30000 == 0) { print $out "$i ", sha256_hex(join ",", map { "$_$h{$_}" } sort keys %h), "\n"; print "$i\n"; }
}
print join(" ", map { "$_=" . length $h{$_} } sort keys %h), "\n";
X
    go perl perl prog.pl
fi

if begin perl-fork perl; then # children that are reaped between checkpoints
    cat >prog.pl <<'X'
for my $i (1 .. 60) {
    my $s = 0; $s += $_ * $_ % 7 for 1 .. 300000;
    my $o = `echo $i $s`; print "got $o";
}
X
    go perl-fork perl prog.pl
fi

if begin lua lua5.4; then
    cat >prog.lua <<'X'
local t, x = {}, 42
local co = coroutine.wrap(function() for i = 1, 1e9 do x = (x * 16807) % 2147483647; coroutine.yield(x) end end)
local out = io.open("out.txt", "w")
for i = 1, 6000000 do
    local v = co()
    t[v % 5000] = (t[v % 5000] or 0) + v % 13
    if i % 100000 == 0 then out:write(i, " ", v, "\n") print(i, collectgarbage("count") > 0) end
end
local s = 0
for k, v in pairs(t) do s = s + k * v end
print(s, string.rep("x", 3):gsub("x", "y"))
X
    go lua lua5.4 prog.lua
fi

awk_program='BEGIN { x = 7; for (i = 1; i <= n; i++) { x = (x * 16807) % 2147483647
    k = sprintf("%x", x % 4096); c[k]++; if (i % 50000 == 0) { print i, x, length(k); print x > "out.txt" }
    if (match(k, /[0-9]+f/)) m += RLENGTH }
    for (k = 0; k < 4096; k++) { k2 = sprintf("%x", k); s = (s * 31 + c[k2]) % 1000003 } print s, m }'
if begin gawk gawk; then
    go gawk gawk -v n=2500000 "$awk_program"
fi
if begin mawk mawk; then
    go mawk mawk -v n=4000000 "$awk_program"
fi

if begin tclsh tclsh; then
    cat >prog.tcl <<'X'
set x 1; set f [open out.txt w]
proc step x { return [expr {($x * 16807) % 2147483647}] }
for {set i 1} {$i <= 2500000} {incr i} {
    set x [step $x]; set k [expr {$x % 1000}]
    if {[info exists a($k)]} { incr a($k) } else { set a($k) 1 }
    if {$i % 50000 == 0} { puts "$i $x"; puts $f [string repeat $k 3] }
}
foreach k [lsort -integer [array names a]] { puts "$k $a($k)" }
X
    go tclsh tclsh prog.tcl
fi

if begin guile guile; then
    cat >prog.scm <<'X'
(define h (make-hash-table))
(define (step x) (modulo (* x 16807) 2147483647))
(let loop ((i 1) (x 5))
  (if (<= i 2500000)
    (let ((k (modulo x 997)))
      (hash-set! h k (cons x (let ((l (hash-ref h k '()))) (if (> (length l) 5) '() l))))
      (if (= 0 (modulo i 50000)) (begin (display (list i x)) (newline)))
      (loop (+ i 1) (step x)))))
(display (sort (hash-map->list (lambda (k v) (list k v)) h) (lambda (a b) (< (car a) (car b)))))
X
    GUILE_AUTO_COMPILE=0 go guile guile prog.scm
fi

if begin php php; then
    cat >prog.php <<'X'
<?php
$x = 3; $a = []; $f = fopen("out.txt", "w");
for ($i = 1; $i <= 12000000; $i++) {
    $x = ($x * 16807) % 2147483647;
    $k = $x % 3000; $a[$k] = ($a[$k] ?? 0) + 1;
    if ($i % 200000 == 0) { echo $i, " ", md5(serialize($a)), "\n"; fwrite($f, "$x\n"); }
}
ksort($a); echo json_encode($a), "\n";
X
    go php php prog.php
fi

if begin ocaml ocaml; then # the bytecode interpreter
    cat >prog.ml <<'X'
module M = Map.Make(Int)
let () =
  let m = ref M.empty and x = ref 9 in
  let oc = open_out "out.txt" in
  for i = 1 to 1500000 do
    x := (!x * 16807) mod 2147483647;
    let k = !x mod 2000 in
    m := M.add k (1 + try M.find k !m with Not_found -> 0) !m;
    if i mod 50000 = 0 then (Printf.printf "%d %d\n%!" i !x; Printf.fprintf oc "%d\n" !x)
  done;
  close_out oc;
  M.iter (fun k v -> Printf.printf "%d:%d " k v) !m
X
    go ocaml ocaml prog.ml
fi

if begin jq jq; then
    cat >prog.jq <<'X'
reduce range(0; 600000) as $i ({x: 3, c: {}};
    .x = (.x * 16807 % 2147483647) | .c["\(.x % 50)"] += 1) | .c
X
    go jq jq -n -f prog.jq
fi

if begin node /usr/bin/node; then # just-in-time code, epoll, many threads
    cat >prog.js <<'X'
const crypto = require("crypto"), fs = require("fs");
let x = 7, m = new Map(), out = fs.openSync("out.txt", "w");
function work(n) {
  for (let i = 0; i < 300000; i++) { x = (x * 16807) % 2147483647; const k = x % 5000; m.set(k, (m.get(k) || 0) + 1); }
  fs.writeSync(out, n + " " + x + "\n");
  console.log(n, crypto.createHash("sha256").update(JSON.stringify([...m].sort((a, b) => a[0] - b[0]))).digest("hex"));
  if (n < 60) setTimeout(work, n % 3, n + 1);
}
work(1);
X
    go node /usr/bin/node prog.js
fi
report
