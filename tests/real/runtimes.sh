#!/bin/bash
# runtimes.sh - still more languages: own collectors, code made at run time,
# memory laid out in ways of their own
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"
. "$top_srcdir/tests/real/real.sh"
NAP_MS=spread

if begin mono mono mcs; then # JIT, a collector's thread
    cat >Prog.cs <<'X2'
using System; using System.Collections.Generic; using System.Threading; using System.IO;
class Prog { static long Mix(long x) { return (x * 16807) % 2147483647L; }
  static void Main() { long x = 7, other = 0; var m = new SortedDictionary<long, List<string>>(); var w = new StreamWriter("out.txt");
    var t = new Thread(() => { long y = 3; for (int i = 0; i < 90000000; i++) y = Mix(y); other = y; }); t.Start();
    for (int i = 1; i <= 3000000; i++) { x = Mix(x); List<string> l; if (!m.TryGetValue(x % 2000, out l)) m[x % 2000] = l = new List<string>();
      l.Add(x.ToString()); if (l.Count > 30) l.Clear(); if (i % 100000 == 0) { Console.WriteLine(i + " " + x + " " + m.Count); w.WriteLine(x); } }
    t.Join(); long h = 0; foreach (var e in m) foreach (var s in e.Value) h = (h * 31 + s.Length + e.Key) % 1000003; w.Close(); Console.WriteLine(h + " " + other); } }
X2
    mcs Prog.cs && go mono mono Prog.exe
fi
if begin clisp clisp; then # its heap at fixed addresses
    cat >prog.lisp <<'X2'
