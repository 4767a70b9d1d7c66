"""The third stage of indexing: describe the images, as far as they are not known."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from cbir.core import stderr_capture
from cbir.core.atomic_files import explained
from cbir.core.errors import UnreadableImageError, printable
from cbir.core.progress import ProgressListener
from cbir.descriptors.registry import NamedDescriptor
from cbir.images.discovery import ImageFile, ImageFiles
from cbir.images.encoded_image import EncodedImage
from cbir.indexing.descriptions import Descriptions
from cbir.indexing.image_describer import DescribedImage, ImageDescriber, Outcomes
from cbir.indexing.plan import Plan
from cbir.stores.journal import JournalRecord

_RUN = 10_000
"""Images that are taken over at a time, at most, so that there is progress to tell of."""

Executor = Callable[[ImageDescriber, Iterable[ImageFile]], Outcomes]
"""Where images are described: yields what becomes of each, in order. When it is closed, what has
not begun is dropped."""


def describe(plan: Plan, executor: Executor, listener: ProgressListener) -> Descriptions:
    """Describe what is to be described, and take over the rest.

    What is described goes into the journal, so that an interrupted run can be resumed.

    Parameters
    ----------
    plan : Plan
    executor : Executor
        Does the work: on threads, unless a program has other means.
    listener : ProgressListener
        Told of progress, of unreadable and of damaged images.
    """
    scan, suspects = plan.scan, list[str]()
    descriptions = Descriptions(plan.reused_rows, plan.named, plan.lookup, plan.writer.room)
    describer = ImageDescriber(scan.dataset, plan.named, plan.lookup, plan.features)
    wanted = (scan.images[place] for place in np.flatnonzero(plan.reused_rows < 0).tolist())
    listener.begin("describing", len(scan.images))
    with _kept(plan), contextlib.closing(executor(describer, wanted)) as outcomes:
        for some, rows in _runs(scan.images, plan.reused_rows):
            if rows[0] >= 0:
                descriptions.take_over(some.paths, rows)
                listener.advance(len(some))
                continue
            for file, outcome in zip(some, outcomes, strict=False):
                listener.advance()
                if isinstance(outcome, UnreadableImageError):
                    descriptions.unreadable.append(outcome)
                    listener.unreadable(outcome)
                elif outcome is not None:
                    _keep(outcome, plan)
                    descriptions.add(outcome)
                    if outcome.is_suspect:
                        suspects.append(os.path.join(scan.dataset, file.path))
    listener.end()
    for path in suspects:
        if damage := _damage_of(path, plan.named):
            listener.warn(f"{printable(path)}: {damage}")
            descriptions.warned.append(path)
    return descriptions


def _runs(
    images: ImageFiles, reused_rows: NDArray[np.int64]
) -> Iterator[tuple[ImageFiles, NDArray[np.int64]]]:
    """Yield images one after the other that are all reused, or all to be described."""
    turns = np.flatnonzero(np.diff(reused_rows < 0)) + 1
    edges = np.union1d(turns, np.arange(0, len(images) + _RUN, _RUN)).clip(max=len(images))
    for start, stop in itertools.pairwise(np.unique(edges).tolist()):
        yield images[start:stop], reused_rows[start:stop]


@contextlib.contextmanager
def _kept(plan: Plan) -> Iterator[None]:
    """Write what waits to be written, also when the work ends before its time."""
    try:
        yield
    finally:
        # The first error is the one to tell; and what the journal lacks is described again.
        with contextlib.suppress(OSError):
            plan.journal.flush()
        for writer in plan.features.values():
            writer.close()


def _keep(one: DescribedImage, plan: Plan) -> None:
    file, known = one.file, one.known
    if one.is_new:
        rows = {fingerprint: row.tobytes() for fingerprint, row in known.rows.items()}
        record = JournalRecord(
            file.path, file.size, file.mtime, known.width, known.height, known.sha256, rows
        )
        with explained(plan.journal.path, "write the journal"):
            plan.journal.append(record)
    for fingerprint, features in one.features.items():
        plan.features[fingerprint].add(known.sha256, features)


def _damage_of(path: str, named: Sequence[NamedDescriptor]) -> str:
    """Decode an image once more, with nothing beside, and return what is wrong with it, if any."""
    damage = ""

    def decode() -> None:
        nonlocal damage
        image = EncodedImage.open(path)
        for one in named:
            image.pixels(one.descriptor.working_size)
        damage = image.damage

    try:
        heard = stderr_capture.output_of(decode)
    except UnreadableImageError:
        return ""
    return damage or heard
