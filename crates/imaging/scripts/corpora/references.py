"""Collects the pictures of the packages, and has libvips make what ours is compared with: `references.py FOLDER`.

FOLDER/files/PACKAGE/... are the pictures. FOLDER/decoded has what libvips reads of those that are not large, upright and in sRGB,
as PNG; Pillow reads BMP, which libvips does not. FOLDER/thumbnails has photos as libvips makes thumbnails of them, in their format
and at the qualities of `bench images`.
"""

import shutil
import sys
from pathlib import Path

import pyvips
from PIL import Image

EXTENSIONS = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"}
# Decoded pictures are large as PNG.
DECODED_PIXELS_MAX = 1_200_000
PHOTO_PIXELS_MIN = 150_000
THUMBNAIL_SIDE = 256
SAVE = {".jpg": {"Q": 82}, ".jpeg": {"Q": 82}, ".webp": {"Q": 80}, ".png": {}}

folder = Path(sys.argv[1])


def to_srgb(image):
    image = image.autorot()
    if image.format not in ("uchar", "ushort") or image.bands > 5:
        raise ValueError("not the pixels of a picture of 8 or 16 bits")
    if image.get_typeof("icc-profile-data") != 0:
        return image.icc_transform("srgb", embedded=True)
    if image.interpretation in ("b-w", "grey16"):
        return image.colourspace("b-w")
    return image.colourspace("srgb")


def decode(source, target):
    if source.suffix == ".bmp":
        with Image.open(source) as image:
            image = image.convert("RGBA" if image.mode == "RGBA" else "RGB")
            if image.width * image.height <= DECODED_PIXELS_MAX:
                image.save(target)
        return
    image = pyvips.Image.new_from_file(str(source), fail_on="error")
    if image.width * image.height <= DECODED_PIXELS_MAX:
        to_srgb(image).cast("uchar").write_to_file(str(target), keep="none", bitdepth=8)


def thumbnail(source, target):
    image = pyvips.Image.new_from_file(str(source))
    if image.width * image.height < PHOTO_PIXELS_MIN or image.hasalpha() or image.get_typeof("icc-profile-data") != 0:
        return
    if image.bands == 3 and image.format == "uchar":
        made = pyvips.Image.thumbnail(str(source), THUMBNAIL_SIDE, height=THUMBNAIL_SIDE, size="down")
        made.write_to_file(str(target), keep="none", **SAVE[source.suffix.lower()])


def make(function, source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part" + target.suffix)
    try:
        function(source, part)
        if part.exists():
            part.rename(target)
    except Exception as error:
        part.unlink(missing_ok=True)
        print(f"no {target.relative_to(folder)}: {str(error).strip().splitlines()[-1]}")


for kind in ("files", "decoded", "thumbnails"):
    shutil.rmtree(folder / kind, ignore_errors=True)
packages = folder / "packages"
for source in sorted(packages.rglob("*")):
    if source.suffix.lower() in EXTENSIONS and source.is_file() and not source.is_symlink():
        name = source.relative_to(packages)
        copy = folder / "files" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.hardlink_to(source)
        make(decode, source, folder / "decoded" / f"{name}.png")
        if source.suffix.lower() in SAVE:
            make(thumbnail, source, folder / "thumbnails" / name)
