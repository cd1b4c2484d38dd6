#!/bin/sh
# What a careful administrator writes in netcue's place: one at a time, the rules made
# anew from routes and addresses in one transaction, then the hooks.
# It does its parsing in the shell, so that no process is started that isn't needed.
set -eu
root=$1 interface=$2 action=$3

exec 9>"$root/run/gateway.lock"
flock 9

external=
while read -r first rest; do
    [ "$first" = default ] || continue
    # shellcheck disable=SC2086 # words are what is wanted
    set -- $rest
    while [ $# -gt 1 ]; do
        [ "$1" = dev ] && external="$external${external:+, }\"$2\""
        shift
    done
done <<END
$(ip route)
END

internal=
while read -r _ name family network _; do
    [ "$family" = inet ] || continue
    case $name in lo) continue ;; esac
    case $external in *"\"$name\""*) continue ;; esac
    internal="$internal${internal:+, }$network"
done <<END
$(ip -o addr)
END

nft -f - <<END
add table inet gateway
delete table inet gateway
table inet gateway {
    set external { type ifname; elements = { $external } }
    set internal { type ipv4_addr; flags interval; auto-merge; elements = { $internal } }
    chain prerouting {
        type filter hook prerouting priority raw; policy accept;
        iifname @external ip saddr @internal counter drop
    }
    chain forward {
        type filter hook forward priority filter; policy accept;
        ct state established,related accept
        iifname @external ct status dnat accept
        iifname @external ip daddr @internal ct state invalid,new,untracked counter drop
    }
    chain postrouting {
        type nat hook postrouting priority srcnat; policy accept;
        oifname @external ip saddr @internal ip daddr != @internal masquerade
    }
}
END

run-parts --arg="$interface" --arg="$action" "$root/etc/netcue/hooks.d"
