#!/bin/bash
# numbers.sh - number theory, proofs, linear programs, circuits, statistics
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

if begin gmp-ecm ecm; then
    echo '(2^499-1)' >stdin
    FILTER='s/ took .*//' go gmp-ecm ecm -sigma 1:7 -c 3 400000
fi
if begin primesieve primesieve; then # threads
    FILTER='/Seconds/d' go primesieve primesieve -q -c123 -t2 60000000000
fi
if begin eprover eprover; then
    cat >in.p <<'X'
cnf(a1,axiom,(mult(mult(X,Y),Z)=mult(X,mult(Y,Z)))). cnf(a2,axiom,(mult(e,X)=X)). cnf(a3,axiom,(mult(inv(X),X)=e)).
cnf(a4,axiom,(mult(X,mult(X,X))=e)). cnf(c,negated_conjecture,(mult(mult(a,b),mult(inv(a),mult(inv(b),mult(b,mult(a,b)))))!=mult(mult(b,a),mult(a,mult(a,b))))).
X
    FILTER='/time/d' go eprover eprover --processed-clauses-limit=2500 -s in.p
fi
if begin clp clp; then
    awk 'BEGIN { x = 7; n = 1500; m = 1300; print "NAME p"; print "ROWS"; print " N c"; for (i = 0; i < m; i++) print " G r" i; print "COLUMNS"
        for (j = 0; j < n; j++) { x = (x * 16807) % 2147483647; printf " x%d c %d\n", j, x % 90 + 10; delete s; for (k = 0; k < 40; k++) { x = (x * 16807) % 2147483647; r = int(x / 8) % m; if (!(r in s)) { s[r] = 1; x = (x * 16807) % 2147483647; printf " x%d r%d %d\n", j, r, x % 40 + 1 } } }
        print "RHS"; for (i = 0; i < m; i++) printf " b r%d %d\n", i, 100 + i % 77; print "ENDATA" }' >in.mps
    FILTER='s/.*//' go clp clp in.mps -primalsimplex -solution out.txt
fi
if begin yosys yosys; then
    cat >in.v <<'X'
module top(input clk, input [47:0] a, b, c, output reg [47:0] q); reg [47:0] r, s;
always @(posedge clk) begin r <= a * b + c; s <= (r ^ a) * (b + 48'd12345); q <= s * r + (a << b[3:0]); end endmodule
X
    FILTER='s/.*//' go yosys yosys -q -p 'read_verilog in.v; synth -noabc; opt -full; write_verilog out.v'
fi
if begin abc berkeley-abc; then
    berkeley-abc -q 'gen -m -N 24 m.blif' >stdin
    sed -i 1d m.blif # it has the time
    go abc berkeley-abc -q 'read m.blif; strash; rewrite; refactor; balance; rewrite -z; resub; refactor -z; balance; if -K 6; print_stats; sim; fraig; print_stats' </dev/null
fi
if begin coq coqc; then
    cat >prog.v <<'X'
Require Import Arith List Lia. Import ListNotations.
Fixpoint count (n : nat) (l : list nat) := match l with [] => 0 | x :: r => (if Nat.eqb x n then 1 else 0) + count n r end.
Fixpoint fib n := match n with 0 => 0 | S p => match p with 0 => 1 | S q => fib p + fib q end end.
Lemma a : fib 21 = 10946. Proof. vm_compute. reflexivity. Qed.
Lemma b : forall a b c d e f g h : nat, a < b -> b < c -> c < d -> d < e -> e < f -> f < g -> g < h -> a + 6 < h /\ (a * 2 + b <= c + d + e). Proof. intros. lia. Qed.
Goal fib 22 = 17711. reflexivity. Qed.
X
    IGNORE='*.aux' go coq coqc prog.v
fi
if begin fricas fricas; then
    { echo ')set messages prompt none'; echo ')set messages time off'
        for i in 7 8 9 10 11 12; do echo "factor((x^$i-y^$i)*(x^$i+2*y+3)^3*(x*y-z^$i+1))"; echo "integrate(1/(x^$i-1),x)"; done; echo ')quit'; } >stdin
    go fricas fricas -nosman
fi
if begin sympy $python && needs_module sympy sympy; then
    cat >prog.py <<'X'
from sympy import *
x, y, z = symbols("x y z")
for n in range(2, 9):
    print(n, factor(expand((x**n + y**n - z)**3 * (x - y*z + 1)**2)), integrate(x**n * exp(-x) * sin(x), x), flush=True)
print(groebner([x**3 - 2*x*y + z, x**2*y - 2*y**2 + x, z**3 - x*y + 1], x, y, z, order="grevlex"))
print(Matrix(6, 6, lambda i, j: x**i + y**j + i * j).det())
print(sum(1 for p in primerange(2, 200000)), factorint(2**101 - 1))
X
    PYTHONHASHSEED=0 go sympy $python prog.py
fi
if begin networkx $python && needs_module networkx networkx; then
    cat >prog.py <<'X'
import networkx as nx
g = nx.barabasi_albert_graph(500, 4, seed=5)
for r in range(3):
    print(r, round(sum(nx.pagerank(g).values()), 9), nx.average_shortest_path_length(g), flush=True)
    b = nx.betweenness_centrality(g); print(max(b, key=b.get)); print(len(nx.maximal_matching(g)), nx.transitivity(g))
    g.remove_node(r)
print(len(list(nx.find_cliques(g))), nx.check_planarity(g)[0])
X
    PYTHONHASHSEED=0 go networkx $python prog.py
fi
if begin h5py $python && needs_module h5py h5py; then # HDF5 locks its files, and rewrites them in place
    cat >prog.py <<'X'
import h5py, numpy as np
rng = np.random.default_rng(3)
f = h5py.File("out.h5", "w"); d = f.create_dataset("a", (0, 512), maxshape=(None, 512), chunks=(64, 512), compression="gzip", track_times=False)
for r in range(120):
    b = np.round(rng.normal(size=(160, 512)), 3); d.resize(d.shape[0] + 160, 0); d[-160:] = b
    if r % 10 == 0: f.flush(); print(r, float(d[r].sum()), flush=True)
f.close(); f = h5py.File("out.h5"); print(f["a"].shape, float(f["a"][::7].std()))
X
    ONLY_EXIT=1 go h5py $python prog.py
fi
if begin asyncio $python; then # event loop over epoll, a pool of threads, pipes and socket pairs
    cat >prog.py <<'X'
import asyncio, hashlib, os, socket
def work(k, n):
    h = bytes([k])
    for _ in range(n): h = hashlib.sha256(h).digest()
    return h.hex()[:12]
async def talk(k, a, b):
    ra, wa = await asyncio.open_connection(sock=a); rb, wb = await asyncio.open_connection(sock=b); t = 0
    for i in range(1500):
        wa.write(b"%d\n" % (i * k)); t += int(await rb.readline()); wb.write(b"%d\n" % t); await ra.readline()
    wa.close(); wb.close(); return t
async def main():
    loop = asyncio.get_running_loop(); q = asyncio.Queue(3)
    async def feed():
        for i in range(60): await q.put(i); await asyncio.sleep(0.02)
        await q.put(None)
    f = asyncio.create_task(feed()); talks = [asyncio.create_task(talk(k, *socket.socketpair())) for k in range(1, 5)]
    while (i := await q.get()) is not None: print(i, await loop.run_in_executor(None, work, i, 60000), flush=True)
    print(await asyncio.gather(*talks)); await f
asyncio.run(main())
X
    go asyncio $python prog.py
fi
report
