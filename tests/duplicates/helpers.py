"""What the tests of duplicates use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from cbir.core.progress import ProgressListener
from cbir.descriptors.local_features.sift import SiftFeatures
from cbir.duplicates.collection import Collection, open_collection
from cbir.duplicates.image_content import Content, ContentCache
from cbir.duplicates.model import CopyLevel, Group


class Listener(ProgressListener):
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.notes: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def note(self, message: str) -> None:
        self.notes.append(message)


@contextmanager
def collected(
    folder: Path, level: CopyLevel, *references: Path, **options: Any
) -> Iterator[Collection]:
    """Open a folder with references."""
    with open_collection(
        str(folder), None, [str(one) for one in references], level, workers=2, **options
    ) as collection:
        yield collection


def unknown(sha256: bytes) -> SiftFeatures | None:
    """Keep no features."""
    return None


def seen(path: Path) -> tuple[ContentCache, Content]:
    """Look at one image."""
    cache = ContentCache(unknown)
    return cache, cache.load(str(path), with_features=False)


def save(pixels: Image.Image | np.ndarray, path: Path, **options: object) -> Path:
    """Save an image, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(path, **options)
    return path


def names(groups: list[Group], root: str) -> list[list[str]]:
    """The paths of each group below the root, the kept image first."""
    prefix = f"{root}/"
    return [
        [record.path.removeprefix(prefix) for record in (group.keep, *members(group))]
        for group in groups
    ]


def members(group: Group) -> list:
    return [duplicate.record for duplicate in group.duplicates]
