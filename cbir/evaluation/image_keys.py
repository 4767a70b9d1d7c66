"""Which images the keys of a file mean."""

from __future__ import annotations

import posixpath
from collections.abc import Container, Sequence

from cbir.core.errors import CbirError, printable


def match_keys(keys: Container[str], names: Sequence[str], source: str) -> list[str | None]:
    """Find the key of each image.

    A key is an image's path, its path without the ending, its name, or its name without the
    ending; what comes first in this list wins, and then means no other image.

    Parameters
    ----------
    keys : container of str
    names : sequence of str
        Paths of images, below their folder, with ``/``.
    source : str
        The file that the keys are from, for the message.

    Returns
    -------
    list of (str or None)
        None for an image that no key means.

    Raises
    ------
    CbirError
        When a key means several images.

    Examples
    --------
    >>> match_keys({"a/1.jpg", "2.jpg", "3"}, ["a/1.jpg", "a/2.jpg", "3.png", "4.jpg"], "x.csv")
    ['a/1.jpg', '2.jpg', '3', None]
    """
    found: list[str | None] = [None] * len(names)
    taken: set[str] = set()
    for form in (str, _stem, posixpath.basename, _name_stem):
        owners: dict[str, int] = {}
        for row, name in enumerate(names):
            key = form(name)
            if found[row] is not None or key in taken or key not in keys:
                continue
            if key in owners:
                raise CbirError(
                    f"{printable(source)}: {printable(key)} may be {printable(names[owners[key]])}"
                    f" or {printable(name)}; write their paths below the dataset there"
                )
            owners[key] = row
        for key, row in owners.items():
            found[row] = key
        taken.update(owners)
    return found


def _stem(path: str) -> str:
    folder, slash, name = path.rpartition("/")
    stem, dot, _ = name.rpartition(".")
    return folder + slash + (stem if dot and stem else name)


def _name_stem(path: str) -> str:
    return _stem(posixpath.basename(path))
