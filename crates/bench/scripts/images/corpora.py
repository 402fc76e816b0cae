"""Makes the photos of `bench images`: three of 12 and three of 2 megapixels, each as JPEG, PNG, WebP and AVIF.

Larger originals are scaled down, so that the pixels are as sharp as a camera's. There is no wallpaper of 12 megapixels that
is a plain photograph, so one is put together of four. What an AVIF shows is kept as PNG, in a folder beside it, to hold thumbnails
against it.
"""

import sys
from pathlib import Path

from PIL import Image

packages, corpora = Path(sys.argv[1]), Path(sys.argv[2])
nature = packages / "mate-backgrounds/usr/share/backgrounds/mate/nature"
abstract = packages / "mate-backgrounds/usr/share/backgrounds/mate/abstract"
plasma = packages / "plasma-workspace-wallpapers/usr/share/wallpapers"

SAVE = {
    "jpeg": ("jpg", {"quality": 90, "subsampling": "4:2:0"}),
    "png": ("png", {}),
    "webp": ("webp", {"quality": 85}),
    "avif": ("avif", {"quality": 63, "speed": 8}),
}


def read(path):
    return Image.open(path).convert("RGB")


def four(names):
    """Four photos of one size as one."""
    photos = [read(nature / name) for name in names]
    width, height = photos[0].size
    whole = Image.new("RGB", (2 * width, 2 * height))
    for index, photo in enumerate(photos):
        whole.paste(photo, (index % 2 * width, index // 2 * height))
    return whole


def of_megapixels(photo, megapixels):
    factor = (megapixels * 1e6 / (photo.width * photo.height)) ** 0.5
    if factor >= 1:
        return photo
    return photo.resize((round(photo.width * factor), round(photo.height * factor)), Image.LANCZOS)


def save(name, photo, megapixels):
    photo = of_megapixels(photo, megapixels)
    for kind, (extension, options) in SAVE.items():
        folder = corpora / f"{kind}-{megapixels}mp"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.{extension}"
        photo.save(path, **options)
        if kind == "avif":
            shown = corpora / f"{folder.name}-shown"
            shown.mkdir(exist_ok=True)
            read(path).save(shown / f"{name}.png")


save("elephants", read(abstract / "Elephants_5640x3172.jpg"), 12)
save("landing", read(plasma / "SafeLanding/contents/images/5120x2880.jpg"), 12)
save("nature", four(["LadyBird.jpg", "Garden.jpg", "TwoWings.jpg", "Aqua.jpg"]), 12)
save("drops", read(nature / "RainDrops.jpg"), 2)
save("dune", read(nature / "Dune.jpg"), 2)
save("ladybird", read(nature / "LadyBird.jpg"), 2)
