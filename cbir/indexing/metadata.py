"""What is known about the images of an index, carried over to the next one."""

from __future__ import annotations

import numpy as np

from cbir.stores.metadata import MetadataColumn
from cbir.stores.model import Rows


def carry_over(
    before: Rows, rows: Rows, same_root: bool
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

    Returns
    -------
    dict of str to MetadataColumn, list of str
        The columns by name; and the paths of images with text in them that no new row gets.
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
    is_gone = np.any([column.filled for column in before.metadata.values()], axis=0)
    is_gone[sources[sources >= 0]] = False
    return columns, [before.paths[int(row)] for row in np.flatnonzero(is_gone)]
