"""The images of an index, as far as they take part in a search for duplicates."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbir.core.errors import CbirError, printable
from cbir.core.messages import Parameter
from cbir.descriptors.base import Row
from cbir.duplicates.image_content import HASH
from cbir.duplicates.model import ImageRecord
from cbir.images.discovery import is_selected
from cbir.search.filters.columns import ImageColumns
from cbir.search.filters.metadata_filter import MetadataFilter
from cbir.stores.model import Snapshot


@dataclass(frozen=True, slots=True)
class Selection:
    """Which images of an index take part, and what is told of them."""

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    where: str | None = None
    columns: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class IndexedImage:
    """What an index says of an image: the file, the bits of its hash, and a row, if wanted."""

    record: ImageRecord
    bits: NDArray[np.uint8]
    row: Row | None


def hash_alias(snapshot: Snapshot) -> str | None:
    """Return the alias by which an index holds the hash that copies are found by, or None."""
    entries = snapshot.manifest.entries
    return next((one.alias for one in entries if one.fingerprint == HASH.fingerprint), None)


def images_of(
    snapshot: Snapshot,
    root: str,
    reference: bool,
    selection: Selection,
    described: str | None,
) -> list[IndexedImage]:
    """Return the images of an index, with their rows by the descriptor `described`."""
    alias = hash_alias(snapshot)
    if alias is None:
        raise CbirError(f"{printable(snapshot.path)}: the index has no hashes")
    # The index may hold more than what is asked for: patterns never shrink it.
    paths = list(snapshot.rows.paths)
    columns = ImageColumns(snapshot.rows)
    told = {name: columns.named(name, "columns") for name in selection.columns}
    rows: Sequence[int] = range(len(paths))
    if selection.where is not None:
        metadata_filter = MetadataFilter(columns, len(paths))
        matching = metadata_filter.matching(selection.where)
        rows = np.flatnonzero(matching).tolist()
        if not rows:
            raise CbirError(
                Parameter("where"),
                f" {printable(selection.where)}: {metadata_filter.about_nothing(selection.where)}",
            )
    chosen = [row for row in rows if is_selected(paths[row], selection.include, selection.exclude)]
    rows_by = None if described is None else snapshot.matrix(described)
    images = []
    for place, fact, row in zip(
        chosen, snapshot.rows.facts[chosen], snapshot.matrix(alias)[chosen], strict=True
    ):
        record = ImageRecord(
            paths[place] if root == "." else os.path.join(root, paths[place]),
            fact["sha256"].tobytes(),
            int(fact["bytes"]),
            int(fact["mtime"]),
            int(fact["width"]),
            int(fact["height"]),
            int(row[-1]),
            reference,
            tuple((name, column.texts([place])[0]) for name, column in told.items()),
        )
        more = None if rows_by is None else rows_by[place]
        images.append(IndexedImage(record, row[:-1], more))
    return images
