"""Where what an index refers to is: as the index keeps it, and as the system finds it."""

from __future__ import annotations

import os

from cbir.stores.default_path import is_kept


def kept_location(path: str, index: str) -> str:
    """Return a path relative to the index, so that both can be moved together.

    The cache folder moves without anything else: an index that is kept there has the whole path.
    An empty path, which stands for no file of the user's, stays empty.

    Examples
    --------
    >>> kept_location("models/net.onnx", "indexes/index.csv")
    '../models/net.onnx'
    """
    if not path:
        return path
    folder, name = os.path.split(os.path.abspath(path))
    # Up from where links lead to is what the system does; the name itself may be a link to stay.
    whole = os.path.join(os.path.realpath(folder), name)
    return _with_slashes(whole if is_kept(index) else os.path.relpath(whole, _folder_of(index)))


def found_location(kept: str, index: str) -> str:
    """Return the absolute path that :func:`kept_location` turned into `kept`."""
    return os.path.normpath(os.path.join(_folder_of(index), kept)) if kept else kept


def _folder_of(index: str) -> str:
    return os.path.dirname(os.path.realpath(index))


def _with_slashes(path: str) -> str:
    return path.replace(os.sep, "/")
