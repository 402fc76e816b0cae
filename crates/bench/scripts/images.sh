#!/bin/sh
# Brings what `bench images` measures our engine against, and makes the photos it measures on, into a folder
# (default: target/bench-images). On Debian 12, as root for the two command-line tools; without root these are skipped.
#
#   crates/bench/scripts/images.sh [FOLDER]
#
# The photos come from packages of wallpapers and stay in the folder; none is committed.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-target/bench-images}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)

if [ "$(id -u)" = 0 ]; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update
    apt-get install --yes --no-install-recommends libvips-tools graphicsmagick
else
    echo "not root: vipsthumbnail and gm are not installed" >&2
fi

[ -d "$folder/venv" ] || python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyvips pyvips-binary pillow

if command -v npm >/dev/null; then
    npm install --silent --no-audit --no-fund --prefix "$folder/node" sharp
else
    echo "no npm: sharp is not installed" >&2
fi

mkdir -p "$folder/packages"
for package in mate-backgrounds plasma-workspace-wallpapers; do
    [ -e "$folder/packages/$package" ] && continue
    (cd "$folder/packages" && apt-get download "$package" && dpkg -x "$package"_*.deb "$package")
done
"$folder/venv/bin/python" "$here/images/corpora.py" "$folder/packages" "$folder/corpora"

"$folder/venv/bin/pip" list 2>/dev/null | grep -iE 'pillow|vips'
vipsthumbnail --version || true
gm version | head -n 1 || true
