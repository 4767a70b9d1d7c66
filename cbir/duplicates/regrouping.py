"""A group around another of its images than the one that a policy keeps."""

from __future__ import annotations

from collections.abc import Collection as Container
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from cbir.core.progress import ProgressListener
from cbir.duplicates.collection import Collection
from cbir.duplicates.grouping import find_groups
from cbir.duplicates.loss import LossKind
from cbir.duplicates.model import CopyLevel, Group


def group_around(
    collection: Collection,
    kept: str,
    others: Container[str],
    level: CopyLevel = "near",
    *,
    threshold: int | None = None,
    allow_loss: LossKind | Iterable[LossKind] = (),
    workers: int | None = None,
    listener: ProgressListener | None = None,
) -> Group | None:
    """Compare some images with one that is kept whatever a policy says.

    Parameters
    ----------
    collection : Collection
        It has all of these images.
    kept : str
        The path of the image that is kept.
    others : collection of str
        The paths of those that may be its copies.
    level, threshold, allow_loss, workers, listener
        As for :func:`~cbir.duplicates.grouping.find_groups`.

    Returns
    -------
    Group or None
        With those of the images that are copies of the kept one; None if none is.
    """
    places = [
        place
        for place, record in enumerate(collection.records)
        if record.path == kept or record.path in others
    ]
    content_ids, new_ids = np.unique(collection.content_ids[places], return_inverse=True)
    few = Collection(
        tuple(
            replace(record, reference=record.path == kept)
            for record in (collection.records[place] for place in places)
        ),
        tuple(collection.contents[content_id] for content_id in content_ids),
        new_ids.astype(np.int64),
        collection.cache,
        collection.root,
    )
    groups = find_groups(
        few,
        level,
        threshold=threshold,
        allow_loss=allow_loss,
        workers=workers,
        listener=listener,
    )
    found = next((group for group in groups if group.keep.path == kept), None)
    return found and replace(found, keep=replace(found.keep, reference=False))
