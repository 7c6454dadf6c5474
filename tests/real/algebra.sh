#!/bin/bash
# algebra.sh - computer algebra, provers, optimisation, machine learning
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"
. "$top_srcdir/tests/real/real.sh"
NAP_MS=spread
python=/usr/bin/python3

needs_module() { # CASE MODULE
    $python -c "import $2" 2>/dev/null && return 0
    echo "$1: not tried: no $2 for $python"
    missing+=("$1")
    return 1
}
sat_formula() {
    awk -v n="$1" 'BEGIN { m = int(4.26 * n); x = 5; print "p cnf", n, m
        for (i = 0; i < m; i++) { for (j = 0; j < 3; j++) { x = (x * 16807) % 2147483647
            v = x % n + 1; x = (x * 16807) % 2147483647; printf "%d ", x % 2 ? v : -v }
            print 0 } }'
}

if begin singular Singular; then
    cat >stdin <<'X2'
int i;
for (i = 0; i < 3; i++) { ring r = 32003, (a,b,c,d,e,f,g), dp;
ideal k = a+b+c+d+e+f+g,
 a*b+b*c+c*d+d*e+e*f+f*g+g*a,
 a*b*c+b*c*d+c*d*e+d*e*f+e*f*g+f*g*a+g*a*b,
 a*b*c*d+b*c*d*e+c*d*e*f+d*e*f*g+e*f*g*a+f*g*a*b+g*a*b*c,
 a*b*c*d*e+b*c*d*e*f+c*d*e*f*g+d*e*f*g*a+e*f*g*a*b+f*g*a*b*c+g*a*b*c*d,
 a*b*c*d*e*f+b*c*d*e*f*g+c*d*e*f*g*a+d*e*f*g*a*b+e*f*g*a*b*c+f*g*a*b*c*d+g*a*b*c*d*e,
 a*b*c*d*e*f*g-1;
ideal s = std(k); size(s); vdim(s); s[3]; kill r; }
quit;
X2
    go singular Singular -q --no-rc
fi
if begin gfan gfan; then
    echo 'Q[a,b,c,d]{a^2*b-c,b^2*c-d^2,c^2*d-a,d^2*a-b+a*c}' >stdin
    go gfan gfan _bases
fi
if begin cvc5 cvc5; then
    { echo '(set-logic QF_BV)(declare-fun a () (_ BitVec 18))(declare-fun b () (_ BitVec 18))'
        echo '(assert (= (bvmul ((_ zero_extend 18) a) ((_ zero_extend 18) b)) (_ bv26265490459 36)))(assert (bvult a b))(assert (not (= a (_ bv1 18))))(check-sat)(get-value (a))(exit)'; } >in.smt2
    FILTER='s/(.*//' go cvc5 cvc5 --produce-models in.smt2
fi
if begin boolector boolector; then
    { echo '(set-logic QF_BV)(declare-fun a () (_ BitVec 20))(declare-fun b () (_ BitVec 20))'
        echo '(assert (= (bvmul ((_ zero_extend 20) a) ((_ zero_extend 20) b)) (_ bv274871427101 40)))(assert (bvult a b))(assert (not (= a (_ bv1 20))))(check-sat)(exit)'; } >in.smt2
    go boolector boolector in.smt2
fi
if begin qhull qhull; then
    awk 'BEGIN { print 7; print 420; x = 3; for (i = 0; i < 420; i++) { for (j = 0; j < 7; j++) { x = (x * 16807) % 2147483647; printf "%.6f ", x / 2147483647 } print "" } }' >stdin
    FILTER='/CPU/d; /seconds/d' go qhull qhull FS Fv TO out.txt
fi
if begin 4ti2 4ti2-graver; then
    printf '3 9\n1 1 1 1 1 1 1 1 1\n1 2 3 4 5 6 7 8 9\n1 4 9 16 25 36 49 64 81\n' >in.mat
    FILTER='s/.*//' go 4ti2 4ti2-graver -q in
fi
if begin normaliz normaliz; then # OpenMP
    awk 'BEGIN { print "amb_space 9\ncone 70"; x = 3; for (i = 0; i < 70; i++) { for (j = 0; j < 9; j++) { x = (x * 16807) % 2147483647; printf "%d ", int(x / 16) % 9 } print "" } print "SupportHyperplanes\nTriangulation\nMultiplicity" }' >in.in
    FILTER='s/.*//' go normaliz normaliz -x=2 in
fi
if begin macaulay2 M2; then # a collector, threads
    cat >prog.m2 <<'X2'
for p in {101, 32003, 10007} do (R = ZZ/p[a..h]; I = minors(3, genericSymmetricMatrix(ZZ/p[x_0..x_20], x_0, 6)); print betti res(I, LengthLimit => 5); print hilbertPolynomial I)
print toString factor(2^151-1); exit 0
X2
    go macaulay2 M2 -q --silent --script prog.m2
