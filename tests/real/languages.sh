#!/bin/bash
# languages.sh - more interpreters and language run-time systems as Debian
# ships them: own collectors, own threads, code made at run time
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"
. "$top_srcdir/tests/real/real.sh"

if begin ruby ruby; then
    cat >prog.rb <<'X'
require "digest"
h = Hash.new(0); x = 7; out = File.open("out.txt", "w"); m = Mutex.new
t = Thread.new { d = ""; 60000.times { |i| d = Digest::SHA256.hexdigest(d + i.to_s); m.synchronize { h[0] += 1 } if i % 1000 == 0 }; d }
f = Fiber.new { loop { x = (x * 16807) % 2147483647; Fiber.yield x } }
1.upto(900000) do |i|
  v = f.resume; h[v % 3000] += v % 7
  if i % 20000 == 0 then puts "#{i} #{v}"; out.puts x % 97; $stdout.flush if i % 60000 == 0 end
end
d = t.value
puts d, Digest::MD5.hexdigest(h.sort.inspect)
X
    go ruby ruby prog.rb
fi

if begin luajit luajit; then
    cat >prog.lua <<'X'
local bit, ffi = require("bit"), require("ffi")
local a, x = ffi.new("double[?]", 65536), 42
for i = 1, 60000000 do
    x = (x * 16807) % 2147483647
    a[bit.band(x, 65535)] = a[bit.band(x, 65535)] + x % 13
    if i % 1000000 == 0 then print(i, x, a[i % 65536]) end
end
local s = 0
for i = 0, 65535 do s = (s * 31 + a[i]) % 1000003 end
print(s)
X
    go luajit luajit prog.lua
fi

if begin R Rscript R; then
    cat >prog.R <<'X'
set.seed(4); out <- file("out.txt", "w"); m <- matrix(rnorm(90000), 300)
for (i in 1:70) {
  m <- qr.Q(qr(m)) + 0.01 * matrix(rnorm(90000), 300); e <- svd(m)$d
  cat(i, format(sum(e), digits = 15), "\n"); cat(sprintf("%.10f\n", max(e)), file = out)
  l <- lm(m[, 1] ~ m[, 2] + m[, 3]); for (k in 1:2000) s <- paste0(substr(k, 1, 2), i)
}
close(out); print(summary(l)$coefficients); print(s)
X
    go R R --vanilla --no-echo -f prog.R # a shell script
fi

if begin sbcl sbcl; then
    cat >prog.lisp <<'X'
