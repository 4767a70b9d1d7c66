"""The first stage of indexing: find the images of a dataset, and know it again."""

from __future__ import annotations

import itertools
import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from cbir.core.digests import sha256_if_readable
from cbir.core.errors import CbirError, UnreadableImageError, printable
from cbir.core.messages import Call, Message, Parameter
from cbir.core.progress import ProgressListener
from cbir.images.discovery import ImageFiles, find_image, find_images, is_selected
from cbir.indexing.request import IndexRequest
from cbir.stores.locations import kept_location
from cbir.stores.model import Snapshot

_SAMPLE = 32
"""Images by whose content a dataset is recognized that was moved."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What is there to be indexed.

    Attributes
    ----------
    dataset : str
        The folder, as it was given.
    root : str
        The folder, as the index will name it.
    images : ImageFiles
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
    images: ImageFiles
    unreadable: Sequence[UnreadableImageError]
    left_out: Mapping[str, int]
    started: float
    is_moved: bool = False


def scan(request: IndexRequest, listener: ProgressListener) -> Scan:
    """Walk the dataset, or look only at the paths that are asked for.

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

    if request.paths is None:
        images = find_images(request.dataset, request.include, request.exclude, report, left_out)
    else:
        images = _images_at(request.dataset, request.paths, report)
    if not images and request.paths is None:
        include, exclude = Parameter("include"), Parameter("exclude")
        hint = (
            Message("nothing matches ", include, ", or all is left out by ", exclude)
            if request.include or request.exclude
            else Message("images are known by extensions like .jpg and .png, or by ", include)
        )
        unread = [f"{count:,} {extension}" for extension, count in left_out.most_common()]
        but = f", but {', '.join(unread)} of formats that are not read" if unread else ""
        raise CbirError(
            f"{printable(request.dataset)}: there is no image in the dataset{but}; ", hint
        )
    root = kept_location(os.path.realpath(request.dataset), request.index)
    return Scan(request.dataset, root, images, unreadable, left_out, started)


def _images_at(
    dataset: str, paths: Collection[str], report: Callable[[UnreadableImageError], None]
) -> ImageFiles:
    if not os.path.isdir(dataset):
        raise CbirError(f"{printable(dataset)}: the dataset is not a folder, or does not exist")
    images = []
    for path in sorted(paths, key=os.fsencode):
        try:
            found = find_image(dataset, path)
        except UnreadableImageError as error:
            report(error)
        else:
            images += [found] if found is not None else []
    return ImageFiles.of(images)


def recognized(
    scan: Scan, request: IndexRequest, base: Snapshot, listener: ProgressListener
) -> Scan:
    """Return a scan of the dataset of an index, with the images that may not be gone.

    Those are the ones below what could not be looked at, and, if others than those that the
    patterns select are to be kept, or others than some paths are not to be looked at, these.

    Parameters
    ----------
    scan : Scan
    request : IndexRequest
    base : Snapshot
        The index so far.
    listener : ProgressListener
        Told if the dataset was moved.

    Raises
    ------
    CbirError
        When it is another dataset, or no image would be left.
    """
    known = scan.images if request.paths is None else _images_of(base)
    is_moved = _check_root(scan, known, base, listener)
    errors = scan.unreadable
    places = [os.path.relpath(one.path, scan.dataset).replace(os.sep, "/") for one in errors]
    below = tuple(f"{place}/" for place in places)

    def is_other(path: str) -> bool:
        if request.paths is not None:
            return path not in request.paths
        return request.keep_others and not is_selected(path, request.include, request.exclude)

    def may_be_there(path: str) -> bool:
        return is_other(path) or path in places or path.startswith(below)

    images = scan.images
    if request.keep_others or request.paths is not None or places:
        found = set(images.paths)
        others = (
            one for one in _images_of(base) if one.path not in found and may_be_there(one.path)
        )
        images = ImageFiles.sorted(itertools.chain(images, others))
    if not images:
        raise CbirError(
            f"{printable(scan.dataset)}: no image would be left in the index; it stays as it is"
        )
    return replace(scan, images=images, is_moved=is_moved)


def _images_of(base: Snapshot) -> ImageFiles:
    """Return the images of an index as it knows them."""
    facts = base.rows.facts
    return ImageFiles(base.rows.paths, facts["bytes"], facts["mtime"])


def _check_root(scan: Scan, images: ImageFiles, base: Snapshot, listener: ProgressListener) -> bool:
    """Say whether the dataset of an index was moved, by images in it; refuse another one."""
    if base.manifest.root == scan.root:
        return False
    is_gone = not os.path.isdir(base.root)
    if is_gone and _is_same_dataset(base, scan.dataset, images):
        listener.note(
            f"{printable(base.path)}: the dataset was at {printable(base.root)}; its images are"
            " recognized by their content"
        )
        return True
    reason = (
        ", which is not there any more, and most images here have other contents" if is_gone else ""
    )
    raise CbirError(
        f"{printable(base.path)}: this is the index of {printable(base.root)}, not of"
        f" {printable(scan.dataset)}{reason}; name another file with ",
        Parameter("index"),
        ", or replace it: ",
        Call("index", dataset=scan.dataset, index=base.path, rebuild=True),
    )


def _is_same_dataset(base: Snapshot, dataset: str, images: ImageFiles) -> bool:
    """Say whether a folder holds the images of an index: most of a sample, by content."""
    facts = base.rows.facts
    sizes, contents = set(facts["bytes"].tolist()), {one.tobytes() for one in facts["sha256"]}
    candidates = [one for one in images if one.size in sizes]
    if 2 * len(candidates) < min(len(images), len(facts)):
        return False
    sample = candidates[:: -(-len(candidates) // _SAMPLE) or 1]
    known = sum(sha256_if_readable(os.path.join(dataset, one.path)) in contents for one in sample)
    return known > 0 and 2 * known >= len(sample)
