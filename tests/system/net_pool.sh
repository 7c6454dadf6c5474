# net_pool.sh - a pool of six machines: a home, a coordinator, its stand-by
# (other) and three stations
#
# Sourced after net_common.sh.  Jobs of remote_changes.c run in directories of
# their own, to be compared with that of an undisturbed run.
#
# shellcheck shell=bash
: "${STEPS:=600}"
need_command ckpt ckpt-cc ckpt-shadow ckpt-station pgrep
# An owner is away a second after the file HOST.owner was touched.
settings=(--set idle_start=1s --set load_start=1000 --set poll=100ms
    --set negotiation_cycle=200ms --set checkpoint_every=1s --set lease=4s)
start() { # HOST [--set ...]: one that joins the coordinator's pool
    local host=$1
    shift
    mkdir -m 700 -p "$work/$host" "$work/scratch"
    chmod 711 "$work/scratch"
    [ -e "$work/$host/pool.key" ] ||
        cp -p "$work/coord/pool.key" "$work/coord/pool.name" "$work/$host"
    touch -d '1 hour ago' "$work/$host.owner"
    on "$host" ckpt pool start "${settings[@]}" --set scratch="$work/scratch" \
        --set owner_devices="$work/$host.owner" \
        --set listen="$(net_addr "$host")" "$@" >"$work/$host.started" ||
        fail "$host: $(cat "$work/$host.started")"
}
address() { cat "$work/$1/$2/addr"; }

if [ -n "${ROUGH:-}" ]; then
    net_rough "$ROUGH" "$CKPT_SEED" home coord other a b c
else
    net_hosts home coord other a b c
fi
mkdir -m 700 "$work/coord"
on coord ckpt pool start "${settings[@]}" --set listen="$(net_addr coord)" \
    --set jobs_allowed=never >/dev/null
coordinator=$(address coord coordinator)
start other --set coordinator="$coordinator" --set standby=on --set jobs_allowed=never
standby=$(address other standby)
start home --set coordinator="$coordinator" --set standby="$standby" --set jobs_allowed=never
for host in a b c; do
    start "$host" --set coordinator="$coordinator" --set standby="$standby"
done

ckpt-cc -O2 -w -o "$work/changes" "$top_srcdir/tests/progs/remote_changes.c"
mkdir "$work/undisturbed"
(cd "$work/undisturbed" && ../changes "$STEPS" 7 >stdout)
mark() { began=$(date +%s%3N); }
seconds() { echo $(($(date +%s%3N) - began)) ms; }
member() { # JOB MEMBER
    on home ckpt q --json "$1" |
        sed -nE "s/^ *\"$2\": (\"(.*)\"|([^,]*)),?$/\2\3/p" | head -n 1
}
until_true() { # at most 60 s
    local i
    for ((i = 0; i < 300; i++)); do
        "$@" >/dev/null 2>&1 && return
        sleep 0.2
    done
    fail "does not become true: $*"
}
is() { [ "$(member "$1" "$2")" = "$3" ]; } # JOB MEMBER VALUE
has_lines() { [ "$(wc -l <"$work/$1/journal")" -gt "$2" ]; }
submit() { # NAME [OPTION...]: a job in a directory of its own; sets job
    mkdir "$work/$1"
    job=$(cd "$work/$1" &&
        on home ckpt submit --out stdout "${@:2}" -- "$work/changes" "$STEPS" 7 |
        tr -dc 0-9)
    until_true has_lines "$1" 100
    find_job
}
find_job() { # on which host it runs, and its process
    at=$(member "$job" station)
    host=${at%-s1}
    pid=$(pgrep -P "$(pgrep -f "ckpt-starter --scratch $work/scratch/ckpt-$at-")")
    mark
}
state_of() { sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$1/status"; }
is_stopped() { [ "$(state_of "$pid")" = T ]; }
is_gone() { [ ! -d "/proc/$pid" ]; }
ends_well() { # NAME EPOCHS
    timeout 300 nsenter -t "${net_pid[home]}" -n -u -- env CKPT_POOL="$work/home" \
        ckpt wait "$job" >/dev/null || fail "$1: the job ended with $?"
    diff -r "$work/undisturbed" "$work/$1" || fail "$1: other files"
    [ "$(member "$job" epoch)" -le "$2" ] || fail "$1: it was begun too often"
}