(let ((h (make-hash-table)) (x 9))
  (loop for i from 1 to 12000000 do
    (setf x (mod (* x 16807) 2147483647))
    (push i (gethash (mod x 1000) h))
    (when (> (length (the list (gethash (mod x 1000) h))) 5) (setf (gethash (mod x 1000) h) nil))
    (when (= 0 (mod i 200000)) (format t "~a ~a ~a~%" i x (hash-table-count h))))
  (format t "~a~%" (loop for k from 0 below 1000 sum (reduce #'+ (gethash k h)))))
X
    go sbcl sbcl --script prog.lisp
fi

if begin java java javac; then # JIT, collector threads, safepoints
    cat >Prog.java <<'X'
import java.util.*;
public class Prog {
  static long mix(long x) { return (x * 16807) % 2147483647L; }
  public static void main(String[] a) throws Exception {
    long x = 7; TreeMap<Long, StringBuilder> m = new TreeMap<>(); long[] sum = new long[1];
    Thread t = new Thread(() -> { long y = 3; for (int i = 0; i < 120000000; i++) y = mix(y); sum[0] = y; }); t.start();
    for (int i = 1; i <= 4000000; i++) {
      x = mix(x); StringBuilder b = m.computeIfAbsent(x % 3000, k -> new StringBuilder());
      b.append((char) ('a' + x % 26)); if (b.length() > 200) b.setLength(0);
      if (i % 100000 == 0) System.out.println(i + " " + x + " " + m.size());
    }
    t.join(); int h = 0; for (var e : m.entrySet()) h = h * 31 + e.getValue().toString().hashCode();
    System.out.println(h + " " + sum[0]);
  }
}
X
    javac Prog.java && go java java -Xmx256m -XX:+UseSerialGC Prog
fi
if begin octave octave-cli; then
    cat >prog.m <<'X'
rand("twister", 5); A = rand(200);
for i = 1:200
  [q, r] = qr(A); A = r * q + 0.01 * rand(200); s = sprintf("%.12g", sum(A(:)));
  printf("%d %s %d\n", i, s, numel(regexprep(s, "[0-9]", "")));
end
X
    go octave octave-cli --norc -q prog.m
fi

if begin pypy3 pypy3; then
    cat >prog.py <<'X'
x, d = 7, {}
for i in range(1, 60000001):
    x = (x * 16807) % 2147483647
    d[x & 4095] = d.get(x & 4095, 0) + x % 7
    if i % 1000000 == 0: print(i, x, len(d))
print(sorted(d.items())[:50])
X
    go pypy3 pypy3 prog.py
fi

if begin ocamlopt ocamlopt; then # native code
    cat >prog.ml <<'X'
module M = Map.Make(Int)
exception Done
let () =
  let m = ref M.empty and x = ref 9 in
  let oc = open_out "out.txt" in
  (try for i = 1 to max_int do
    x := (!x * 16807) mod 2147483647;
    let k = !x mod 2000 in
    m := M.add k (1 + try M.find k !m with Not_found -> 0) !m;
    if i mod 100000 = 0 then (Printf.printf "%d %d\n%!" i !x; Printf.fprintf oc "%d\n" !x);
    if i = 8000000 then raise Done
  done with Done -> close_out oc);
  M.iter (fun k v -> Printf.printf "%d:%d " k v) !m
X
    ocamlopt -o prog prog.ml 2>/dev/null && go ocamlopt ./prog
fi

if begin ghc ghc; then # threaded run-time system: timer signals and an event manager
    cat >prog.hs <<'X'
import qualified Data.Map.Strict as M
import Control.Concurrent
step :: Int -> Int
step x = (x * 16807) `mod` 2147483647
go :: Int -> Int -> M.Map Int Int -> IO (M.Map Int Int)
go 0 _ m = return m
go n x m = do
  let y = step x; m' = M.insertWith (+) (y `mod` 3000) (y `mod` 7) m
  if n `mod` 50000 == 0 then putStrLn (show n ++ " " ++ show y ++ " " ++ show (M.size m')) else return ()
  go (n - 1) y m'
main = do
  v <- newEmptyMVar
  _ <- forkIO (putMVar v $! iterate step 3 !! 3000000)
  m <- go 3000000 7 M.empty
  r <- takeMVar v
  print (r, M.foldlWithKey (\a k b -> (a * 31 + k * b) `mod` 1000003) 7 m)
X
    ghc -O1 -threaded -rtsopts -dynamic prog.hs >/dev/null 2>&1 || ghc -O1 -threaded prog.hs >/dev/null
    go ghc ./prog +RTS -N2
fi

if begin rust rustc; then
    cat >prog.rs <<'X'
use std::collections::BTreeMap; use std::sync::{Arc, Mutex, mpsc}; use std::thread;
fn step(x: u64) -> u64 { (x * 16807) % 2147483647 }
fn main() {
    let m = Arc::new(Mutex::new(BTreeMap::new())); let (tx, rx) = mpsc::channel();
    let t: Vec<_> = (0..3u64).map(|k| { let m = m.clone(); let tx = tx.clone(); thread::spawn(move || {
        let mut x = k + 5;
        for i in 0..6000000u64 { x = step(x); if i % 50 == 0 { *m.lock().unwrap().entry(x % 997).or_insert(0u64) += x % 7; } }
        tx.send(x).unwrap(); }) }).collect();
    let mut x = 7; for i in 1..100000000u64 { x = step(x); if i % 5000000 == 0 { println!("{} {}", i, x); } }
    for h in t { h.join().unwrap(); } drop(tx);
    let mut ends: Vec<u64> = rx.iter().collect(); ends.sort();
    let s = m.lock().unwrap().iter().fold(7u64, |a, (k, v)| (a * 31 + k * v) % 1000003); println!("{:?} {}", ends, s);
}
X
    rustc -O prog.rs 2>/dev/null && go rust ./prog
fi
report
