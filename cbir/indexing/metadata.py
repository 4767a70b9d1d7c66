"""Columns that the user added to an index, carried over to the next one."""

from __future__ import annotations

from cbir.stores.model import Rows


def carry_over(before: Rows, rows: Rows, same_root: bool) -> tuple[dict[str, list[str]], list[str]]:
    """Give each image the text that it had in the user's columns.

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
    dict of str to list of str, list of str
        The columns by name; and the paths of images with text in them that no new row gets.
    """
    if not before.metadata:
        return {}, []
    row_of = {content.tobytes(): row for row, content in enumerate(before.facts["sha256"])}

    def source(path: str, content: bytes) -> int | None:
        """Return the row that an image had: by both, by content, or by path alone."""
        there = before.paths.find(path) if same_root else None
        if there is not None and before.facts["sha256"][there].tobytes() == content:
            return there
        return row_of.get(content, there)

    contents = (content.tobytes() for content in rows.facts["sha256"])
    sources = list(map(source, rows.paths, contents))
    columns = {
        name: ["" if row is None else column[row] for row in sources]
        for name, column in before.metadata.items()
    }
    filled = {row for column in before.metadata.values() for row, cell in enumerate(column) if cell}
    return columns, [before.paths[row] for row in sorted(filled.difference(sources))]
