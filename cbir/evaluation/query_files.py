"""Which file of an index an image is, and which file it is at all."""

from __future__ import annotations

import os

from cbir.search.engine import Index


def rows_by_file(index: Index) -> dict[str, int]:
    """Return the row of each file of an index, whichever links lead to it."""
    root = index.root
    return {os.path.realpath(os.path.join(root, path)): row for row, path in enumerate(index.paths)}
