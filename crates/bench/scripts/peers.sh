#!/bin/sh
# Installs what `bench balancer` measures the balancer against, on Debian 12; run it as root.
#
# The suite starts all of it by itself, on free ports of 127.0.0.1 and with configurations in a temporary
# folder: `haproxy -db -f FILE` (one process in the foreground) and `nginx -c FILE` with `daemon off`. The
# services that the packages bring along are not used, and need not run. The texts of the configurations are in
# crates/bench/src/balancer/configs.rs. strace counts system calls; setpriv (util-linux) starts proxies as `nobody`.
set -eu

export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install --yes --no-install-recommends haproxy nginx libnginx-mod-stream strace util-linux

haproxy -v | head -n 1
nginx -v
strace --version | head -n 1
