#!/bin/sh
# Runs a command in a network of its own, with this congestion control on loopback; run it as root:
#
#   crates/bench/scripts/alone.sh cubic target/release/bench balancer
#
# Connections that others have closed do not count there, and nothing is changed for them. The congestion control
# decides much: where the system's default is bbr, loopback is paced, and bytes cost two or three times as much.
set -eu

if [ "${1:-}" != --inside ]; then
    exec unshare --net -- "$0" --inside "$@"
fi
congestion=$2
shift 2
ip link set lo up
# A default is set for routes, because the one in /proc takes only what is allowed everywhere.
for addresses in 127.0.0.0/8 127.0.0.1; do
    ip route change local "$addresses" dev lo table local proto kernel scope host src 127.0.0.1 congctl "$congestion"
done
exec "$@"
