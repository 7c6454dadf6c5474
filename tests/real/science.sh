#!/bin/bash
# science.sh - solvers, renderers and other computations as Debian ships them
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"
. "$top_srcdir/tests/real/real.sh"

# A formula that is hard enough: $1 variables, the same everywhere.
sat_formula() {
    awk -v n="$1" 'BEGIN { m = int(4.26 * n); x = 5; print "p cnf", n, m
        for (i = 0; i < m; i++) { for (j = 0; j < 3; j++) { x = (x * 16807) % 2147483647
            v = x % n + 1; x = (x * 16807) % 2147483647; printf "%d ", x % 2 ? v : -v }
            print 0 } }'
}

no_times='/[Tt]ime/d; /[Mm]emory/d; /[0-9] *s$/d; /^c /d'
if begin minisat minisat; then
    sat_formula 230 >data.cnf
    FILTER="$no_times" go minisat minisat -verb=0 -no-pre data.cnf result
fi
if begin cadical cadical; then
    sat_formula 205 >data.cnf
    FILTER="$no_times" go cadical cadical -q data.cnf
fi
if begin picosat picosat; then
    sat_formula 230 >data.cnf
    go picosat picosat data.cnf
fi
if begin clasp clasp; then # threads
    sat_formula 242 >data.cnf
    FILTER="$no_times" go clasp clasp --verbose=0 data.cnf
fi
if begin cryptominisat cryptominisat5; then
    sat_formula 206 >data.cnf
    FILTER="$no_times" go cryptominisat cryptominisat5 --verb 0 data.cnf
fi
if begin z3 z3; then
    sat_formula 215 >data.cnf
    go z3 z3 -dimacs data.cnf
fi
if begin cbc cbc; then
    awk 'BEGIN { x = 5; print "Minimize\n obj:"; for (i = 0; i < 52; i++) { x = (x * 16807) % 2147483647; printf " + %d x%d", x % 89 + 3, i }
        print "\nSubject To"; for (r = 0; r < 32; r++) { printf " c%d:", r; for (i = 0; i < 52; i++) { x = (x * 16807) % 2147483647
            if (x % 3 == 0) printf " + %d x%d", x % 31 + 1, i } print " >= 97" }
        print "Binary"; for (i = 0; i < 52; i++) printf " x%d", i; print "\nEnd" }' >prog.lp
    FILTER="/[0-9] seconds/d; /[Tt]ime/d" go cbc cbc prog.lp -solve -solution out.txt
fi
if begin lp_solve lp_solve; then
    awk 'BEGIN { x = 5; printf "min:"; for (i = 0; i < 46; i++) { x = (x * 16807) % 2147483647; printf " + %d x%d", x % 89 + 3, i }
        print ";"; for (r = 0; r < 30; r++) { for (i = 0; i < 46; i++) { x = (x * 16807) % 2147483647
            if (x % 3 == 0) printf " + %d x%d", x % 31 + 1, i } print " >= 97;" }
        for (i = 0; i < 46; i++) print "x" i " <= 1;"; printf "int x0"; for (i = 1; i < 46; i++) printf ",x%d", i; print ";" }' >prog.lp
    go lp_solve lp_solve -S3 prog.lp
fi
if begin geng nauty-geng; then
    go geng nauty-geng -q -c 11 10:15 out.g6
fi
if begin gap gap; then
    cat >prog.g <<'X'
for n in [3..11] do g := SymmetricGroup(n); Print(n, " ", NrConjugacyClasses(g), " ", Size(SylowSubgroup(g, 2)), "\n"); od;
        for n in [1..127] do Print(n, " ", Length(AllSmallGroups(Minimum(n, 60))), "\n"); od; Print(Factors(2^113-1), "\n"); QUIT;
X
    go gap gap -q -A -T prog.g
fi
if begin maxima maxima; then
    echo 'for n:1 thru 130 do print(n, length(factor(x^(24*n)-1)), ratsimp(diff(sin(x)^n,x,3)-1)); print(mod(3^100000,10^30)); print(integrate(1/(x^6+1),x)); quit();' >stdin
    go maxima maxima --very-quiet # a shell script
