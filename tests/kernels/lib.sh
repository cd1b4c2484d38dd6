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
