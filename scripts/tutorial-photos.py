#!/usr/bin/env python3
"""The tutorial's images: crops of three of scikit-image's photographs, of many sizes, half JPEG and half PNG.

    scripts/tutorial-photos.py photos       photos/cat, photos/coffee and photos/rocket, of 100 files each
    scripts/tutorial-photos.py others 2     other crops: a seed other than 1

The photographs come inside the package (pip install scikit-image pillow). None has copyright restrictions: cat
(chelsea.png), by Stefan van der Walt, and coffee, by Rachel Michetti, are CC0, rocket, by SpaceX, is in the public domain
(skimage/data/_fetchers.py says so).
"""

import random
import sys
from pathlib import Path

import skimage.data
from PIL import Image

PHOTOGRAPHS = {"cat": skimage.data.chelsea, "coffee": skimage.data.coffee, "rocket": skimage.data.rocket}
COUNT = 100
SHORTEST, LONGEST = 60, 400


def crop(photograph, draw):
    """A rectangle of random size and place."""
    width, height = (draw.randint(SHORTEST, min(LONGEST, side)) for side in photograph.size)
    left, top = draw.randint(0, photograph.width - width), draw.randint(0, photograph.height - height)
    return photograph.crop((left, top, left + width, top + height))


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__.strip())
    draw = random.Random(int(sys.argv[2]) if len(sys.argv) == 3 else 1)
    for name, photograph in PHOTOGRAPHS.items():
        photograph = Image.fromarray(photograph())
        folder = Path(sys.argv[1], name)
        folder.mkdir(parents=True, exist_ok=True)
        for index in range(COUNT):
            path = folder / f"{index:03}.{('jpg', 'png')[index % 2]}"
            crop(photograph, draw).save(path, quality=90)


if __name__ == "__main__":
    main()
