#!/bin/sh
# Installs what `bench library` measures goroutines with, on Debian 12; run it as root. The suite builds its Go program by itself.
set -eu

export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install --yes --no-install-recommends golang golang-golang-x-sync-dev

go version
