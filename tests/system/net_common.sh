# net_common.sh - machines of a pool, each in a network namespace of its own
#
# Sourced after common.sh.  The script starts itself again in a network
# namespace (an ordinary user: in a user namespace, too) which holds a bridge;
# every machine is a namespace with a host name, one address and a cable to the
# bridge.  Nothing of it outlives the script.
#
#     net_hosts a b             machines a and b, at $(net_addr a) ...
#     on a ckpt q               a command on a machine, with its pool $work/a
#     link_down a, link_up a    pull its cable, put it back
#     one_way a b, both_ways a b   what a sends to b is lost; no longer
#
# shellcheck shell=bash
need_command ip nsenter unshare setpriv hostname

net_enter() { # the script's arguments
    [ -z "${CKPT_NET_INSIDE:-}" ] || return 0
    local way=(unshare -n)
    if ! unshare -n ip link add br0 type bridge 2>/dev/null; then
        way=(unshare -Un --map-current-user --keep-caps)
        "${way[@]}" ip link add br0 type bridge 2>/dev/null ||
            skip "no network namespace with a bridge can be had here"
    fi
    cleanup
    CKPT_NET_INSIDE=1 exec "${way[@]}" bash "$0" "$@"
}
net_enter "$@"
chmod 711 "$work"

declare -A net_pid net_number
net_base=10.77.0
net_addr() { echo "$net_base.${net_number[$1]}"; }
net_in() { # HOST COMMAND...: with the rights to change the network
    nsenter -t "${net_pid[$1]}" -n -u -- "${@:2}"
}
on() { # HOST COMMAND...: as its user
    net_in "$1" setpriv --inh-caps=-all $net_ambient env \
        CKPT_POOL="$work/$1" "${@:2}"
}
net_ambient=
[ "$(id -u)" = 0 ] || net_ambient=--ambient-caps=-all

net_host() { # HOST NUMBER
    local ready=$work/$1.ready
    unshare -n -u bash -c 'hostname "$1" && touch "$2" && exec sleep 3600' \
        - "$1" "$ready" &
    net_pid[$1]=$!
    net_number[$1]=$2
    for _ in {1..100}; do [ ! -e "$ready" ] || break && sleep 0.05; done
    [ -e "$ready" ] || fail "no namespace for $1"
    ip link add "p$1" type veth peer name eth0 netns "${net_pid[$1]}"
    net_in "$1" ip link set lo up
}

net_end() {
    local status=$? host log stops=()
    for host in "${!net_pid[@]}"; do
        link_up "$host"
        if [ -d "$work/$host/master" ]; then
            on "$host" timeout 60 ckpt pool stop &
            stops+=($!)
        fi
    done >/dev/null 2>&1
    [ ${#stops[@]} -eq 0 ] || wait "${stops[@]}" || true
    if [ $status -ne 0 ] && [ $status -ne 77 ]; then
        for log in "$work"/*/*/log; do
            [ -s "$log" ] && echo "== $log" && tail -n 25 "$log"
        done
    fi
    kill "${net_pid[@]}" ${net_rough_pid:+"$net_rough_pid"} 2>/dev/null || true
    cleanup
    return $status
}

net_hosts() { # HOST...
    local host number=0
    trap net_end EXIT
    ip link set lo up
    ip link add br0 type bridge
    ip link set br0 up
    for host in "$@"; do
        net_host "$host" $((++number))
        ip link set "p$host" master br0 up
        net_in "$host" ip addr add "$(net_addr "$host")/24" dev eth0
        net_in "$host" ip link set eth0 up
    done
}

# The same, but what they say to each other goes through a program (SEED as its
# argument; rough_link.c) that takes all connections to ports which are chosen.
# A machine is known by one address, and calls from another.
net_rough() { # PROGRAM SEED HOST...
    local host number=0 program=$1 seed=$2 devices=()
    shift 2
    trap net_end EXIT
    net_base=10.78.0
    ip link set lo up
    ip addr add 10.79.0.1/32 dev lo
    for host in "$@"; do
        net_host "$host" $((++number))
        devices+=("p$host")
        ip link set "p$host" up
        # what comes from an address that is ours, too
        echo 1 >"/proc/sys/net/ipv4/conf/p$host/accept_local"
        ip route add "10.77.0.$number/32" dev "p$host"
        ip route add "10.78.0.$number/32" dev "p$host"
        ip route add local "10.78.0.$number/32" dev lo
        net_in "$host" ip addr add "10.77.0.$number/32" dev eth0
        net_in "$host" ip addr add "10.78.0.$number/32" dev eth0
        net_in "$host" ip link set eth0 up
        net_in "$host" ip route add default dev eth0 src "10.77.0.$number"
        net_in "$host" sh -c \
            'echo 40000 40255 >/proc/sys/net/ipv4/ip_local_port_range'
    done
    "$program" "$seed" 40000 256 10.79.0.1 "${devices[@]}" >"$work/rough" &
    net_rough_pid=$!
}

link_down() { ip link set "p$1" down; }
link_up() { ip link set "p$1" up; }
# Sent to a card that nobody has.
one_way() { # FROM TO
    net_in "$1" ip neigh replace "$(net_addr "$2")" dev eth0 \
        lladdr 02:00:00:00:00:01 nud permanent
}
both_ways() { net_in "$1" ip neigh del "$(net_addr "$2")" dev eth0; }