fi
if begin povray povray; then # several threads, one that renders
    cat >prog.pov <<'X'
camera { location <0,2,-5> look_at 0 } light_source { <5,8,-6> rgb 1 }
plane { y, -1 pigment { checker rgb 1 rgb 0.2 } finish { reflection 0.3 } }
#declare S = seed(7);
#declare I = 0; #while (I < 60) sphere { <rand(S)*6-3, rand(S)*2-1, rand(S)*5-1>, 0.3 pigment { rgb <rand(S),rand(S),rand(S)> filter 0.5 } finish { reflection 0.2 phong 1 } interior { ior 1.4 } } #declare I = I + 1; #end
X
    FILTER='s/.*//' go povray povray +Iprog.pov +Oout.bmp +FB +W500 +H360 -D +WT1 -GA
fi
if begin ffmpeg ffmpeg; then # a software encoder with threads
    go ffmpeg ffmpeg -nostdin -v error -f lavfi -i testsrc2=size=320x240:rate=25 -t 300 \
        -c:v mpeg4 -threads 2 -flags +bitexact -fflags +bitexact -y out.avi
fi
if begin convert convert; then # OpenMP
    go convert convert -seed 5 -size 900x700 plasma:red-blue -swirl 90 -blur 0x9 -charcoal 3 +repage -strip out.ppm
fi
if begin dot dot; then
    awk 'BEGIN { x = 7; print "digraph g {"; for (i = 0; i < 420; i++) { x = (x * 16807) % 2147483647; print "a" i % 120 " -> a" x % 120 ";" } print "}" }' >prog.dot
    go dot dot -Tsvg -oout.svg prog.dot
fi
if begin scipy /usr/bin/python3 && { /usr/bin/python3 -c 'import scipy' 2>/dev/null ||
    { echo "scipy: not tried: not installed" && false; }; }; then
    cat >prog.py <<'X'
import numpy as np, threading
from scipy import integrate, optimize, sparse, linalg
from scipy.sparse import linalg as sla
rng = np.random.default_rng(3); res = {}
def worker(k):
    s = 0.0
    for i in range(40): s += integrate.solve_ivp(lambda t, y: [y[1], -np.sin(y[0]) * k], (0, 12), [1.0, 0.1 * i], rtol=1e-8).y[0, -1]
    res[k] = s
ts = [threading.Thread(target=worker, args=(k,)) for k in (1, 2)]
for t in ts: t.start()
n = 4000
a = sparse.diags([np.full(n - 1, -1.0), np.linspace(2.5, 3.5, n), np.full(n - 1, -1.0)], [-1, 0, 1]).tocsc()
for i in range(25):
    x = sla.splu(a).solve(rng.standard_normal(n)); w = linalg.eigvalsh(np.outer(x[:120], x[:120]) + np.diag(np.arange(120.0)))
    o = optimize.minimize(lambda v: ((v - x[:6]) ** 2).sum() + np.cos(v).sum(), np.zeros(6)); print(i, repr(x.sum()), repr(w[-1]), repr(o.fun))
for t in ts: t.join()
print(sorted(res.items()))
X
    go scipy /usr/bin/python3 prog.py
fi
if begin swipl swipl; then
    cat >prog.pl <<'X'
q(N, Qs) :- numlist(1, N, L), s(L, [], Qs).
s([], Qs, Qs). s(L, A, Qs) :- select(Q, L, R), ok(Q, 1, A), s(R, [Q|A], Qs).
ok(_, _, []). ok(Q, D, [H|T]) :- Q =\= H + D, Q =\= H - D, D1 is D + 1, ok(Q, D1, T).
:- initialization((forall(member(N, [4,5,6,7,8,9]), (findall(Q, q(N, Q), L), length(L, K), format("~w ~w~n", [N, K]))),
    q(22, Q22), print(Q22), nl, X is 7**4000 mod (10**50+151), print(X), nl, halt)).
X
    go swipl swipl -q prog.pl
fi
report
