"""Text of UTF-8 files, and names of files, whatever the locale is.

Python decodes names of files by the locale. Where that is not UTF-8, a name that comes from a file
in UTF-8 has to be turned into what Python makes of the same bytes, or it opens another file.
"""

from __future__ import annotations

import base64
import os


def as_path(text: str) -> str:
    """Return a path from a file in UTF-8 as the system's functions take it.

    Examples
    --------
    >>> os.fsencode(as_path("ö.jpg")) == "ö.jpg".encode()
    True
    """
    return text if text.isascii() else os.fsdecode(text.encode("utf-8", "surrogateescape"))


def as_utf8(text: str) -> bytes:
    r"""Return text as UTF-8; bytes in it that Python could not decode stay as they are.

    Examples
    --------
    >>> as_utf8("±\udcff")
    b'\xc2\xb1\xff'
    """
    return text.encode("utf-8", "surrogateescape")


def path_bytes(text: str) -> bytes:
    """Return the bytes of a path, or of a text that the locale cannot encode."""
    try:
        return os.fsencode(text)
    except UnicodeEncodeError:
        return as_utf8(text)


def readable_path(path: str) -> tuple[str, str]:
    """Return a path as text, and its bytes in base64 if they are not UTF-8, else nothing.

    Examples
    --------
    >>> readable_path("ä.jpg")
    ('ä.jpg', '')
    """
    if path.isascii():
        return path, ""
    raw = path_bytes(path)
    try:
        return raw.decode(), ""
    except UnicodeDecodeError:
        return raw.decode(errors="replace"), base64.b64encode(raw).decode()
