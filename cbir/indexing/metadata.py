"""What is known about the images of an index, carried over to the next one."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from cbir.stores.metadata import MetadataColumn
from cbir.stores.model import Rows


def carry_over(
    before: Rows, rows: Rows, same_root: bool, replaced: Collection[str] = ()
) -> tuple[dict[str, MetadataColumn], list[str]]:
    """Give each image what was known about it.

    Parameters
    ----------
    before : Rows
        Those of the index so far.
    rows : Rows
        Those of the new one.
    same_root : bool
        Both are of one dataset, so that equal paths mean equal images.
    replaced : collection of str
        Columns that others take the place of.

    Returns
    -------
    dict of str to MetadataColumn, list of str
        The columns by name; and the paths of images with text in them, but for replaced ones, that
        no new row gets.
    """
    if not before.metadata:
        return {}, []
    row_of = {content.tobytes(): row for row, content in enumerate(before.facts["sha256"])}

    def source(path: str, content: bytes) -> int:
        """Return the row that an image had: by both, by content, or by path alone; or -1."""
        there = before.paths.find(path) if same_root else None
        if there is not None and before.facts["sha256"][there].tobytes() == content:
            return there
        return row_of.get(content, -1 if there is None else there)

    contents = (content.tobytes() for content in rows.facts["sha256"])
    sources = np.fromiter(map(source, rows.paths, contents), np.intp, len(rows))
    columns = {name: column.take(sources) for name, column in before.metadata.items()}
    is_gone = np.zeros(len(before), bool)
    for name, column in before.metadata.items():
        if name not in replaced:
            is_gone |= column.filled
    is_gone[sources[sources >= 0]] = False
    return columns, [before.paths[int(row)] for row in np.flatnonzero(is_gone)]


def is_replaced(before: MetadataColumn, after: MetadataColumn) -> bool:
    """Say whether most of what a column told is gone: it was about something else.

    Examples
    --------
    >>> before, after = MetadataColumn.of(["1", "2", "3"]), MetadataColumn.of(["1", "2", "9"])
    >>> is_replaced(before, after), is_replaced(MetadataColumn.of(["good", "", ""]), after)
    (False, True)
    """
    pairs = [(cell, new) for cell, new in zip(before.texts(), after.texts(), strict=True) if cell]
    return 2 * sum(cell == new for cell, new in pairs) < len(pairs)


def are_same(before: Mapping[str, MetadataColumn], after: Mapping[str, MetadataColumn]) -> bool:
    """Say whether both have the same columns with the same text."""
    return list(before) == list(after) and all(before[name] == after[name] for name in after)
