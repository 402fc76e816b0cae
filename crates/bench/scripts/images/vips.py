"""Thumbnails by libvips, through pyvips. The operation cache is off: it would answer repeated files from memory."""

import pyvips

from serve import serve

pyvips.cache_set_max(0)


def make(source, target, side, quality):
    image = pyvips.Image.thumbnail(source, side, height=side, size="down")
    options = {} if target.endswith(".png") else {"Q": quality}
    image.write_to_file(target, keep="none", **options)


serve(make)
