"""The addresses of images: paths of any bytes, as parts of a URL and back."""

from __future__ import annotations

import os
from typing import Annotated, Protocol
from urllib.parse import quote, unquote_to_bytes

from fastapi import Depends, Path, Request
from starlette.convertors import PathConvertor, register_url_convertor

_UNDECODED = "\ufffd"
"""What the server puts in the place of bytes that are not UTF-8."""


class _ImagePath(PathConvertor):
    """The path of an image, which may have line breaks in it."""

    regex = "(?s:.*)"


register_url_convertor("image", _ImagePath())


def quoted_path(path: str) -> str:
    """Return a path of the index as part of a URL.

    Examples
    --------
    >>> quoted_path("a b#1/ä.jpg")
    'a%20b%231/%C3%A4.jpg'
    """
    return quote(os.fsencode(path))


async def _named_path(
    request: Request, path: Annotated[str, Path(description="Of an image of the index.")]
) -> str:
    """Return the path that a request names, whatever bytes it has."""
    if _UNDECODED not in path:
        return path
    prefix: str = request.scope["route"].path.partition("{")[0]
    decoded = unquote_to_bytes(request.scope["raw_path"].partition(b"?")[0])
    return os.fsdecode(decoded.removeprefix(prefix.encode()))


NamedPath = Annotated[str, Depends(_named_path)]
"""The parameter by which a route that ends in ``{path:image}`` gets it."""


def image_url(path: str) -> str:
    """Return the address of an image's file."""
    return f"/api/images/{quoted_path(path)}"


def page_url(path: str) -> str:
    """Return the address of the page about an image."""
    return f"/image/{quoted_path(path)}"


class IndexedFile(Protocol):
    """An image of the index: its path, and what it holds."""

    @property
    def path(self) -> str:
        """Relative to the dataset."""

    @property
    def sha256(self) -> bytes:
        """Of the file."""


def thumbnail_url(entry: IndexedFile, size: int) -> str:
    """Return the address of a thumbnail, which is another one when the image is."""
    version = entry.sha256[:8].hex()
    return f"/api/thumbnails/{quoted_path(entry.path)}?size={size}&version={version}"


def query_url(key: str, size: int) -> str:
    """Return the address of a thumbnail of an image from outside that is kept."""
    return f"/queries/{key}?size={size}"
