"""The images that a query names."""

from __future__ import annotations

import os

from cbir.core.arguments import path_text_of
from cbir.core.errors import CbirError, printable


def list_queries(source: str) -> list[str]:
    """Return the images that a query names: itself, or all below it if it is a folder."""
    from cbir.images.discovery import find_images

    source = path_text_of(source, "a query")
    if not os.path.isdir(source):
        return [source]
    found = [os.path.join(source, one.path) for one in find_images(source)]
    if not found:
        raise CbirError(f"{printable(source)}: there is no image in this folder")
    return found
