"""Which paths the rows of an index may have."""

from __future__ import annotations

import os


def check_path(path: str) -> None:
    """Check that a path leads to a file below the dataset's root, and can be one.

    Raises
    ------
    ValueError
        When it is empty, absolute, has a NUL, or a part that is empty, ``.`` or ``..``.

    Examples
    --------
    >>> check_path("cats/cat-1.jpg")
    >>> check_path("../../etc/passwd")
    Traceback (most recent call last):
    ValueError: it leads out of the dataset
    """
    parts = path.replace(os.sep, "/").split("/")
    if not path:
        raise ValueError("it is empty")
    if "\0" in path:
        raise ValueError("it has a NUL character")
    if os.path.isabs(path) or os.path.splitdrive(path)[0]:
        raise ValueError("it is not relative to the dataset")
    if ".." in parts:
        raise ValueError("it leads out of the dataset")
    if "" in parts or "." in parts:
        raise ValueError("it has an empty part")
