"""The first stage of indexing: find the images of the dataset."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cbir.core.errors import CbirError, UnreadableImageError, printable
from cbir.core.progress import ProgressListener
from cbir.images.discovery import ImageFile, find_images
from cbir.indexing.request import IndexRequest
from cbir.stores.default_path import is_kept


@dataclass(frozen=True, slots=True)
class Scan:
    """What is there to be indexed.

    Attributes
    ----------
    dataset : str
        The folder, as it was given.
    root : str
        The folder, as the index will name it.
    images : sequence of ImageFile
        Sorted by the bytes of their paths.
    unreadable : sequence of UnreadableImageError
        Files and folders that could not be looked at.
    left_out : mapping of str to int
        Files of formats that are not read, by extension.
    started : float
        When the walk began, by :func:`time.perf_counter`.
    is_moved : bool
        The dataset was elsewhere when it was indexed: only an image's content tells what it is.
    """

    dataset: str
    root: str
    images: Sequence[ImageFile]
    unreadable: Sequence[UnreadableImageError]
    left_out: Mapping[str, int]
    started: float
    is_moved: bool = False


def scan(request: IndexRequest, listener: ProgressListener) -> Scan:
    """Walk the dataset.

    Raises
    ------
    CbirError
        When the dataset is no folder, or there is no image in it.
    """
    started = time.perf_counter()
    unreadable: list[UnreadableImageError] = []
    left_out: Counter[str] = Counter()

    def report(error: UnreadableImageError) -> None:
        unreadable.append(error)
        listener.unreadable(error)

    images = find_images(request.dataset, request.include, request.exclude, report, left_out)
    if not images:
        hint = (
            "nothing matches --include, or all is left out by --exclude"
            if request.include or request.exclude
            else "images are known by extensions like .jpg and .png, or by --include"
        )
        raise CbirError(f"{printable(request.dataset)}: there is no image in the dataset; {hint}")
    root = _relative_root(request.dataset, request.index)
    return Scan(request.dataset, root, images, unreadable, left_out, started)


def _relative_root(dataset: str, index: str) -> str:
    """Return the dataset relative to the index, so that both can be moved together.

    The cache folder moves without the datasets: an index that is kept there has the whole path.
    """
    root, folder = os.path.realpath(dataset), os.path.dirname(os.path.realpath(index))
    if is_kept(index):
        return root.replace(os.sep, "/")
    return os.path.relpath(root, folder).replace(os.sep, "/")