(let ((h (make-hash-table)) (x 9))
  (loop for i from 1 to 3000000 do (setf x (mod (* x 16807) 2147483647))
    (push i (gethash (mod x 1000) h)) (when (> (length (the list (gethash (mod x 1000) h))) 5) (setf (gethash (mod x 1000) h) nil))
    (when (= 0 (mod i 100000)) (format t "~a ~a ~a ~a~%" i x (hash-table-count h) (mod (expt 3 (mod x 2000)) 1000003))))
  (format t "~a~%" (loop for k from 0 below 1000 sum (reduce #'+ (gethash k h)))))
X2
    go clisp clisp -q -norc -C prog.lisp
fi
if begin ecl ecl; then # a collector that looks at all of memory
    cat >prog.lisp <<'X2'
(let ((h (make-hash-table)) (x 9))
  (loop for i from 1 to 400000 do (setf x (mod (* x 16807) 2147483647))
    (push i (gethash (mod x 1000) h)) (when (> (length (gethash (mod x 1000) h)) 5) (setf (gethash (mod x 1000) h) nil))
    (when (= 0 (mod i 20000)) (format t "~a ~a ~a ~a~%" i x (hash-table-count h) (mod (expt 3 (mod x 20000)) 1000003)))))
X2
    go ecl ecl --norc --shell prog.lisp
fi
if begin gforth gforth; then
    cat >prog.fs <<'X2'
variable x 7 x !  create t 4096 cells allot  t 4096 cells erase
: step x @ 16807 * 2147483647 mod dup x ! ;
: main 60000000 1 do step 4095 and cells t + i 7 and swap +! i 2000000 mod 0= if i . x @ . t @ . cr then loop ;
main bye
X2
    go gforth gforth prog.fs
fi
if begin poly poly; then # native code in a heap of its own, threads
    cat >prog.ml <<'X2'
fun step x = (x * 16807) mod 2147483647;
val a = Array.array (3000, [] : IntInf.int list);
fun go (0, x) = x | go (n, x) = let val y = step x val k = y mod 3000 val l = Array.sub (a, k)
  in Array.update (a, k, if length l > 20 then [] else IntInf.fromInt y * IntInf.fromInt n :: l);
     if n mod 200000 = 0 then print (Int.toString n ^ " " ^ Int.toString y ^ "\n") else (); go (n - 1, y) end;
val r = go (9000000, 7);
val _ = print (IntInf.toString (Array.foldl (fn (l, s) => (List.foldl (op +) s l) mod 1000003) 0 a) ^ "\n");
X2
    echo 'use "prog.ml"; OS.Process.exit OS.Process.success;' >stdin
    go poly poly -q
fi
if begin a68g a68g; then
    cat >prog.a68 <<'X2'
BEGIN INT x := 7; [0:4095] INT t; FOR i FROM 0 TO 4095 DO t[i] := 0 OD;
FOR i TO 3000000 DO x := SHORTEN ((LENG x * LENG 16807) MOD LENG 2147483647); t[x MOD 4096] +:= i MOD 7;
IF i MOD 100000 = 0 THEN print((i, x, t[0], newline)) FI OD END
X2
    IGNORE=.Random.seed go a68g a68g --nowarnings prog.a68
fi
if begin yabasic yabasic; then
    printf '%s\n' 'dim t(5000)' 'x = 7' 'for i = 1 to 3000000' ' x = mod(x * 16807, 2147483647)' ' k = mod(x, 5000) : t(k) = t(k) + mod(i, 7)' ' if mod(i, 100000) = 0 print i, " ", x, " ", t(17)' next exit >prog.bas
    go yabasic yabasic prog.bas
fi
if begin newlisp newlisp; then
    cat >prog.lsp <<'X2'
(set 'x 7 't (array 4096 '(0)))
(for (i 1 6000000) (set 'x (% (* x 16807) 2147483647)) (setf (t (& x 4095)) (+ $it (% i 7))) (when (= 0 (% i 200000)) (println i " " x " " (t 5) " " (length (string (pow 3 20))))))
(exit)
X2
    go newlisp newlisp prog.lsp
fi
if begin nickle nickle; then
    cat >prog.5c <<'X2'
int x = 7; for (int i = 1; i <= 1200000; i++) { x = (x * 16807) % 2147483647; if (i % 40000 == 0) printf("%d %d %d\n", i, x, (3 ** (x % 3000)) % 1000003); }
X2
    go nickle nickle prog.5c
fi
if begin slsh slsh; then
    cat >prog.sl <<'X2'
variable x = 7L, t = Double_Type[4096], i; for (i = 1; i <= 6000000; i++) { x = (x * 16807L) mod 2147483647L; t[x & 4095] += i mod 7; if (i mod 200000 == 0) () = printf("%d %ld %g\n", i, x, t[5]); }
X2
    go slsh slsh -n prog.sl
fi
for shell in ksh zsh bash dash; do # no command but their own
    if begin $shell $shell; then
        cat >prog.sh <<'X2'
i=0 x=7 s=; while [ $i -lt 500000 ]; do i=$((i + 1)); x=$((x * 16807 % 2147483647)); case $x in *77) s="$s$i";; esac
            if [ $((i % 20000)) = 0 ]; then echo $i $x ${#s}; echo "$s" >>out.txt; s=; fi; done
X2
        ONLY_EXIT=1 go $shell $shell prog.sh
    fi
done
if begin duktape duk; then
    cat >prog.js <<'X2'
var x = 7, t = {}, i; for (i = 1; i <= 5000000; i++) { x = (x * 16807) % 2147483647; var k = 'k' + x % 3000; t[k] = (t[k] || 0) + i % 7; if (i % 100000 === 0) print(i, x, t[k]); } print(JSON.stringify(t).length);
X2
    go duktape duk prog.js
fi
if begin mujs mujs; then
    cat >prog.js <<'X2'
var x = 7, t = {}, i; for (i = 1; i <= 4000000; i++) { x = (x * 16807) % 2147483647; var k = 'k' + x % 3000; t[k] = (t[k] || 0) + i % 7; if (i % 100000 === 0) print(i, x, t[k]); } print(JSON.stringify(t).length);
X2
    go mujs mujs prog.js
fi
if begin chez scheme petite; then # precise collector, own code
    cat >prog.ss <<'X2'
(define t (make-eqv-hashtable))
(let loop ((i 1) (x 7)) (let ((y (mod (* x 16807) 2147483647)))
  (hashtable-update! t (mod y 5000) (lambda (l) (if (> (length l) 20) '() (cons (number->string (* y i i)) l))) '())
  (when (= 0 (mod i 200000)) (display (list i y (hashtable-size t) (mod (expt 3 (mod y 20000)) 1000003))) (newline))
  (if (< i 8000000) (loop (+ i 1) y))))
(exit)
X2
    go chez scheme -q --script prog.ss
fi
if begin gprolog gprolog; then
    cat >prog.pl <<'X2'
q(N, Qs) :- fd_domain_v(N, Qs), safe(Qs), fd_labelingff(Qs).
fd_domain_v(N, Qs) :- length(Qs, N), fd_domain(Qs, 1, N).
safe([]). safe([Q|R]) :- no(R, Q, 1), safe(R).
no([], _, _). no([Q|R], X, D) :- X #\= Q, X #\= Q + D, X #\= Q - D, D1 is D + 1, no(R, X, D1).
:- initialization((member(N, [4,5,6,7,8,9,10]), findall(Q, q(N, Q), L), length(L, K), write(N-K), nl, fail ; q(60, Q), write(Q), nl, member(M, [11]), findall(W, q(M, W), V), length(V, VK), write(VK), nl)).
X2
    FILTER='/^compiling/d; /^.*compiled, /d' go gprolog gprolog --consult-file prog.pl --query-goal halt
fi
if begin busybox-awk busybox; then
    go busybox-awk busybox awk 'BEGIN { x = 7; for (i = 1; i <= 4000000; i++) { x = (x * 16807) % 2147483647; c[x % 4096 "k"]++; if (i % 100000 == 0) { print i, x; print x > "out.txt" } } for (k = 0; k < 4096; k++) s += c[k "k"] * k; print s }'
fi
if begin original-awk original-awk; then
    go original-awk original-awk 'BEGIN { x = 7; for (i = 1; i <= 4000000; i++) { x = (x * 16807) % 2147483647; c[x % 4096 "k"]++; if (i % 100000 == 0) { print i, x; print x > "out.txt" } } for (k = 0; k < 4096; k++) s += c[k "k"] * k; print s }'
fi
if begin picolisp pil; then
    echo '(let X 7 (for I 6000000 (setq X (% (* X 16807) 2147483647)) (when (=0 (% I 100000)) (prinl I " " X " " (% (** 3 (% X 3000)) 1000003)))) (bye))' >prog.l
    go picolisp pil prog.l
fi
if begin raku rakudo; then # MoarVM: JIT, threads
    cat >prog.raku <<'X2'
my int $x = 7; my %t; my $p = start { my int $y = 3; loop (my int $i = 0; $i < 6000000; $i = $i + 1) { $y = ($y * 16807) % 2147483647 }; $y };
for 1 .. 900000 -> $i { $x = ($x * 16807) % 2147483647; %t{$x % 3000} += $i % 7; say "$i $x" if $i %% 50000 }
say await $p; say %t.values.sum;
X2
    go raku rakudo prog.raku
fi
if begin gdc gdc; then # D: a collector that stops threads with signals
    cat >prog.d <<'X2'
import std.stdio, std.conv, core.thread;
void main() { long[string] t; long x = 7, other; auto th = new Thread({ long y = 3; string[] keep; foreach (i; 0 .. 40_000_000) { y = (y * 16807) % 2147483647; if (i % 1000 == 0) keep ~= to!string(y); if (keep.length > 1000) keep = null; } other = y; }); th.start();
  foreach (i; 1 .. 6_000_001) { x = (x * 16807) % 2147483647; t[to!string(x % 3000)] += i % 7; if (i % 200_000 == 0) writeln(i, " ", x, " ", t.length); }
  th.join(); long s; foreach (k, v; t) s += v * to!long(k); writeln(s, " ", other); }
X2
    gdc -O2 -o prog prog.d && rm -f prog.o && go gdc ./prog
fi
if begin ldc ldc2; then
    cat >prog.d <<'X2'
import std.stdio, std.conv, core.thread;
void main() { long[string] t; long x = 7;
  foreach (i; 1 .. 9_000_001) { x = (x * 16807) % 2147483647; t[to!string(x % 3000)] += i % 7; if (i % 200_000 == 0) { writeln(i, " ", x, " ", t.length); try { if (x % 2) throw new Exception("odd"); } catch (Exception e) writeln(e.msg); } }
  long s; foreach (k, v; t) s += v * to!long(k); writeln(s); }
X2
    ldc2 -O2 --link-defaultlib-shared prog.d 2>/dev/null && rm -f prog.o && go ldc ./prog
fi
if begin crystal crystal; then # fibres on stacks of their own
    cat >prog.cr <<'X2'
t = Hash(Int64, String).new(""); x = 7_i64; ch = Channel(Int64).new(4)
spawn { y = 3_i64; 3_000_000.times { y = (y * 16807) % 2147483647; ch.send(y) }; ch.close }
i = 0
while y = ch.receive?
  i += 1; x = (x * 16807 + y) % 2147483647; k = x % 3000; t[k] = t[k].size > 200 ? "" : t[k] + x.to_s
  puts "#{i} #{x} #{t.size}" if i % 100_000 == 0
end
puts t.values.sum(&.size)
X2
    crystal build --release prog.cr >/dev/null 2>&1 && go crystal ./prog
fi
if begin ada gnatmake; then # tasks, a rendezvous, exceptions
    cat >prog.adb <<'X2'
with Ada.Text_IO; use Ada.Text_IO;
procedure Prog is
   type Num is range 0 .. 2 ** 62;
   task Worker is entry Give (Y : out Num); end Worker;
   task body Worker is Z : Num := 3; begin
      for I in 1 .. 4_000 loop for J in 1 .. 20_000 loop Z := (Z * 16807) mod 2147483647; end loop; accept Give (Y : out Num) do Y := Z; end Give; end loop;
   end Worker;
   X : Num := 7; Y : Num; Odd : exception; N : Natural := 0;
begin
   for I in 1 .. 4_000 loop Worker.Give (Y); X := (X * 16807 + Y) mod 2147483647;
      begin if X mod 2 = 1 then raise Odd; end if; exception when Odd => N := N + 1; end;
      if I mod 100 = 0 then Put_Line (I'Image & X'Image & N'Image); end if;
   end loop;
end Prog;
X2
    gnatmake -q -O2 prog.adb -bargs -shared && rm -f prog.o prog.ali && go ada ./prog
fi
if begin icon icont iconx; then
    printf '%s\n' 'procedure main()' ' x := 7; t := table(0)' ' every i := 1 to 3000000 do { x := (x * 16807) % 2147483647; t[x % 3000] +:= i % 7; if i % 100000 = 0 then write(i, " ", x, " ", *t, " ", (3 ^ (x % 500)) % 1000003) }' end >prog.icn
    icont -s prog.icn && go icon ./prog
fi
if begin tcc tcc; then # compiles to memory and runs it
    cat >prog.c <<'X2'
#include <stdio.h>
#include <stdlib.h>
int main(void) { long x = 7, *t = calloc(65536, sizeof *t); for (long i = 1; i <= 400000000; i++) { x = (x * 16807) % 2147483647; t[x & 65535] += i & 7; if (i % 20000000 == 0) printf("%ld %ld %ld\n", i, x, t[5]); } return 3; }
X2
    go tcc tcc -run prog.c
fi
if begin qemu-user qemu-x86_64; then # translates another program's code
    cat >prog.c <<'X2'
#include <stdio.h>
#include <stdlib.h>
int main(void) { long x = 7, *t = calloc(65536, sizeof *t); for (long i = 1; i <= 100000000; i++) { x = (x * 16807) % 2147483647; t[x & 65535] += i & 7; if (i % 5000000 == 0) printf("%ld %ld %ld\n", i, x, t[5]); } return 3; }
X2
    gcc -O2 -static -o prog prog.c && go qemu-user qemu-x86_64 ./prog
fi
if begin luatex texlua; then
    echo 'local x, t = 7, {} for i = 1, 20000000 do x = (x * 16807) % 2147483647 t[x % 4096] = (t[x % 4096] or 0) + i % 7 if i % 1000000 == 0 then print(i, x, t[x % 4096]) end end' >prog.lua
    go luatex texlua prog.lua
fi
report