fi
if begin gecode fzn-gecode; then # threads that steal work from each other
    { echo 'array [1..13] of var 1..13: q :: output_array([1..11]);'
        echo 'constraint all_different_int(q);'
        for i in 1 2 3 4 5 6 7 8 9 10 11 12; do for ((j = i + 1; j < 14; j++)); do
            echo "constraint int_lin_ne([1,-1],[q[$i],q[$j]],$((i - j)));"
            echo "constraint int_lin_ne([1,-1],[q[$i],q[$j]],$((j - i)));"
        done; done
        echo 'solve satisfy;'; } >in.fzn
    go gecode fzn-gecode -a in.fzn
fi
if begin libsvm svm-train; then
    awk 'BEGIN { x = 3; for (i = 0; i < 2600; i++) { s = 0; l = ""; for (j = 1; j < 30; j++) { x = (x * 16807) % 2147483647; v = x / 2147483647; s += v * (j % 3 - 1); l = l sprintf(" %d:%.5f", j, v) } print (s * s > 1.1 ? 1 : -1) l } }' >data
    go libsvm svm-train -q -v 5 -c 20 -g 0.3 data
fi
if begin fasttext fasttext; then # one thread learns, one tells
    awk 'BEGIN { x = 3; for (i = 0; i < 60000; i++) { l = ""; for (j = 1; j < 20; j++) { x = (x * 16807) % 2147483647; l = l "w" int(sqrt(x % 90000)) " " } print l } }' >data
    FILTER='s/.*//' go fasttext fasttext skipgram -input data -output out -thread 1 -epoch 2 -verbose 0
fi
PATH=$PATH:/usr/games
if begin stockfish stockfish; then # threads, waiting for its input
    FILTER='/^info/d' go stockfish stockfish bench 16 1 12
fi
if begin gnugo gnugo; then
    { for i in 1 2 3 4 5 6 7; do echo 'genmove black'; echo 'genmove white'; done; echo showboard; echo quit; } >stdin
    go gnugo gnugo --seed 5 --mode gtp --level 9
fi
if begin numba $python && needs_module numba numba; then # code made by LLVM at run time
    cat >prog.py <<'X2'
import numba, numpy as np
@numba.njit
def step(n, x):
    a = np.zeros(4096)
    for i in range(n):
        x = (x * 16807) % 2147483647
        a[x & 4095] += x % 13
    return x, a.sum()
@numba.njit
def sieve(n):
    s = np.ones(n, np.uint8); c = 0
    for i in range(2, n):
        if s[i]:
            c += 1
            for j in range(i * 2, n, i): s[j] = 0
    return c
x = 7
for r in range(40):
    x, s = step(4000000, x); print(r, x, s, sieve(200000 + r), flush=r % 7 == 0)
X2
    go numba $python prog.py
fi
if begin sklearn $python && needs_module sklearn sklearn; then # OpenMP, joblib, BLAS threads
    cat >prog.py <<'X2'
import numpy as np
from sklearn.ensemble import RandomForestClassifier, HistGradientBoostingClassifier
from sklearn.cluster import KMeans
from sklearn.svm import SVC
rng = np.random.default_rng(5); X = rng.normal(size=(3000, 20)); y = (X[:, 0] * X[:, 1] + X[:, 2] > 0).astype(int)
for r in range(1):
    f = RandomForestClassifier(15, random_state=r, n_jobs=2).fit(X, y); print(r, f.score(X, y), f.feature_importances_.argmax())
    k = KMeans(12, n_init=3, random_state=r).fit(X); print(np.bincount(k.labels_))
    h = HistGradientBoostingClassifier(max_iter=30, random_state=r).fit(X, y); print(h.score(X, y))
print(SVC().fit(X, y).score(X, y))
X2
    go sklearn $python prog.py
fi
if begin pandas $python && needs_module pandas pandas; then
    cat >prog.py <<'X2'
import pandas as pd, numpy as np
rng = np.random.default_rng(5); d = pd.DataFrame({"k": rng.integers(0, 5000, 900000), "v": rng.normal(size=900000), "s": rng.integers(0, 99, 900000).astype(str)})
for r in range(12):
    g = d.groupby("k").v.agg(["mean", "std", "count"]).sort_values("std"); print(r, g.iloc[r].tolist())
    p = d.pivot_table(index="s", columns=d.k % 7, values="v", aggfunc="sum"); print(round(p.to_numpy().std(), 9))
    m = d.sample(60000, random_state=r).merge(g, left_on="k", right_index=True); m.to_csv("out.csv", index=False); d["v"] += d.v.rolling(5, min_periods=1).mean() * 0.01
print(pd.read_csv("out.csv").describe())
X2
    ONLY_EXIT=1 go pandas $python prog.py
fi
report
