# shellcheck shell=sh
# What the cases share.

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# Waits up to half a minute for a command to succeed.
await() {
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ "$tries" -lt 300 ] || fail "waited in vain for: $*"
        sleep 0.1
    done
}

# The triggers of a source's events, in order; those that did not end well are marked.
told() {
    netcue history --json --source "$1" |
        sed 's/.*"trigger":"\([^"]*\)".*"outcome":"\([^"]*\)","reason":.*/\1=\2/; s/=done$//' | tr '\n' ' '
}

# Whether they are these, in whatever order they came: pppd does not wait for one protocol's script
# before it calls the other's.
told_in_any_order() { # SOURCE TRIGGERS
    [ "$(told "$1" | tr ' ' '\n' | sort | xargs)" = "$(echo "$2" | tr ' ' '\n' | sort | xargs)" ]
}

# The inside of a gateway: a machine `home` with 192.168.1.2 behind our lan0, and a far
# machine `far` that has yet to be connected. It knows the way to the inside, as a provider's
# customer next door might.
gateway() {
    ip netns add home
    ip netns add far
    ip -n far link set lo up
    ip link add lan0 type veth peer name up0 netns home
    ip address add 192.168.1.1/24 dev lan0
    ip link set lan0 up
    ip -n home address add 192.168.1.2/24 dev up0
    ip -n home link set up0 up
    ip -n home route add default via 192.168.1.1
    sysctl -qw net.ipv4.ip_forward=1
}

ping_from() { # NAMESPACE ADDRESS SECONDS
    ip netns exec "$1" ping -c 1 -W "$3" "$2" >/dev/null
}

is_on() { # IFACE SIDE
    netcue why "$1" | tee /dev/stderr | grep -q "^$1 is $2\( for IPv4\)\?:" || fail "$1 is not $2"
}

# An uplink IFACE leads to 203.0.113.1 in `far`: it is taken for outside, people inside
# share its address, and nobody outside gets in. A second run changes nothing.
uplink_works() { # IFACE
    await netcue rules apply
    is_on "$1" outside
    netcue rules show | grep -q "\"$1\"" || fail "$1 is in no set"
    await ping_from home 203.0.113.1 5
    # Only with a translated address is there a way back.
    ip -n far route add 192.168.1.0/24 via 203.0.113.5
    ! ping_from far 192.168.1.2 2 || fail "a packet from outside got in by $1"
    ping_from far 203.0.113.5 5 || fail "the gateway itself does not answer by $1"
    nothing_changes
}

# A run that has to compare, because what is remembered is gone, finds nothing to do.
nothing_changes() {
    rm -f /run/netcue/rules.json
    netcue rules diff || fail "the rules differ"
    await netcue rules apply
    ! netcue history --json | tail -n 1 | grep '"outcome":"changed"' || fail "a second run made a transaction"
}

# Two machines that our lan0 and wan0 will lead to: `home`, whose way out we are, and `far`,
# which knows the way to everything behind us. On both, port 80 tells who asks.
neighbours() {
    ip netns add home
    ip netns add far
    ip link add lan0 type veth peer name up0 netns home
    ip link add wan0 type veth peer name up1 netns far
    ip -n home address add 192.168.1.2/24 dev up0
    ip -n far address add 203.0.113.1/24 dev up1
    ip -n home link set up0 up
    ip -n far link set up1 up
    ip -n home route add default via 192.168.1.1
    for network in 192.168.0.0/16 172.16.0.0/12; do
        ip -n far route add "$network" via 203.0.113.5
    done
    mkdir -p /srv/www/cgi-bin
    # shellcheck disable=SC2016 # the server's shell expands it
    printf '#!/bin/sh\nip=${REMOTE_ADDR##*:}\nprintf "\\n%%s\\n" "${ip%%]}"\n' >/srv/www/cgi-bin/who
    chmod 755 /srv/www/cgi-bin/who
    for namespace in home far; do
        ip -n "$namespace" link set lo up
        ip netns exec "$namespace" busybox httpd -p 80 -h /srv/www
    done
}

# A gateway between them.
street() {
    neighbours
    ip address add 192.168.1.1/24 dev lan0
    ip address add 203.0.113.5/24 dev wan0
    ip link set lan0 up
    ip link set wan0 up
    ip route add default via 203.0.113.1
    sysctl -qw net.ipv4.ip_forward=1
}

# What an address answers to somebody in a namespace; nothing if it can't be reached.
answer() { # NAMESPACE ADDRESS[:PORT] [SECONDS]
    printf 'GET /cgi-bin/who HTTP/1.0\r\n\r\n' |
        ip netns exec "$1" timeout $((${3:-3} * 2)) busybox nc -w "${3:-3}" "${2%:*}" "$(port "$2")" 2>/dev/null | sed 1,2d
}

port() { # ADDRESS[:PORT]
    case $1 in *:*) echo "${1##*:}" ;; *) echo 80 ;; esac
}

answer_is() { # WHAT NAMESPACE ADDRESS[:PORT] EXPECTED
    said=$(answer "$2" "$3")
    [ "$said" = "$4" ] || fail "$1: $3 answers $2 \"$said\", not \"$4\""
}

# The inside goes out translated, and nobody outside gets in.
street_is_safe() { # WHEN
    # What gets no answer waits for it, which the other need not.
    answer far 192.168.1.2 >/run/stranger &
    stranger=$!
    answer_is "$1, out" home 203.0.113.1 203.0.113.5
    wait "$stranger" || true
    [ ! -s /run/stranger ] || fail "$1, in: 192.168.1.2 answers far \"$(cat /run/stranger)\""
}

has_rules() {
    nft list table inet netcue >/dev/null 2>&1
}

# As after a boot in which the others were first: the watch makes the rules when it begins.
netcue_comes_last() {
    systemctl stop netcue-watch.socket netcue-watch.service
    nft delete table inet netcue
    rm -f /run/netcue/rules.json
    systemctl start netcue-watch.socket netcue-watch.service
    await has_rules
}
