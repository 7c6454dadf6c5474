# pool.sh - a pool on this machine with owners who can be told to come back
#
# Sourced by the demo and by tests.  Everything happens under $work, an empty
# directory of the caller's; clean_pool takes all of it away.
#
#     $work/home        the user's files: 0700, nobody else can read them
#     $work/pool        the pool's directory (CKPT_POOL)
#     $work/stations    where stations put their jobs' scratch directories
#     $work/owners      a typist for every station
#
# shellcheck shell=bash
set -euo pipefail

example=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# The commands of this tree, unless others come first on PATH; typist is not
# one that is installed.
command -v ckpt-cc >/dev/null || PATH=$example/../../bin:$PATH
typist=${top_builddir:-$example/../../build}/examples/demo/typist

stations=(s1 s2 s3)
: "${work:?}"
export CKPT_POOL=$work/pool

chmod 711 "$work"
mkdir -m 700 "$work/home"

declare -A owner_in owner_out owner_pid terminal

# An owner for station $1, at a terminal of its own.
seat_owner() {
    local in out fifo=$work/owners/$1
    mkdir -p "$work/owners"
    mkfifo "$fifo.in" "$fifo.out"
    exec {in}<>"$fifo.in" {out}<>"$fifo.out"
    "$typist" <"$fifo.in" >"$fifo.out" {in}>&- {out}>&- &
    owner_pid[$1]=$!
    owner_in[$1]=$in
    owner_out[$1]=$out
    read -r -t 10 "terminal[$1]" <&"$out"
}

# owner_types STATION SECONDS: returns when the typing is over.
owner_types() {
    local answer
    echo "type $2" >&"${owner_in[$1]}"
    read -r -t $(($2 + 20)) answer <&"${owner_out[$1]}"
    [ "$answer" = typed ]
}

# start_pool [KEY=VALUE]...: three stations, times fit for a demonstration, on a
# machine that is also used for something else.
start_pool() {
    local settings=(idle_start=5s suspend_grace=3s vacate_limit=60s
        poll=500ms negotiation_cycle=1s lease=30s load_start=1000 job_nice=1
        "scratch=$work/stations" "$@")
    local options=() s
    mkdir -m 711 "$work/stations"
    mkdir -m 700 "$work/pool"
    for s in "${stations[@]}"; do
        seat_owner "$s"
        settings+=("owner_devices.$s=${terminal[$s]}")
    done
    for s in "${settings[@]}"; do options+=(--set "$s"); done
    ckpt pool start --stations "${#stations[@]}" "${options[@]}" \
        3>&- 10>&- 11>&- 12>&- 13>&- 14>&- 15>&- 16>&- 17>&- 18>&- 19>&-
}

clean_pool() {
    local s
    ckpt pool stop >/dev/null 2>&1 || true
    for s in "${!owner_pid[@]}"; do
        kill "${owner_pid[$s]}" 2>/dev/null || true
    done
    rm -rf "$work"
}

# job_get JOB FIELD: one field of `ckpt q --json`; empty when there is none.
job_get() {
    {
        ckpt q --json "$1" 2>/dev/null || true
    } | tr ',{}[]' '\n' |
        sed -n "s/^ *\"$2\": *\"\{0,1\}\([^\"]*\)\"\{0,1\} *\$/\1/p" | head -n 1
}

# await SECONDS COMMAND...: until it succeeds; 1 when it does not in time.
await() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.2
    done
}

job_is() { # JOB LETTER...
    local st
    st=$(job_get "$1" st)
    shift
    [[ -n $st && " $* " == *" $st "* ]]
}

job_left() { # JOB STATION
    [ "$(job_get "$1" station)" != "$2" ]
}

# make_input SECONDS: cluster.in for ./nbody, with as many reports as take
# about that long here.
make_input() {
    local start end
    sed 's/^reports.*/reports = 40/' "$example/../nbody-gsl/cluster.in" \
        >cluster.in
    mkdir try
    start=$(date +%s%N)
    (cd try && ../nbody ../cluster.in >/dev/null)
    end=$(date +%s%N)
    rm -r try
    sed -i "s/^reports.*/reports = $((40 * $1 * 1000000000 / \
        (end - start)))/" cluster.in
}
