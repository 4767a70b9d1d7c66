"""How the path of an image stands in the columns of a file, and what paths there may be."""

from __future__ import annotations

import base64
import itertools
import os
from collections.abc import Sequence

from cbir.core.text import as_path
from cbir.stores.paths import check_path


def path_of(readable: str, raw: str) -> str:
    """Return the path that stands in the columns ``path`` and ``path_base64``.

    Raises
    ------
    ValueError
        When it leads to no file of a dataset.

    Examples
    --------
    >>> path_of("./NA", "")
    'NA'
    """
    if raw:
        path = os.fsdecode(base64.b64decode(raw, validate=True))
    else:
        path = as_path(readable.removeprefix("./"))
    check_path(path)
    return path


def sorted_places(paths: Sequence[str]) -> tuple[list[int], str | None]:
    """Return the order of paths by their bytes, and a path that is there twice, if there is one.

    Examples
    --------
    >>> sorted_places(["b", "a", "b"])
    ([1, 0, 2], 'b')
    """
    encoded = [os.fsencode(path) for path in paths]
    order = sorted(range(len(paths)), key=encoded.__getitem__)
    pairs = itertools.pairwise(order)
    return order, next((paths[i] for i, k in pairs if encoded[i] == encoded[k]), None)
