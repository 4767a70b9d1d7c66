"""What is known about the images of an index, carried over to the next one."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from cbir.stores.metadata import MetadataColumn
from cbir.stores.model import Rows


def carry_over(
    before: Rows, rows: Rows, same_root: bool, replaced: Collection[str] = ()
) -> tuple[dict[str, MetadataColumn], list[str]]:
    """Give each image what was known about it: by its path and content, by its content if it was
    renamed, or, if it was changed, by its path.

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
    contents = rows.facts["sha256"]
    known = before.paths.rows_of(rows.paths)
    is_same = known >= 0
    is_same[is_same] = before.facts["sha256"][known[is_same]] == contents[is_same]
    moved = _moved(before, np.delete(np.arange(len(before)), known[is_same]))
    sources = np.where(is_same | same_root, known, -1)
    for place in np.flatnonzero(~is_same):
        sources[place] = moved.get(contents[place].tobytes(), sources[place])
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


def _moved(before: Rows, rows: NDArray[np.intp]) -> dict[bytes, int]:
    """Return the rows of images that are not where they were, by their content.

    Where several images of one content left, and something else was known about each, nobody can
    tell which is which: these are at -1.
    """
    firsts: dict[bytes, int] = {}
    for row in rows.tolist():
        content = before.facts["sha256"][row].tobytes()
        first = firsts.setdefault(content, row)
        if first >= 0 and any(
            column.codes[first] != column.codes[row] for column in before.metadata.values()
        ):
            firsts[content] = -1
    return firsts
