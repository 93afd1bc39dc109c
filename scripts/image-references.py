#!/usr/bin/env python3
"""Images read and cropped by Pillow, torchvision and the published teachers' own code, for dd2 to be held against.

    scripts/image-references.py fixtures           writes Tests/TestSupport/Goldens/images anew
    scripts/image-references.py compare [--side N]  all photographs of scikit-image, as PNG and JPEG: pixels that differ
    scripts/image-references.py time [--count N]    JPEGs of 500 x 375 to 256 x 256: dd2 against PyTorch's DataLoader

--var and --llamagen are checkouts of FoundationVision/VAR and FoundationVision/LlamaGen, whose utils/data.py and
dataset/augmentation.py crop. Needs Pillow with libjpeg-turbo (the one that dd2 is linked with, for equal pixels), PyTorch,
torchvision, scikit-image with its data, jpegtran; of Debian: python3-pil python3-torch python3-torchvision python3-skimage
libjpeg-turbo-progs. `compare` and `time` want `swift build -c release --product dd2-bench` before.
"""

import argparse
import contextlib
import glob
import io
import os
import struct
import subprocess
import sys
import tempfile
import time

import numpy as np
import skimage
from PIL import Image, ImageOps, features

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PHOTOGRAPHS = os.path.join(os.path.dirname(skimage.__file__), "data")
BENCH = os.path.join(ROOT, ".build/release/dd2-bench")


def read(path):
    """What is to come out of a file."""
    return ImageOps.exif_transpose(Image.open(path)).convert("RGB")


def photograph(name):
    return Image.open(os.path.join(PHOTOGRAPHS, name)).convert("RGB")


def crops(options, side):
    """The published crops, by dd2's names for them."""
    sys.path.insert(0, os.path.join(options.var, "utils"))
    sys.path.insert(0, os.path.join(options.llamagen, "dataset"))
    import augmentation
    import data
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        for part in ("train", "val"):
            os.makedirs(f"{folder}/{part}/class")
            Image.new("RGB", (8, 8)).save(f"{folder}/{part}/class/a.png")
        transform = data.build_dataset(folder, side)[2].transform

    def var(image):
        values = (transform(image).numpy() + 1) * 127.5
        return Image.fromarray(values.round().astype(np.uint8).transpose(1, 2, 0))

    return {"var": var, "adm": lambda image: augmentation.center_crop_arr(image, side)}


# --- fixtures ---------------------------------------------------------------------------------------------------------


def jpegtran(path, *options):
    data = subprocess.run(["jpegtran", *options, path], check=True, capture_output=True).stdout
    with open(path, "wb") as file:
        file.write(data)


def exif(orientation, order):
    """A block of EXIF that says nothing else."""
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    entry = struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)
    return b"Exif\0\0" + start + struct.pack(order + "H", 1) + entry + bytes(4)


def save_inks(image, path, ycck):
    """Four inks as Adobe writes them: inverted, and, for YCCK, the first three turned into luma and chroma."""
    inverted = np.asarray(image).astype(int)
    black = 255 - inverted.max(axis=2) // 3
    first = np.asarray(image.convert("YCbCr")) if ycck else inverted
    # Pillow inverts what it is given once more.
    stored = 255 - np.dstack([first, black]).astype(np.uint8)
    Image.fromarray(stored.astype(np.uint8), "CMYK").save(path, quality=85)
    if ycck:
        data = bytearray(open(path, "rb").read())
        data[data.index(b"Adobe") + 11] = 2
        with open(path, "wb") as file:
            file.write(data)


def fixtures(options):
    folder = os.path.join(ROOT, "Tests/TestSupport/Goldens/images")
    os.makedirs(folder, exist_ok=True)

    def path(name):
        return os.path.join(folder, name)

    cat = photograph("chelsea.png").crop((110, 60, 157, 93))
    for name, kinds in {
        "420": {}, "444": {"subsampling": 0}, "422": {"subsampling": 1}, "progressive": {"progressive": True},
        "restart": {}, "arithmetic": {},
    }.items():
        cat.save(path(name + ".jpg"), quality=85, **kinds)
    jpegtran(path("restart.jpg"), "-restart", "1B")
    jpegtran(path("arithmetic.jpg"), "-arithmetic")
    cat.convert("L").save(path("gray.jpg"), quality=85)
    save_inks(cat, path("cmyk.jpg"), ycck=False)
    save_inks(cat, path("ycck.jpg"), ycck=True)
    # Byte orders take turns.
    small = cat.crop((10, 5, 29, 17))
    for orientation in range(1, 9):
        small.save(path(f"exif{orientation}.jpg"), quality=85, exif=exif(orientation, "<>"[orientation % 2]))
    for file in glob.glob(path("*.jpg")):
        read(file).save(file.replace(".jpg", ".png"), optimize=True)

    # Photographs to crop: landscape, portrait, smaller than the side, exactly twice it, halved more than once, a strip.
    side = 32
    cups = photograph("coffee.png")
    for width, height in [(83, 61), (61, 107), (20, 27), (64, 64), (90, 64), (203, 152), (150, 9), (32, 32)]:
        name = f"photo-{width}x{height}"
        cups.crop((150, 60, 150 + width, 60 + height)).save(path(name + ".jpg"), quality=75)
        for crop, function in crops(options, side).items():
            function(read(path(name + ".jpg"))).save(path(f"{name}-{crop}.png"), optimize=True)


