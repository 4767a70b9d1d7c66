"""What hashes say of copies, of other images, of turned ones, and of blank ones.

Example::

    python benchmarks/hashes.py background holidays_half ferrari fashion --images 100

Of each folder so many images are taken, evenly. Each is compared with copies of it: recompressed
as JPEG of quality 10, reduced to a quarter of its sides, blurred by a Gaussian of 1/200 of its
longest side; and with the images of other folders. ``turned`` is the distance between the
hashes derived for its seven other orientations and those of the turned images. Distances are
told by their mean and their 99th percentile; those of other images by their mean and the least.

The qualities of the images are told by the least and the 1st percentile; those of blank ones by
the highest and the 99th percentile. These are uniform, ramps and vignettes of several sizes, plain
and with noise, raw and as JPEG.
"""

from __future__ import annotations

import argparse
import io
import statistics
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from common import report, seconds
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from cbir.core.threads import one_thread_each
from cbir.descriptors.base import Descriptor
from cbir.descriptors.hashes.dihedral import orientations
from cbir.descriptors.registry import parse
from cbir.images.discovery import find_images
from cbir.images.encoded_image import EncodedImage
from cbir.images.image_source import open_image
from cbir.images.pixels import Pixels, upright
from cbir.search.metrics import hamming

SPECS = "phash phash:bits=64 pdq dhash dhash:bits=256 ahash whash colorhash".split()
TURNED = ("phash", "pdq")


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path, nargs="+")
    parser.add_argument("--images", type=int, default=100, help="of each folder; default 100")
    options = parser.parse_args()
    folders = [_sample(dataset, options.images) for dataset in options.dataset]
    blanks = list(_blanks())
    rows = [[spec, *_measure(spec, folders, blanks)] for spec in SPECS]
    columns = ["descriptor", "jpeg 10", "quarter", "blur", "others", "turned"]
    columns += ["quality", "of blanks", "ms/image"]
    report("hashes", columns, rows)


def _sample(dataset: Path, count: int) -> list[Path]:
    found = find_images(str(dataset))
    return [dataset / one.path for one in found[:: max(1, len(found) // count)]][:count]


def _measure(spec: str, folders: list[list[Path]], blanks: list[Pixels]) -> list[Any]:
    descriptor = parse(spec).descriptor
    paths = [path for folder in folders for path in folder]
    rows = np.stack([_row(descriptor, EncodedImage.open(str(path))) for path in paths])
    bits, qualities = np.ascontiguousarray(rows[:, :-1]), rows[:, -1]
    copies: dict[str, list[int]] = {}
    for path, own in zip(paths, bits, strict=True):
        for name, copy in _copies(Image.open(path).convert("RGB")).items():
            copies.setdefault(name, []).append(_distance(own, _row(descriptor, copy)[:-1]))
    owners = np.repeat(np.arange(len(folders)), [len(folder) for folder in folders])
    others = [hamming(own, bits[owners > owner]) for own, owner in zip(bits, owners, strict=True)]
    turned = "-"
    if spec in TURNED:
        turned = _spread([one for path in paths for one in _turned(descriptor, path)])
    blank = [int(_row(descriptor, open_image(image))[-1]) for image in blanks]
    apart = np.concatenate(others)
    return [
        *map(_spread, copies.values()),
        f"{float(apart.mean()):.4g}; {int(apart.min())}",
        turned,
        f"{int(qualities.min())}; {float(np.percentile(qualities, 1)):.0f}",
        f"{max(blank)}; {float(np.percentile(blank, 99)):.0f}",
        _milliseconds(descriptor, paths),
    ]


def _row(descriptor: Descriptor, image: Any) -> NDArray[np.uint8]:
    return descriptor.describe(image.pixels(descriptor.working_size))


def _distance(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> int:
    return int(hamming(one, np.ascontiguousarray(other)[None])[0])


def _spread(distances: list[int]) -> str:
    return f"{float(np.mean(distances)):.3g}; {float(np.percentile(distances, 99)):.0f}"


def _copies(image: Image.Image) -> dict[str, EncodedImage]:
    quarter = (max(1, image.width // 4), max(1, image.height // 4))
    blur = ImageFilter.GaussianBlur(max(image.size) / 200)
    return {
        "jpeg 10": _saved(image, 10),
        "quarter": _saved(image.resize(quarter, Image.Resampling.BICUBIC), 90),
        "blur": _saved(image.filter(blur), 90),
    }


def _saved(image: Image.Image, quality: int) -> EncodedImage:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return EncodedImage("copy", buffer.getvalue())


def _turned(descriptor: Descriptor, path: Path) -> Iterator[int]:
    pixels = EncodedImage.open(str(path)).pixels(descriptor.working_size)
    derived = orientations(descriptor.describe(pixels)[None, :-1])[0]
    for orientation, bits in enumerate(derived[1:], 2):
        # What turns one rotation upright makes the opposite one, and all others are their own.
        image = upright(pixels, {6: 8, 8: 6}.get(orientation, orientation))
        yield _distance(bits, descriptor.describe(image)[:-1])


def _blanks() -> Iterator[Pixels]:
    """Make images without content."""
    rng = np.random.default_rng(0)
    for height, width in ((64, 64), (150, 200), (480, 640), (1200, 1600)):
        y, x = np.mgrid[0:height, 0:width, 0:1][:2] / width
        grounds: list[Any] = [np.array(color) for color in ([0] * 3, [128] * 3, [255] * 3)]
        grounds += [np.array([8, 8, 8]), np.array([200, 60, 40])]
        for angle, range_ in ((0.1, 20), (0.9, 60), (1.4, 120), (0.6, 250)):
            grounds.append(range_ * (np.cos(angle) * x + np.sin(angle) * y) / 1.4)
        for depth in (30, 80, 150):
            grounds.append(220 - 2 * depth * ((x - 0.5) ** 2 + (y - 0.4) ** 2))
        for ground in grounds:
            for deviation in (0, 1, 3, 5):
                noise = rng.normal(0, deviation, (height, width, 3))
                image = np.clip(np.rint(ground + noise), 0, 255).astype(np.uint8)
                yield image
                for quality in (30, 85):
                    yield _saved(Image.fromarray(image), quality).pixels()


def _milliseconds(descriptor: Descriptor, paths: list[Path]) -> float:
    images = [EncodedImage.open(str(path)).pixels(descriptor.working_size) for path in paths]
    with one_thread_each():
        times = [seconds(partial(descriptor.describe, image)) for image in images]
    return round(1000 * statistics.median(times), 3)


if __name__ == "__main__":
    main()
