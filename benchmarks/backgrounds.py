"""Make the rows of unrelated images by which fusions measure distances.

Examples::

    python benchmarks/backgrounds.py background
    python benchmarks/backgrounds.py background --add

The folder holds images of all kinds of things, none of them of a set that anything is measured
on. 200 of them are taken, evenly by a hash of the path, and described by each built-in descriptor
with its default parameters and by those of the presets. Trained ones are described with the model
that comes with the package; run this after training it. Bags of words have no distances outside of
a collection, and are left out. The file is the same byte for byte for the same images on the same
kind of processor; on another, a few numbers of Fisher vectors differ by one. ``--add`` leaves the
rows that the file has.
"""

from __future__ import annotations

import argparse
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from common import report
from numpy.typing import NDArray

from cbir.core.atomic_files import written_aside
from cbir.core.threads import cores, one_thread_each, ordered_map
from cbir.descriptors import models
from cbir.descriptors.base import Row
from cbir.descriptors.models import load_shipped
from cbir.descriptors.presets import PRESETS
from cbir.descriptors.registry import NamedDescriptor, parse, ready_made
from cbir.descriptors.trained import TrainedDescriptor
from cbir.images.discovery import find_images
from cbir.images.encoded_image import EncodedImage
from cbir.search.fusion import backgrounds

IMAGES = 200
"""The mean of so many distances is off by 7 % of their deviation, and that by 5 % of itself."""


def main() -> None:
    """Describe, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--add", action="store_true", help="only what the file has no rows of")
    options = parser.parse_args()
    path = Path(models.__file__).parent / f"{backgrounds.FILE}.npz"
    chosen = list(descriptors())
    fingerprints = {one.descriptor.fingerprint: one for one in chosen}
    there = load_shipped(backgrounds.FILE) if options.add else {}
    arrays = {one: there[one] for one in fingerprints if one in there}
    new = [one for one in fingerprints if one not in arrays]
    described = rows(options.folder, [fingerprints[one] for one in new])
    arrays.update(zip(new, described, strict=True))
    with written_aside(str(path)) as file:
        np.savez_compressed(file, **dict(sorted(arrays.items())))  # type: ignore[arg-type]
    table = [[one.spec, *arrays[one.descriptor.fingerprint].shape] for one in chosen]
    report("backgrounds", ["descriptor", "images", "numbers"], table)
    print(f"{path.stat().st_size:,} bytes")


def descriptors() -> Iterator[NamedDescriptor]:
    """List what has rows in the file, each once, ready to describe."""
    specs = [one.name for one in ready_made()]
    specs += [spec for preset in PRESETS.values() for spec in preset.specs]
    seen = set()
    for spec in specs:
        named = parse(spec)
        descriptor = named.descriptor
        if descriptor.kind.counted:
            continue
        if isinstance(descriptor, TrainedDescriptor):
            state = descriptor.shipped()
            if state is None:
                continue
            named = NamedDescriptor(named.alias, descriptor.bind(state))
        if named.descriptor.fingerprint not in seen:
            seen.add(named.descriptor.fingerprint)
            yield named


def rows(folder: Path, chosen: list[NamedDescriptor]) -> list[NDArray[np.generic]]:
    """Return for each descriptor the rows of the images."""

    def rank(path: str) -> bytes:
        return hashlib.sha256(os.fsencode(path)).digest()

    def describe(path: str) -> list[Row]:
        image = EncodedImage.open(str(folder / path))
        return [one.describe(image) for one in chosen]

    paths = sorted((found.path for found in find_images(str(folder))), key=rank)[:IMAGES]
    with one_thread_each():
        described = list(ordered_map(describe, paths, cores()))
    return [np.stack(column) for column in zip(*described, strict=True)]


if __name__ == "__main__":
    main()