# --- all photographs --------------------------------------------------------------------------------------------------


def bench(folder, *arguments):
    return subprocess.run([BENCH, "images", folder, *arguments], check=True, capture_output=True, text=True).stdout


def as_jpeg(name, image, folder):
    """The kinds of JPEG that Pillow writes."""
    for suffix, kinds in [("420", {}), ("444", {"subsampling": 0}), ("progressive", {"progressive": True})]:
        image.save(f"{folder}/{name}-{suffix}.jpg", quality=90, **kinds)
    image.convert("L").save(f"{folder}/{name}-gray.jpg", quality=90)
    save_inks(image, f"{folder}/{name}-ycck.jpg", ycck=True)


def compare(options):
    with tempfile.TemporaryDirectory() as work:
        photos = f"{work}/photos"
        os.mkdir(photos)
        for path in sorted(glob.glob(f"{PHOTOGRAPHS}/*.png") + glob.glob(f"{PHOTOGRAPHS}/*.jpg")):
            try:
                image = Image.open(path).convert("RGB")
            except OSError:
                continue  # one is cut short on purpose
            name = os.path.basename(path).split(".")[0]
            image.save(f"{photos}/{name}.png")
            as_jpeg(name, image, photos)
        names = sorted(os.listdir(photos))
        print(f"{len(names)} files; Pillow {Image.__version__}, libjpeg-turbo {features.version('libjpeg_turbo')}")
        print("what            images      pixels   different  largest difference")
        references = {"read": read, **{
            name: lambda path, function=function: function(read(path))
            for name, function in crops(options, options.side).items()
        }}
        for title, reference in references.items():
            ours = f"{work}/{title}"
            os.mkdir(ours)
            bench(photos, "--output", ours, *([] if title == "read" else ["--crop", title, "--side", str(options.side)]))
            pixels = different = largest = 0
            for name in names:
                a = np.asarray(reference(f"{photos}/{name}")).astype(int)
                b = np.asarray(Image.open(f"{ours}/{name}.png")).astype(int)
                if a.shape != b.shape:
                    sys.exit(f"{title} {name}: {b.shape} where {a.shape} is expected")
                pixels += a.shape[0] * a.shape[1]
                different += int((a != b).any(axis=2).sum())
                largest = max(largest, int(abs(a - b).max()))
            print(f"{title:12} {len(names):9} {pixels:11} {different:11} {largest:19}")
            if different:
                options.status = 1


# --- speed ------------------------------------------------------------------------------------------------------------


def timing(options):
    import torch
    sys.path.insert(0, os.path.join(options.var, "utils"))
    import data
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as work:
        folder = f"{work}/val/class"
        os.makedirs(folder)
        os.makedirs(f"{work}/train/class")
        sources = [photograph(name) for name in ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")]
        for index in range(options.count):
            source = sources[index % len(sources)]
            width = 400 + index % 40
            box = (index % 11, index % 7, index % 11 + width, index % 7 + width * 3 // 4)
            source.resize((500, 375), Image.BICUBIC, box=tuple(min(a, b) for a, b in zip(box, source.size * 2))).save(
                f"{folder}/{index:05d}.jpg", quality=92)
        Image.new("RGB", (8, 8)).save(f"{work}/train/class/a.png")
        with contextlib.redirect_stdout(io.StringIO()):
            images = data.build_dataset(work, 256)[2]
        size = sum(os.path.getsize(path) for path, _ in images.samples) / options.count
        print(f"{options.count} JPEGs of 500 x 375 pixels, {size / 1000:.0f} KB each; images a second, two workers")
        for _ in range(options.rounds):
            print("dd2        ", bench(folder, "--crop", "var", "--side", "256").strip(), flush=True)
            loader = torch.utils.data.DataLoader(images, batch_size=64, num_workers=2)
            start = time.perf_counter()
            count = sum(batch.shape[0] for batch, _ in loader)
            print(f"DataLoader  {count / (time.perf_counter() - start):.1f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=["fixtures", "compare", "time"])
    parser.add_argument("--var", required=True, help="checkout of VAR")
    parser.add_argument("--llamagen", required=True, help="checkout of LlamaGen")
    parser.add_argument("--side", type=int, default=256, help="of the crops that compare makes")
    parser.add_argument("--count", type=int, default=1000, help="files that time reads")
    parser.add_argument("--rounds", type=int, default=3, help="how often time repeats")
    options = parser.parse_args()
    options.status = 0
    {"fixtures": fixtures, "compare": compare, "time": timing}[options.task](options)
    sys.exit(options.status)


if __name__ == "__main__":
    main()
