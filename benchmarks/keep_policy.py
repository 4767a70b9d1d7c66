"""How often the original is kept, out of it and one edited copy.

Example::

    python benchmarks/keep_policy.py clothing ferrari holidays_half fashion --sample 60

The copy is a file that was made later. For each edit, the table tells in which part of the pairs
the policies ``best`` and ``largest`` keep the original.
"""

from __future__ import annotations

import argparse
import io
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
from common import report
from PIL import Image, ImageFilter, ImageOps

from cbir.duplicates.detail import Detail, compare, measure
from cbir.images import Picture
from cbir.parallel import cores, one_thread_each, ordered_map
from cbir.walking import find_pictures

Edit = Callable[[Image.Image], Image.Image]


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--sample", type=int, default=60, help="pictures of each folder")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    paths = []
    for folder in options.folder:
        found = [str(folder / one.path) for one in find_pictures(str(folder))]
        paths += random.Random(options.seed).sample(found, min(options.sample, len(found)))
    with one_thread_each():
        results = list(ordered_map(_kept, paths, cores(), batch=1))
    rows = [
        (name, *np.mean([one[name] for one in results], axis=0).tolist()) for name in results[0]
    ]
    report("keep-policy", ["edit", "best", "largest"], rows)


def _kept(path: str) -> dict[str, tuple[bool, bool]]:
    """Say of each edit whether ``best`` and ``largest`` keep the original."""
    picture = Picture.open(path)
    original = measure(picture)
    image = Image.fromarray(picture.pixels())
    kept = {}
    for name, (edit, quality) in _edits().items():
        data = _encoded(edit(image), quality)
        copy = measure(Picture(name, data))
        # Of equal ones, the older one stays: the original.
        larger = (_pixels(copy), len(data)) > (_pixels(original), len(picture.data))
        kept[name] = compare(original, copy) <= 0, not larger
    return kept


def _pixels(detail: Detail) -> int:
    return detail.size[0] * detail.size[1]


def _encoded(image: Image.Image, quality: int | None) -> bytes:
    file = io.BytesIO()
    if quality is None:
        image.save(file, "PNG")
    else:
        image.save(file, "JPEG", quality=quality)
    return file.getvalue()


def _edits() -> dict[str, tuple[Edit, int | None]]:
    """Return edits with the quality they are saved at; None is PNG."""
    edits: dict[str, tuple[Edit, int | None]] = {}
    kernels = Image.Resampling
    for kernel in (kernels.BICUBIC, kernels.LANCZOS, kernels.NEAREST):
        for factor in (1.2, 1.5, 2, 4):
            for quality in (20, 90, None):
                name = f"x{factor} {kernel.name.lower()} {quality or 'png'}"
                edits[name] = _scaled(factor, kernel), quality
    for factor in (0.9, 0.75, 0.5, 0.25):
        for quality in (90, None):
            edits[f"x{factor} {quality or 'png'}"] = _scaled(factor, kernels.LANCZOS), quality
    for quality in (20, 50, 75, 85, 90, 95):
        edits[f"jpeg {quality}"] = _same, quality
    edits["png"] = _same, None
    edits["sharpened"] = lambda image: image.filter(ImageFilter.UnsharpMask(2, 100, 0)), 90
    edits["blurred"] = lambda image: image.filter(ImageFilter.GaussianBlur(1)), 90
    edits["noisy"] = _noisy, 90
    edits["gray"] = ImageOps.grayscale, 90
    edits["cropped"] = lambda image: ImageOps.crop(image, image.width // 20), 90
    edits["padded"] = lambda image: ImageOps.expand(image, image.width // 10, "white"), 90
    return edits


def _same(image: Image.Image) -> Image.Image:
    return image


def _scaled(factor: float, kernel: Image.Resampling) -> Edit:
    return lambda image: image.resize(
        (max(1, round(image.width * factor)), max(1, round(image.height * factor))), kernel
    )


def _noisy(image: Image.Image) -> Image.Image:
    noise = np.random.default_rng(0).normal(0, 8, (image.height, image.width, 3))
    return Image.fromarray((np.asarray(image) + noise).clip(0, 255).astype(np.uint8))


if __name__ == "__main__":
    main()
