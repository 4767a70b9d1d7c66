"""Names for files that are added: what people upload may be called anything."""

from __future__ import annotations

import itertools
import os
import re
import unicodedata
from collections.abc import Callable

from cbir.images.discovery import IMAGE_EXTENSIONS

_RESERVED = re.compile(r'[<>:"/\\|?*]')
"""Characters that no name has on Windows."""

_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)

_LONGEST = 200
"""Bytes; there is room for a number."""


def safe_name(name: str) -> str:
    r"""Return a name that a file can have on any system, and that hides nothing.

    Only the last part of a path counts. Control characters and such as change the direction of
    writing are left out, and so are dots at the beginning and at the end.

    Examples
    --------
    >>> safe_name("C:\\photos\\a?.jpg"), safe_name("../.hidden.jpg"), safe_name("con.jpg")
    ('a_.jpg', 'hidden.jpg', '_con.jpg')
    """
    base = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    shown = "".join(char for char in base if unicodedata.category(char)[0] != "C")
    plain = _RESERVED.sub("_", shown).strip().lstrip(". ").rstrip(". ")
    if _DEVICES.fullmatch(plain):
        plain = f"_{plain}"
    stem, extension = os.path.splitext(plain)
    if extension.lower() not in IMAGE_EXTENSIONS:
        stem, extension = plain, ""
    while len(os.fsencode(stem)) > _LONGEST - len(extension):
        stem = stem[:-1]
    return f"{stem.rstrip() or 'image'}{extension}"


def free_path(path: str, is_taken: Callable[[str], bool]) -> str:
    """Return a path that is not taken, with a number if need be.

    Examples
    --------
    >>> free_path("cats/a.jpg", {"cats/a.jpg", "cats/a (2).jpg"}.__contains__)
    'cats/a (3).jpg'
    """
    if not is_taken(path):
        return path
    stem, extension = os.path.splitext(path)
    numbered = (f"{stem} ({number}){extension}" for number in itertools.count(2))
    return next(one for one in numbered if not is_taken(one))
