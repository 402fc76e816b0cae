#!/bin/sh
# Installs what `bench balancer` measures the balancer against, on Debian 12; run it as root.
#
#   crates/bench/scripts/peers.sh [SUITE]
#
# The suite starts all of it by itself, on free ports of 127.0.0.1 and with configurations in a temporary
# folder: `haproxy -db -f FILE` (one process in the foreground) and `nginx -c FILE` with `daemon off`. The
# services that the packages bring along are not used, and need not run. The texts of the configurations are in
# crates/bench/src/balancer/configs.rs. strace counts system calls; setpriv (util-linux) starts proxies as `nobody`.
#
# Beside the HAProxy and nginx of this Debian it puts newer ones, from another suite of it (default: testing): as
# /usr/local/bin/haproxy-newer and nginx-newer, with all they need in /usr/local/lib/bench-peers. Nothing of that is
# installed; where the suite cannot be had, the bench goes without.
set -eu

suite=${1:-testing}
newer=/usr/local/lib/bench-peers

export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install --yes --no-install-recommends haproxy nginx libnginx-mod-stream strace util-linux

# An apt of its own, for which nothing is installed yet: it brings every library, the C library included.
other_apt() {
    apt-get -o Dir::Etc::sourcelist="$newer/apt/sources.list" -o Dir::Etc::sourceparts=- \
        -o Dir::State="$newer/apt" -o Dir::State::status=/dev/null -o Dir::Cache="$newer/apt" \
        -o APT::Sandbox::User=root "$@"
}

# Starts a program of the other suite with the libraries of that.
write_starter() {
    cat >"/usr/local/bin/$1-newer" <<STARTER
#!/bin/sh
exec $newer/root/usr/lib64/ld-linux-x86-64.so.2 --library-path $newer/root/usr/lib/x86_64-linux-gnu $newer/root/usr/sbin/$1 $2 "\$@"
STARTER
    chmod 755 "/usr/local/bin/$1-newer"
}

bring_newer() {
    rm -rf "$newer"
    mkdir -p "$newer/apt/lists/partial" "$newer/apt/archives/partial" "$newer/root"
    # From where this Debian has its own packages.
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Label: Debian' | head -n 1)
    [ -n "$mirror" ] || return 1
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$newer/apt/sources.list"
    other_apt update &&
        other_apt install --yes --no-install-recommends --download-only haproxy nginx libnginx-mod-stream || return 1
    for package in "$newer"/apt/archives/*.deb; do
        dpkg -x "$package" "$newer/root" || return 1
    done
    rm -r "$newer/apt"
    # Where nginx looks for its modules: beside what it takes for its own folder.
    ln -sfn ../../lib/nginx/modules "$newer/root/usr/share/nginx/modules"
    write_starter haproxy ""
    write_starter nginx "-p $newer/root/usr/share/nginx/"
}

if [ "$(uname -m)" != x86_64 ] || ! bring_newer; then
    echo "without newer programs of $suite" >&2
    rm -f /usr/local/bin/haproxy-newer /usr/local/bin/nginx-newer
fi

haproxy -v | head -n 1
nginx -v
haproxy-newer -v 2>/dev/null | head -n 1
nginx-newer -v || true
strace --version | head -n 1
