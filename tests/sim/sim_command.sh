#!/bin/sh
# ckpt sim: the same figures everywhere, strict scenarios, JSON and pictures
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
golden=$top_srcdir/tests/sim/golden

fail()
{
    echo "FAIL: $*"
    exit 1
}

# The figures of every policy in a scenario with everything in it.
ckpt sim "$golden.conf" >"$dir/out"
cmp "$dir/out" "$golden.txt" || {
    diff "$golden.txt" "$dir/out" | head -20
    fail "the figures are not the golden ones"
}
ckpt sim "$golden.conf" --seed 2 --policy condor >"$dir/two"
ckpt sim "$golden.conf" --seed 2 --policy condor | cmp - "$dir/two" ||
    fail "a seed does not repeat its run"
ckpt sim "$golden.conf" --policy condor | cmp -s - "$dir/two" &&
    fail "another seed gives the same run"

# The work and the owners do not depend on the policy.
ckpt sim "$golden.conf" --policy none --policy condor --json >"$dir/json"
command -v python3 >/dev/null && python3 - "$dir/json" <<'PY'
import json, sys
runs = json.load(open(sys.argv[1]))["runs"]
assert [r["policy"] for r in runs] == ["none", "condor"], runs
assert abs(runs[0]["mean"]["idle"] - runs[1]["mean"]["idle"]) < 1e-6
assert runs[1]["mean"]["evicted"] > 0 and runs[0]["mean"]["evicted"] == 0
assert {c["name"] for c in runs[0]["classes"]} == {"all", "light"}
PY

# Pictures are well-formed.
ckpt sim "$golden.conf" --policy condor --plot "$dir/p.svg" >"$dir/out"
grep -q '</svg>' "$dir/p.svg" || fail "no picture"
command -v python3 >/dev/null &&
    python3 -c "import sys, xml.dom.minidom as d; d.parse(sys.argv[1])" \
        "$dir/p.svg"
ckpt sim "$golden.conf" --policy none --plot "$dir/no/p.svg" \
    >"$dir/out" 2>"$dir/err" && fail "wrote into nowhere"
grep -q "$dir/no/p.svg" "$dir/err" || fail "the file is not named"

# Examples run.
for conf in "$top_srcdir"/examples/sim/*.conf; do
    (cd "$top_srcdir/examples/sim" &&
        ckpt sim "$conf" --set seeds=1 >"$dir/out") || fail "$conf"
done

# Mistakes are named with file and line.
wrong()
{
    printf 'stations = 4\nload = .5\njobs = 10\n%s\n' "$1" >"$dir/bad.conf"
    if ckpt sim "$dir/bad.conf" >"$dir/out" 2>"$dir/err"; then
        fail "took $1"
    fi
    grep -q "$2" "$dir/err" || {
        cat "$dir/err"
        fail "$1: the message lacks $2"
    }
}
wrong 'colour = red' 'bad.conf:4.*colour: unknown key'
wrong 'seeds = -3' 'bad.conf:4.*seeds'
wrong 'size = gauss 3' 'bad.conf:4.*gauss'
wrong 'policy = anarchy' 'bad.conf:4.*anarchy'
wrong 'stations = 5' 'bad.conf:4.*twice'
wrong 'location = nowhere' 'bad.conf:4.*nowhere'
wrong 'nonsense' 'bad.conf:4.*key = value'
wrong 'owner_trace = /nonexistent' '/nonexistent'
wrong 'class.a.colour = 1' 'unknown key'
wrong 'message_loss = 1' 'message_loss'

# Recorded work and owners.
cat >"$dir/work" <<'W'
# SUBMIT USER SECONDS IMAGE_MB
0 alice 100 10
10 bob 50 0
20 alice 30.5 10
W
printf '0 5 15\n0 40 60\n1 0 1000\n' >"$dir/owners"
cat >"$dir/recorded.conf" <<W
stations = 2
workload = $dir/work
owner_trace = $dir/owners
idle_start = 0
suspend_grace = 0
cycle = 1s
policy = condor
W
ckpt sim "$dir/recorded.conf" --json >"$dir/json"
grep -q '"jobs": 3' "$dir/json" || fail "not all recorded jobs ran"

# The self-check, small.
ckpt sim --selfcheck .5 1000 2 3 >"$dir/out"
for row in none mmn two-choices threshold shortest receiver; do
    awk -v r="$row" '$1 == r { d = $3 / $2 - 1; ok = d < .02 && d > -.02 }
        END { exit !ok }' "$dir/out" || {
        cat "$dir/out"
        fail "$row is off"
    }
done
for args in "1.5 10 1 1" ".5 0 1 1" ".5 10 1" ".5 10 1 99"; do
    rc=0
    # shellcheck disable=SC2086
    ckpt sim --selfcheck $args >"$dir/out" 2>&1 || rc=$?
    [ $rc = 2 ] || fail "--selfcheck $args: exit $rc"
done
ckpt sim --policies | grep -q '^mosix' || fail "--policies"
ckpt sim --keys --json | grep -q '"suspend_grace"' || fail "--keys"
echo ok
