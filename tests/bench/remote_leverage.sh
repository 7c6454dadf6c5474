# remote_leverage.sh - what home spends for a job: the examples, in three runs
#
# Sourced by remote_speed.sh.  Samples, for each example:
#
#   NAME.job NAME.home     microseconds of processor time of job and shadow, the
#                          whole run as the example is given (about 12 s)
#   NAME.job4 NAME.home4   the same, four times as long
#   NAME.jobc NAME.homec NAME.commits
#                          as given, in a pool, a checkpoint every second
#
# and pool.quiet: of a home station, its coordinator and its master, microseconds
# in a minute of default settings, while a job of theirs runs.  remote_report.awk makes a day of them:
#
#   rate   = (home4 - home) / (job4 - job)     calls, by processor time of the job
#   start  = home - rate * job                 start and end
#   commit = (homec - start - rate * jobc) / commits
#   day    = 86400 s / (start + rate * 86400 s + 24 * commit + pool.quiet * 1440)
#
# shellcheck shell=bash

# take_usage ROW.. FILE: "JOB HOME" as samples
take_usage() { # JOB-KEY HOME-KEY
    awk -v j="$1" -v h="$2" '{print j "\t" $1 "\n" h "\t" $2}' "$work/cpu" \
        >>"$samples"
}

run_twice() { # NAME PROGRAM INPUT KEY: KEY's number is four times as large
    sed -E "s/($4 *=? *)([0-9]+)/echo '\1'\$((\2 * 4))/e" "$3" >"$3.long"
    cmp -s "$3" "$3.long" && fail "$3 has no $4"
    REAL_SHADOW_CPU=$work/cpu remote "$2" "$3" >/dev/null
    take_usage "$1.job" "$1.home"
    REAL_SHADOW_CPU=$work/cpu remote "$2" "$3.long" >/dev/null
    take_usage "$1.job4" "$1.home4"
}

daemons_cpu_us() { # of the home machine
    local daemon total=0 ns
    for daemon in home coordinator master; do
        read -r ns _ <"/proc/$(tr -cd 0-9 \
            <"$CKPT_POOL/$daemon/lock")/schedstat"
        total=$((total + ns / 1000))
    done
    echo $total
}

# run_in_pool NAME PROGRAM INPUT
run_in_pool() {
    local id
    id=$(ckpt submit --out /dev/null --err /dev/null -- "$2" "$3" | tr -dc 0-9)
    ckpt wait "$id" || fail "$1 in a pool: $(ckpt history)"
    ckpt history --json "$id" | awk -v n="$1" '
        /"cpu"/ {gsub(/[^0-9.]/, ""); print n ".jobc\t" $0 * 1e6}
        /"home_cpu"/ {gsub(/[^0-9.]/, ""); print n ".homec\t" $0 * 1e6}' \
        >>"$samples"
    printf '%s.commits\t%d\n' "$1" "$(ckpt log "$id" |
        grep -c 'Job was checkpointed')" >>"$samples"
}

in_pool() { # what to run, in a pool of our own
    export CKPT_POOL=$work/pool
    mkdir -p "$work/scratch"
    chmod 711 "$work" "$work/scratch"
    ckpt pool start --stations 1 --set idle_start=0 --set load_start=1000 \
        --set "scratch=$work/scratch" "${@:2}" >/dev/null
    "$1"
    ckpt pool stop >/dev/null
    rm -rf "$CKPT_POOL"
    unset CKPT_POOL
}

# While one job runs, which calls nobody.
quiet_minute() {
    local before id
    id=$(ckpt submit --out /dev/null --err /dev/null \
        -- "$(command -v sleep)" 600 | tr -dc 0-9)
    sleep 40
    before=$(daemons_cpu_us)
    sleep 30
    printf 'pool.quiet\t%d\n' $((($(daemons_cpu_us) - before) * 2)) \
        >>"$samples"
    ckpt log "$id" | grep -q 'Job executing' ||
        fail "the quiet job does not run: $(ckpt log "$id")"
    ckpt rm "$id" >/dev/null
}

pool_runs() {
    [ ! -x "$work/nbody" ] || run_in_pool nbody "$work/nbody" cluster.in
    [ ! -x "$work/heat" ] || run_in_pool heat "$work/heat" plate.in
    [ ! -x "$work/walkers" ] || run_in_pool walkers "$work/walkers" maze.in
}

examples() {
    local ex=$top_srcdir/examples
    ckpt-cc -O2 -o "$work/nbody" "$ex/nbody-gsl/nbody.c" -lgsl -lgslcblas \
        -lm 2>/dev/null && cp "$ex/nbody-gsl/cluster.in" . &&
        run_twice nbody "$work/nbody" cluster.in reports
    ckpt-fc -O2 -fopenmp -o "$work/heat" "$ex/heat-openmp/heat.f90" \
        2>/dev/null && cp "$ex/heat-openmp/plate.in" . &&
        run_twice heat "$work/heat" plate.in reports
    ckpt-c++ -O2 -pthread -o "$work/walkers" "$ex/walkers-cxx/walkers.cc" \
        2>/dev/null && cp "$ex/walkers-cxx/maze.in" . &&
        run_twice walkers "$work/walkers" maze.in batches
    in_pool quiet_minute
    in_pool pool_runs --set checkpoint_every=1s --set poll=100ms \
        --set negotiation_cycle=100ms
}
