"""Thumbnails by Pillow. `thumbnail` calls `draft` to have a JPEG shrunk by its decoder."""

from PIL import Image

from serve import serve

Image.MAX_IMAGE_PIXELS = None


def make(source, target, side, quality):
    with Image.open(source) as image:
        image.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
        options = {} if target.endswith(".png") else {"quality": quality}
        image.save(target, **options)


serve(make)
