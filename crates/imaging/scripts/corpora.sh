#!/bin/sh
# Brings the files that the tests `corpora` look at into a folder (default: target/corpora, where they look): photos, and what other
# projects test their decoders with. Beside them lies what libvips makes of each. About 150 MB are downloaded from Debian 12 and PyPI; it
# needs no root, and none of the files is committed.
#
#   crates/imaging/scripts/corpora.sh [FOLDER]
#   cargo test --release -p imaging corpora
set -eu

here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-target/corpora}
mkdir -p "$folder/packages"
folder=$(cd "$folder" && pwd)

[ -d "$folder/venv" ] || python3 -m venv "$folder/venv"
pip="$folder/venv/bin/pip"
"$pip" install --quiet pyvips pyvips-binary pillow

cd "$folder/packages"
# Photos: JPEG and WebP of up to 18 megapixels. Test files of Go's decoders: JPEG of all subsamplings, PngSuite, WebP, TIFF.
for package in mate-backgrounds gnome-backgrounds golang-1.19-src golang-golang-x-image-dev; do
    [ -e "$package" ] && continue
    apt-get download "$package"
    dpkg -x "$package"_*.deb "$package.part"
    mv "$package.part" "$package"
    rm "$package"_*.deb
done
# Photos, and drawings with opacity.
for package in scikit-image matplotlib; do
    [ -e "$package" ] && continue
    "$pip" download --quiet --no-deps --only-binary :all: --dest wheels "$package"
    wheel=$(echo "$package" | tr - _)
    mkdir -p "$package.part"
    (cd "$package.part" && python3 -m zipfile -e ../wheels/"$wheel"-*.whl .)
    mv "$package.part" "$package"
    rm -r wheels
done
# Test files of Pillow (licence: HPND): every kind of every format, whole and damaged. Only its source has them.
if [ ! -e pillow ]; then
    "$pip" download --quiet --no-deps --no-binary pillow --dest wheels pillow
    mkdir -p pillow.part
    tar -xzf wheels/pillow-*.tar.gz -C pillow.part --strip-components=1
    mv pillow.part pillow
    rm -r wheels
fi

"$folder/venv/bin/python" "$here/corpora/references.py" "$folder"
