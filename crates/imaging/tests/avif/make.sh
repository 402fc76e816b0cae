#!/bin/sh
# Makes the pictures of this folder: avifenc 0.11.1 (libaom 3.6.0), the package libavif-bin of Debian 12.
set -eu
cd "$(dirname "$0")"

make() { avifenc --jobs 1 --speed 4 --min 0 --max 8 "$@" > /dev/null; }

make --yuv 420 quarters.png 420-8.avif
make --yuv 420 --range limited --cicp 1/13/1 quarters.png 420-8-limited-709.avif
make --yuv 422 --depth 10 --cicp 1/13/9 quarters.png 422-10-2020.avif
make --yuv 444 --depth 12 --range limited --cicp 1/13/6 quarters.png 444-12-limited.avif
make --yuv 420 odd.png odd.avif
make --yuv 400 --range limited gray.png gray-limited.avif
make --yuv 400 --depth 10 gray.png gray-10.avif
make --lossless quarters.png identity.avif
make --yuv 420 glass.png opacity.avif
make --yuv 444 --premultiply glass.png premultiplied.avif
make --yuv 444 --irot 1 --imir 0 quarters.png turned.avif
make --yuv 420 --grid 2x2 large.png grid.avif
make --yuv 420 --grid 2x2 large-glass.png grid-opacity.avif
make --yuv 420 --exif exif.bin --xmp xmp.xml quarters.png described.avif
make --yuv 420 --crop 0,0,32,48 quarters.png cut.avif
# Two frames, one after the other.
make --yuv 420 quarters.png quarters.png sequence.avif
